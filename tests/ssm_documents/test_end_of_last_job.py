"""How soon a drain notices that the last job has ended."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.command_documents import action_script
from tests.patience import eventually
from tests.ssm_documents.bare_host import BareHost

# A thread of each kind of wait, named after it, and one that ends again and again.
WAITS = """
held = Mutex.new.lock
free, condition = Mutex.new, ConditionVariable.new
input, _output = IO.pipe
waits = {
  "sleeps" => -> { sleep },
  "sleeps long" => -> { sleep 1000 },
  "pops" => -> { Queue.new.pop },
  "locks" => -> { held.lock },
  "is signalled" => -> { free.synchronize { condition.wait(free, 1000) } },
  "reads" => -> { input.read },
  "selects" => -> { IO.select([input], nil, nil, 1000) },
  "computes" => -> { loop { 1 + 1 } },
}
waits.each { |name, wait| Thread.new { Thread.current.name = name; wait.call } }
loop do
  Thread.new { Thread.current.name = "ended" }.join
  $stdout.puts RUBY_VERSION
  $stdout.flush
  sleep 1
end
"""
LIST_ENDED = """
for NOW in "${@:2}"; do
  for task in "/proc/$1/task"/*; do
    read_comm "${task#/proc/}"
    if has_ended "$1:1" "${task##*/}"; then echo "$NOW $COMM"; fi
  done
done
"""


def test_the_proof_begins_when_the_last_job_ends_and_not_at_the_next_look(
    host: BareHost, tmp_path: Path
) -> None:
    host.imitate(jobs="20,10,4", beat=2)
    host.imitate(jobs="8", beat=2)
    tasks = [Path(f"/proc/{host.init_pid}/root/proc/{pid}/task") for pid in host.wait_for_workers(2)]
    eventually(lambda: all(len(list(folder.iterdir())) >= 6 for folder in tasks), "all threads run")
    slow = tmp_path / "slow.sh"

    # Looks so far apart that its time is over before the second.
    change = f'sed "s/seconds=[0-9]*/seconds=1000/g" "$0" >{slow}; exec bash {slow}'
    answer = host.start("quiet", limit=300, runner=["bash", "-c", change]).answer()

    assert "seconds=1000;" in slow.read_text()
    assert answer.summary() == (0, "quiet")


def test_a_thread_that_ruby_only_keeps_for_the_next_one_has_ended_and_one_that_waits_has_not(
    tmp_path: Path,
) -> None:
    ruby = subprocess.Popen(["ruby", "-e", WAITS], stdout=subprocess.PIPE, text=True)
    try:
        assert ruby.stdout is not None
        version = [int(number) for number in ruby.stdout.readline().split(".")]
        functions, _, _ = action_script("quiet").rpartition("run_action ")
        script = tmp_path / "list.sh"
        script.write_text(functions + LIST_ENDED)
        # The second time is four seconds later: Ruby does not keep a thread for so long.
        ended = subprocess.run(
            ["bash", str(script), str(ruby.pid), "1000", "1400"], check=True, capture_output=True, text=True
        )
    finally:
        ruby.kill()
        ruby.communicate()

    assert ended.stdout.splitlines() == (["1000 ended"] if version < [3, 3] else [])

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
    if has_ended "$1:1" "${task##*/}"; then echo "$NOW ${task##*/} $COMM"; fi
  done
done
"""


FIRST, FOUR_SECONDS_LATER = "1000", "1400"  # Ruby does not keep a thread for so long.


def found_ended(script: Path, pid: int) -> list[tuple[str, str, str]]:
    """What one look at two times finds ended in a process: time, thread and its name."""
    ended = subprocess.run(
        ["bash", str(script), str(pid), FIRST, FOUR_SECONDS_LATER],
        check=True,
        capture_output=True,
        text=True,
    )
    found = []
    for line in ended.stdout.splitlines():
        when, thread, name = line.split(" ", 2)
        found.append((when, thread, name))
    return found


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
        looks: list[list[tuple[str, str, str]]] = []

        def finds_one() -> bool:
            looks.append(found_ended(script, ruby.pid))
            return any(when == FIRST for when, _, _ in looks[-1])

        # At the moment of a look the next thread may have taken the place of the one that was kept.
        eventually(lambda: finds_one() or version >= [3, 3], "a thread has ended")
    finally:
        ruby.kill()
        ruby.communicate()

    found = [thread for look in looks for thread in look]
    assert {name for _, _, name in found} == ({"ended"} if version < [3, 3] else set())
    for look in looks:
        kept = [thread for _, thread, _ in look]
        assert len(kept) == len(set(kept)), "after four seconds it is not taken for kept any more"

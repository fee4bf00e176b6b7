"""Hundreds of workers on a host: what a command does grows with their number, and no faster."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from infra.command_documents import action_script
from tests.ssm_documents.bare_host import BareHost

SUPERVISORD = Path(__file__).parent / "many_workers.rb"
SUPERVISORCTL = """#!/bin/bash
cd "${0%/*}"
echo "$@" >asked
cat answered
"""
FEW, MANY = 20, 200


@dataclass(frozen=True)
class Traced:
    """How a command went, and how often bash ran a command in each function.

    `waits` are its pauses, but for those in which a supervisor's client runs; `clients` are these clients.
    """

    summary: tuple[int, str]
    commands: Counter[str]
    waits: int
    clients: int


def traced(host: BareHost, action: str) -> Traced:
    trace = host.folder / f"trace-{action}"
    # To be traced in a descriptor of its own the script is read by a shell that has it.
    follow = f"exec 9>{trace}; BASH_XTRACEFD=9; PS4='+${{FUNCNAME[0]-}}<${{FUNCNAME[1]-}} '; set -x; . \"$0\""
    answer = host.start(action, limit=600, runner=["bash", "-c", follow]).answer()
    commands: Counter[str] = Counter()
    waits = clients = 0
    with trace.open(errors="replace") as lines:
        for line in lines:
            if found := re.match(r"\++(\w+)<(\w*) (\w*)", line):
                function, caller, word = found.groups()
                commands[function] += 1
                waits += (function, word) == ("pause", "read") and caller != "run_client"
                clients += (function, word) == ("run_client", "exec")
    trace.unlink()
    return Traced(answer.summary(), commands, waits, clients)


def start_and_command(folder: Path, workers: int) -> tuple[dict[str, Traced], list[str]]:
    """Stop, wake, quiet and wake so many workers of one group; also what its supervisord was told."""
    with BareHost(folder) as host:
        (folder / "supervisord").write_text(SUPERVISORD.read_text())
        (folder / "supervisorctl").write_text(SUPERVISORCTL)
        (folder / "supervisorctl").chmod(0o755)
        host.run(["mkfifo", f"{folder}/asked", f"{folder}/answered"])
        host.popen(["ruby", f"{folder}/supervisord", str(workers)])
        host.wait_for_workers(workers)
        done = {"stop": traced(host, "stop"), "start": traced(host, "wake")}
        done |= {"quiet": traced(host, "quiet"), "restart": traced(host, "wake")}
        host.wait_for_workers(workers)
        return done, (folder / "told").read_text().splitlines()


def test_ten_times_as_many_workers_of_a_group_take_ten_times_as_many_commands_and_hardly_more_pauses(
    tmp_path: Path,
) -> None:
    few, told_few = start_and_command(tmp_path / "few", FEW)
    many, told_many = start_and_command(tmp_path / "many", MANY)

    for told, workers in ((told_few, FEW), (told_many, MANY)):
        stopped, started, *restarted = told
        assert (stopped, started) == ("stop backups:*", "start backups:*")
        # All at once, unless the host is so slow that some of them are proven quiet in a later look than others.
        names = [name for line in restarted for name in line.removeprefix("restart ").split()]
        assert names == ["backups:*"] or (
            len(restarted) <= 4
            and Counter(names) == Counter(f"backups:{number}" for number in range(workers))
        )
    confirmed = {
        "stop": (0, "stopped"),
        "start": (0, "awake"),
        "quiet": (0, "quiet"),
        "restart": (0, "awake"),
    }
    for name, summary in confirmed.items():
        print(name, few[name].waits, many[name].waits, few[name].clients, many[name].clients)
        assert few[name].summary == many[name].summary == summary
        # Nothing is waited for, and nobody is asked, for each two workers by themselves.
        assert 0 < many[name].waits < few[name].waits + MANY // 2
        assert 0 < many[name].clients < few[name].clients + MANY // 2
        # Twice ten times, since the number of looks differs; a step for each two workers would be 100 times as many.
        # What is done only where not all are proven quiet in one look may be done a few times for each worker: half of
        # what a step for each two workers would take. Each restart of a part of them takes a look at all.
        rounds = max(1, len(told_many) - 2) if name == "restart" else 1
        once = MANY * MANY // 2
        allowed = {function: rounds * (20 * count + once) for function, count in few[name].commands.items()}
        more = {
            function: (few[name].commands[function], count)
            for function, count in many[name].commands.items()
            if count > allowed.get(function, rounds * once)
        }
        assert more == {}


# A host of workers 2 to N + 1, each the only process of a unit without a main process, but for the first one's.
UNITS_WITHOUT_A_MAIN_PROCESS = """
mkdir "$1" && cd "$1"
for ((pid = 2; pid < $2 + 2; pid++)); do : >"$pid"; done
: >9999
looks=0
systemd_is_init() { :; }
find_container() { return 1; }
read_stat() { STAT_STATE=S STAT_PARENT=1 STAT_START=7 looks=$((looks + 1)); }
read_comm() { COMM=ruby looks=$((looks + 1)); }
read_unit_paths() {
  UNIT_PATHS=("/system.slice/w$(($1 == 9999 ? 2 : $1)).service")
  looks=$((looks + 1))
}
ask_systemd() { CLIENT_OUTPUT="MainPID=0"$'\\n'"Type=forking"$'\\n'"ControlGroup=/system.slice/${*: -1}"; }
DEADLINE=999999999999
for pid in [0-9]*; do
  if ((pid != 9999)); then TITLED[pid]=1; fi
done
for pid in "${!TITLED[@]}"; do
  find_unit "$pid" " $pid " || SUPERVISOR=none
  echo "$SUPERVISOR"
done
echo "$looks"
"""


def units_without_a_main_process(folder: Path, workers: int) -> tuple[list[str], int]:
    """The supervisors found for so many workers, and how often a process was looked at."""
    functions, _, _ = action_script("stop").rpartition("run_action ")
    script = folder / f"find-{workers}.sh"
    script.write_text(functions + UNITS_WITHOUT_A_MAIN_PROCESS)
    found = subprocess.run(
        ["bash", str(script), str(folder / f"proc-{workers}"), str(workers)],
        check=True,
        capture_output=True,
        text=True,
    )
    *supervisors, looks = found.stdout.splitlines()
    return supervisors, int(looks)


def test_units_without_a_main_process_are_told_by_one_look_at_all_processes(tmp_path: Path) -> None:
    few, looks_at_few = units_without_a_main_process(tmp_path, FEW)
    many, looks_at_many = units_without_a_main_process(tmp_path, MANY)

    for supervisors, workers in ((few, FEW), (many, MANY)):
        assert supervisors == ["none", *(f"systemd:w{pid}.service" for pid in range(3, workers + 2))]
    assert looks_at_many <= 10 * looks_at_few

"""Hundreds of workers on a host: what a command does grows with their number, and no faster."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

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
    """How a command went, with how many commands bash ran in each function."""

    summary: tuple[int, str]
    seconds: float
    commands: Counter[str]


def traced(host: BareHost, action: str) -> Traced:
    trace = host.folder / f"trace-{action}"
    # To be traced in a descriptor of its own the script is read by a shell that has it.
    follow = f"exec 9>{trace}; BASH_XTRACEFD=9; PS4='+${{FUNCNAME[0]-}} '; set -x; . \"$0\""
    answer = host.start(action, limit=600, runner=["bash", "-c", follow]).answer()
    with trace.open(errors="replace") as lines:
        commands = Counter(found[1] for line in lines if (found := re.match(r"\++(\w+) ", line)))
    trace.unlink()
    return Traced(answer.summary(), answer.seconds, commands)


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


def test_ten_times_as_many_workers_of_a_group_take_ten_times_as_many_commands_and_hardly_more_time(
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
        print(name, few[name].seconds, many[name].seconds)
        assert few[name].summary == many[name].summary == summary
        assert many[name].seconds < 3 * few[name].seconds
        # Twice ten times, since the number of looks differs; a step for each two workers would be 100 times as many.
        allowed = {function: 20 * count + 2000 for function, count in few[name].commands.items()}
        more = {
            function: (few[name].commands[function], count)
            for function, count in many[name].commands.items()
            if count > allowed.get(function, 2000)
        }
        assert more == {}

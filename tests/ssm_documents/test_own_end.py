"""A script ends by itself, in time, whatever goes wrong, and leaves nothing running."""

from __future__ import annotations

import re
import subprocess

import pytest

from infra.script_modules import ScriptModules
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually
from tests.ssm_documents.bare_host import IMITATION, Answer, BareHost
from tests.ssm_documents.systemd_host import ask, wait_for_workers

MODULES = ScriptModules()


def test_at_its_time_the_answer_lists_who_is_busy_and_with_how_many_jobs_and_no_job_is_harmed(
    host: BareHost,
) -> None:
    host.imitate(jobs="1000,1000", tag="backups", beat=1)
    host.imitate(jobs="1000", tag="reports", beat=1)
    host.imitate(tag="idle", beat=1)
    pids = host.wait_for_workers(3)
    eventually(lambda: sum("[0 of" not in title for title in host.workers().values()) == 2, "jobs run")

    answer = host.ask("quiet", limit=60)

    assert answer.summary() == (2, "busy")
    assert answer.seconds < 59
    listed = [(process["tag"], process["busy"], process["state"]) for process in answer.json["processes"]]
    assert listed == [("backups", 2, "quieting"), ("reports", 1, "quieting"), ("idle", 0, "quiet")]
    assert "Still running: 3 jobs in 2 of 3 processes." in answer.message
    assert host.wait_for_workers(3) == pids
    assert not [event for _, event in host.events() if event in {"TERM", "job ends"}]


@pytest.mark.parametrize("action", ["stop", "wake"])
def test_a_supervisor_that_hangs_does_not_make_the_script_miss_its_time(host: BareHost, action: str) -> None:
    imitation = " ".join(host.imitation(beat=1))
    host.install(
        "initctl",
        f"#!/bin/bash\npid={host.folder}/job.pid\n"
        'case $1 in list) echo "nightly start/running, process $(<$pid)" ;; *) exec sleep 1234 ;; esac\n',
    )
    host.popen(["bash", "-c", f"setsid {imitation} & echo $! >{host.folder}/job.pid; exit"])
    (pid,) = host.wait_for_workers(1)
    if action == "wake":
        assert host.ask("quiet").summary() == (0, "quiet")

    answer = host.ask(action, limit=60)

    assert answer.code in {0, 1}
    assert answer.seconds < 59
    assert not [title for title in host.titles().values() if "sleep 1234" in title]
    if action == "stop":  # its end was brought about all the same, since it was proven quiet
        eventually(lambda: (pid, "left") in host.events(), "its end")


def test_a_script_that_is_told_to_end_still_answers(host: BareHost) -> None:
    host.imitate(jobs="1000", beat=1)
    (pid,) = host.wait_for_workers(1)
    command = host.start("quiet")
    eventually(lambda: host.signals(pid), "it is at work")
    host.run(["pkill", "-TERM", "-f", "^/bin/bash .*script-"])

    answer = command.answer()

    assert answer.summary() == (1, "unconfirmed")
    assert "The script was ended by a signal" in answer.message
    assert answer.json["again"] is True
    assert not host.exists("/run/snow-white/command")


def quiet_with_a_broken_program(host: BareHost, program: str) -> Answer:
    host.imitate(beat=1)
    host.wait_for_workers(1)
    host.install(program, "#!/bin/sh\nexit 9\n")
    return host.ask("quiet")


def test_a_script_that_fails_on_its_way_still_answers(host: BareHost) -> None:
    answer = quiet_with_a_broken_program(host, "mv")

    assert answer.summary() == (1, "unconfirmed")
    assert "The script was ended by an error at line" in answer.message
    assert "again" not in answer.json


def test_a_list_that_cannot_be_sorted_is_said_to_be_cut(host: BareHost) -> None:
    answer = quiet_with_a_broken_program(host, "sort")

    assert answer.summary() == (0, "quiet")
    assert (answer.json["processes"], answer.json["omitted"]) == ([], 1)


def test_every_time_from_a_minute_to_two_days_leaves_a_margin_before_the_agent_s_kill() -> None:
    program = (
        f"set -eu\n{MODULES.text('clock')}\n"
        "for limit in $(seq 60 7 4000) $(seq 4000 997 172800) 172800; do "
        "  (set_deadline $limit; echo $limit $(((DEADLINE - STARTED) / SECOND))); "
        "done"
    )
    lines = subprocess.run(["bash", "-c", program], check=True, capture_output=True, text=True).stdout

    for limit, own in (map(int, line.split()) for line in lines.splitlines()):
        assert 10 <= limit - own <= 60
        assert own >= limit * 0.8


# The wall clock may be set back; a program that sleeps would be left behind by a script that is killed.
@pytest.mark.parametrize("word", ["date", "SECONDS", "EPOCH", ")T", "sleep "])
def test_no_script_looks_at_the_wall_clock_or_starts_a_program_to_wait(word: str) -> None:
    for module in MODULES.names():
        code = [re.split(r"(?:^|\s)#\s", line)[0] for line in MODULES.text(module).splitlines()]
        assert not [line for line in code if word in line], module


def test_stop_tells_nobody_when_the_proof_leaves_no_time_to_see_the_end(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    late = host.folder / "late.sh"

    # To stop workers takes more time than it ever has.
    change = f'sed "s/DEADLINE-NOW>=15\\*SECOND/DEADLINE-NOW>=1000*SECOND/" "$0" >{late}; exec bash {late}'
    answer = host.start("stop", limit=300, runner=["bash", "-c", change]).answer()

    assert late.read_text().count("DEADLINE-NOW>=1000*SECOND") == 1
    assert answer.summary() == (2, "busy")
    assert "no time is left to stop them" in answer.message
    assert answer.states == ["quiet"]
    assert host.signals(pid) == ["TSTP"]


@pytest.mark.parametrize("action", ["quiet", "stop"])
def test_a_client_that_is_a_wrapper_and_hangs_holds_up_nothing_and_does_not_live_on(
    host: BareHost, action: str
) -> None:
    # The wrapper's child keeps what the wrapper was given to write into.
    host.install("supervisorctl", "#!/bin/sh\nsleep 1234\necho done\n")
    supervisord = host.folder / "supervisord"
    supervisord.symlink_to("/bin/bash")
    host.popen([str(supervisord), "-c", f"{' '.join(host.imitation(beat=1))} & wait"])
    (pid,) = host.wait_for_workers(1)

    answer = host.ask(action)

    assert answer.code == (0 if action == "quiet" else 1)
    assert host.signals(pid) == ["TSTP"]
    assert not [title for title in host.titles().values() if "sleep 1234" in title]


def test_a_script_that_is_told_to_end_takes_along_the_client_that_hangs(host: BareHost) -> None:
    host.install("supervisorctl", "#!/bin/sh\nsleep 1234\necho done\n")
    supervisord = host.folder / "supervisord"
    supervisord.symlink_to("/bin/bash")
    host.popen([str(supervisord), "-c", f"{' '.join(host.imitation(beat=1))} & wait"])
    host.wait_for_workers(1)
    command = host.start("quiet")
    eventually(lambda: any("sleep 1234" in title for title in host.titles().values()), "it asks")
    host.run(["pkill", "-TERM", "-f", "^/bin/bash .*script-"])

    answer = command.answer()

    assert answer.summary() == (1, "unconfirmed")
    assert not [title for title in host.titles().values() if "sleep 1234" in title]


# It also notes how many had been sent the signal when it was asked.
SLOW_SYSTEMCTL = """#!/bin/sh
grep -c 'sent TSTP' /run/snow-white/log >>/root/sent
sleep 1
exec /usr/bin/systemctl "$@"
"""


def test_all_are_asked_for_quiet_before_slow_supervisors_are_asked_who_they_look_after(
    systemd: SystemdHost,
) -> None:
    systemd.write("/root/imitation.rb", IMITATION.read_text())
    for number in range(16):
        unit = (
            f"[Service]\nExecStart=/usr/bin/ruby /root/imitation.rb beat=1 log=/root/events tag=w{number}\n"
        )
        systemd.write(f"/etc/systemd/system/w{number}.service", unit)
    systemd.run(["systemctl", "daemon-reload"], check=True)
    systemd.run(["systemctl", "start", *(f"w{number}" for number in range(16))], check=True)
    pids = wait_for_workers(systemd, 16)
    systemd.write("/usr/local/sbin/systemctl", SLOW_SYSTEMCTL, mode=0o755)

    answer = ask(systemd, "quiet")

    assert answer.summary() == (0, "quiet")
    asked = [int(line.split()[0]) for line in systemd.read("/root/events").splitlines() if "TSTP" in line]
    assert sorted(asked) == pids
    sent_before_each_question = systemd.read("/root/sent").split()
    assert sent_before_each_question[0] == str(len(pids))


def test_a_supervisorctl_that_hangs_is_not_waited_for_at_every_look(host: BareHost) -> None:
    host.install("supervisorctl", f"#!/bin/sh\necho asked >>{host.folder}/asked\nexec sleep 1234\n")
    supervisord = host.folder / "supervisord"
    supervisord.symlink_to("/bin/bash")
    imitation = " ".join(host.imitation(beat=1))
    host.popen([str(supervisord), "-c", f"{imitation} & {imitation} & {imitation} & wait"])
    host.wait_for_workers(3)

    answer = host.ask("quiet", limit=60)

    assert answer.summary() == (0, "quiet")
    assert len((host.folder / "asked").read_text().split()) <= 3
    assert not [title for title in host.titles().values() if "sleep 1234" in title]

"""What systemd is about to start: a start between its answer and the look at the processes is never missed."""

from __future__ import annotations

from infra.command_documents import command_document
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually
from tests.ssm_documents.bare_host import IMITATION
from tests.ssm_documents.systemd_host import ask, start_script, wait_for_workers, workers
from tests.ssm_documents.test_units import ALWAYS, add_units, imitation


def add_waiting_unit(systemd: SystemdHost, name: str, **settings: object) -> None:
    """A unit with a worker that has died, which systemd will start again in a long time."""
    systemd.write("/var/app/sidekiq", IMITATION.read_text())
    program = imitation(**settings).replace("/var/app/imitation.rb", "/var/app/sidekiq")
    add_units(systemd, {name: f"{ALWAYS}{program}\nRestartSec=1000\n"})
    die(systemd, name)


def die(systemd: SystemdHost, name: str) -> None:
    """The unit's worker dies, and systemd waits for the time to start it again."""
    systemd.run(["systemctl", "kill", "--signal=KILL", name], check=True)
    state = ["systemctl", "show", "-p", "SubState", "--value", name]
    eventually(lambda: systemd.run(state).stdout == "auto-restart\n", "systemd waits to start it again")


def starts_when_asked(systemd: SystemdHost, unit: str, when: str = "true") -> None:
    """The time of the unit's restart comes just before systemd says, for the first time, what it is about to start."""
    systemd.write(
        "/usr/local/sbin/systemctl",
        f"#!/bin/bash\nif [[ $* == *list-units* ]] && {when} && mkdir /run/started; then\n"
        f'/usr/bin/systemctl restart {unit}; fi\nexec /usr/bin/systemctl "$@"\n',
        mode=0o755,
    )


def test_a_worker_that_starts_while_systemd_is_asked_is_quieted(systemd: SystemdHost) -> None:
    add_waiting_unit(systemd, "worker", boot=5)
    starts_when_asked(systemd, "worker")

    answer = ask(systemd, "quiet")

    assert answer.summary() == (0, "quiet")
    assert [title.endswith("stopping") for title in workers(systemd).values()] == [True]


def test_a_worker_that_starts_while_systemd_is_asked_after_a_stop_is_named(systemd: SystemdHost) -> None:
    add_waiting_unit(systemd, "other", boot=20)
    # Not for now: the drain would wait for it.
    systemd.run(["systemctl", "stop", "other"], check=True)
    add_units(systemd, {"worker": ALWAYS + imitation()})
    wait_for_workers(systemd, 1)
    starts_when_asked(systemd, "other", when="! /usr/bin/systemctl is-active --quiet worker")
    script = "\n".join(command_document("stop")["mainSteps"][-1]["inputs"]["runCommand"])
    assert script.count("seconds=3") == 1
    # One look after the stop, in place of several: each could be the last.
    command = start_script(systemd, script.replace("seconds=3", "seconds=0"), limit=300)

    answer = command.answer()

    assert answer.summary() == (1, "unconfirmed")
    assert "was started after the stop, by systemd:other.service" in answer.message


def test_status_sees_a_worker_that_starts_while_systemd_is_asked(systemd: SystemdHost) -> None:
    add_waiting_unit(systemd, "worker", boot=20)
    starts_when_asked(systemd, "worker")

    assert ask(systemd, "status").states == ["booting"]


def test_a_unit_that_has_run_a_worker_is_known_though_its_command_does_not_say_so(
    systemd: SystemdHost,
) -> None:
    systemd.write("/root/worker.sh", f"exec {imitation()}\n")
    add_units(systemd, {"worker": f"{ALWAYS}/bin/sh /root/worker.sh\nRestartSec=1000\n"})
    wait_for_workers(systemd, 1)
    assert ask(systemd, "quiet").summary() == (0, "quiet")
    die(systemd, "worker")

    answer = ask(systemd, "status")

    assert answer.states == []
    assert answer.json["starting"] is True

"""Imitated workers in units of a real systemd, beside other things and among units that depend on each other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually
from tests.ssm_documents.bare_host import IMITATION
from tests.ssm_documents.systemd_host import ask, start_document, wait_for_workers, workers

ALWAYS = "[Service]\nRestart=always\nExecStart="


def imitation(**settings: object) -> str:
    """The command line of an imitated worker on a host with systemd, its words quoted."""
    words = [f"'{name}={value}'" for name, value in {"log": "/root/events", "beat": 1, **settings}.items()]
    return " ".join(["/usr/bin/ruby", "/var/app/imitation.rb", *words])


def add_units(systemd: SystemdHost, units: Mapping[str, str]) -> None:
    """Write units by name and start them all."""
    systemd.write("/var/app/imitation.rb", IMITATION.read_text())
    for name, text in units.items():
        systemd.write(f"/etc/systemd/system/{name}.service", text)
    systemd.run(["systemctl", "daemon-reload"], check=True)
    systemd.run(["systemctl", "start", *units], check=True)


def events(systemd: SystemdHost) -> str:
    return systemd.read("/root/events")


def quiet_by_hand(systemd: SystemdHost, tag: str) -> int:
    """Send TSTP to the one worker of this tag, as people do."""
    (pid,) = [pid for pid, title in workers(systemd).items() if f" {tag} [" in title]
    systemd.run(["kill", "-TSTP", str(pid)], check=True)
    eventually(lambda: "stopping" in workers(systemd)[pid], "it is quieted")
    return pid


def wake_leaves_alone(systemd: SystemdHost, quieted: str, why: str) -> None:
    """Of two workers the one of this tag is quieted by hand: wake must say why, and end neither."""
    pids = wait_for_workers(systemd, 2)
    quiet_by_hand(systemd, quieted)

    answer = ask(systemd, "wake")

    assert answer.summary() == (1, "unconfirmed")
    assert why in answer.message
    assert sorted(workers(systemd)) == pids
    assert "TERM" not in events(systemd)


def test_a_unit_that_only_started_a_worker_beside_something_else_is_not_restarted(
    systemd: SystemdHost,
) -> None:
    script = f"setsid {imitation()} >/dev/null 2>&1 &\nsetsid sleep 12345 >/dev/null 2>&1 &\n"
    systemd.write("/root/rc.sh", "#!/bin/sh\n" + script, mode=0o755)
    units = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/root/rc.sh\n"
    add_units(systemd, {"rc-thing": units})
    wait_for_workers(systemd, 1)
    pid = quiet_by_hand(systemd, "app")
    beside = systemd.run(["pgrep", "-x", "sleep"]).stdout

    answer = ask(systemd, "wake")

    assert answer.summary() == (1, "unconfirmed")
    assert f"Still quiet: {pid}. No supervisor can restart them" in answer.message
    assert systemd.run(["pgrep", "-x", "sleep"]).stdout == beside != ""
    assert list(workers(systemd)) == [pid]


def test_a_unit_without_a_main_process_is_stopped_when_it_runs_nothing_but_its_worker(
    systemd: SystemdHost,
) -> None:
    beside = {"alone": "", "crowded": "setsid sleep 12345 >/dev/null 2>&1 &\n"}
    for name, more in beside.items():
        script = f"#!/bin/sh\nsetsid {imitation(tag=name)} >/dev/null 2>&1 &\n{more}"
        systemd.write(f"/root/{name}.sh", script, mode=0o755)
    unit = "[Service]\nType=forking\nGuessMainPID=no\nExecStart=/root/{}.sh\n"
    add_units(systemd, {name: unit.format(name) for name in beside})
    wait_for_workers(systemd, 2)

    answer = ask(systemd, "stop")

    assert answer.summary() == (0, "stopped")
    assert "systemd:alone.service" in answer.message
    assert "crowded" not in answer.message
    assert systemd.run(["pgrep", "-x", "sleep"]).stdout != ""


@pytest.mark.parametrize("action", ["stop", "wake"])
def test_a_unit_that_runs_something_beside_its_quiet_worker_is_named_and_left_alone(
    systemd: SystemdHost, action: str
) -> None:
    script = f"(setsid sleep 12345 &)\nexec {imitation()}\n"
    systemd.write("/root/two.sh", "#!/bin/sh\n" + script, mode=0o755)
    add_units(systemd, {"two": f"{ALWAYS}/root/two.sh\n"})
    wait_for_workers(systemd, 1)
    pid = quiet_by_hand(systemd, "app")

    answer = ask(systemd, action)

    assert answer.summary() == (1, "unconfirmed")
    done = {"stop": "stopped", "wake": "restarted"}[action]
    assert f"systemd:two.service was not {done}: it also runs sleep (" in answer.message
    assert list(workers(systemd)) == [pid]


def test_a_unit_with_a_busy_worker_under_a_supervisor_of_its_own_is_not_restarted(
    systemd: SystemdHost,
) -> None:
    # The busy one belongs to the unit by its cgroup, whatever its parent is.
    starter = "/usr/bin/python3 -c 'import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()'"
    starter = f"{starter} {imitation(tag='b', jobs=1000)}"
    systemd.write("/root/two.sh", f"#!/bin/sh\n(setsid {starter} &)\nexec {imitation(tag='a')}\n", mode=0o755)
    add_units(systemd, {"two": f"{ALWAYS}/root/two.sh\n"})
    wake_leaves_alone(systemd, "a", "is not proven quiet")


def test_a_unit_is_not_restarted_when_a_busy_one_would_be_restarted_with_it(systemd: SystemdHost) -> None:
    bound = "[Unit]\nRequires=a.service\nAfter=a.service\n"
    add_units(
        systemd,
        {"a": f"{ALWAYS}{imitation(tag='a')}\n", "b": f"{bound}{ALWAYS}{imitation(tag='b', jobs=1000)}\n"},
    )
    wake_leaves_alone(systemd, "a", "b.service requires it and would stop with it, and its process ")


def test_a_stopped_unit_is_not_started_when_systemd_would_end_a_busy_one_for_it(systemd: SystemdHost) -> None:
    against = "[Unit]\nConflicts=green.service\n"
    units = {
        "green": f"{ALWAYS}{imitation(tag='green')}\n",
        "blue": f"{against}{ALWAYS}{imitation(tag='blue', size=1, jobs=1000)}\n",
        "beside": f"{ALWAYS}{imitation(tag='beside')}\n",
    }
    add_units(systemd, {name: units[name] for name in ("green", "beside")})
    wait_for_workers(systemd, 2)
    assert ask(systemd, "stop").summary() == (0, "stopped")
    add_units(systemd, {"blue": units["blue"]})
    (blue,) = wait_for_workers(systemd, 1)

    woken = ask(systemd, "wake")

    # Blue has taken green's place; what nothing has taken the place of is started.
    assert woken.summary() == (0, "awake")
    assert {title.split()[2] for title in workers(systemd).values()} == {"blue", "beside"}
    assert blue in workers(systemd)
    assert f"{blue} TERM" not in events(systemd)


def test_a_stopped_unit_that_does_not_exist_any_more_is_named_once_unless_another_has_its_place(
    systemd: SystemdHost,
) -> None:
    add_units(systemd, {name: f"{ALWAYS}{imitation(tag=name)}\n" for name in ("old", "other")})
    wait_for_workers(systemd, 2)
    assert ask(systemd, "stop").summary() == (0, "stopped")
    systemd.run(["rm", "/etc/systemd/system/old.service"], check=True)
    systemd.run(["systemctl", "daemon-reload"], check=True)

    first, second = (ask(systemd, "wake") for _ in range(2))

    assert first.summary() == (1, "unconfirmed")
    assert "systemd:old.service was stopped and does not exist any more" in first.message
    assert second.summary() == (0, "awake")
    assert {title.split()[2] for title in workers(systemd).values()} == {"other"}


def test_a_host_with_a_worker_that_keeps_failing_beside_an_awake_one_is_not_called_awake(
    systemd: SystemdHost,
) -> None:
    service = "[Service]\nRestart=always\nRestartSec=3\nStartLimitIntervalSec=0\nExecStart="
    systemd.write("/root/bin/sidekiq", IMITATION.read_text())
    failing = "/usr/bin/ruby /root/bin/sidekiq boot=2 die=1"
    add_units(systemd, {"a": f"{service}{imitation(tag='a')}\n", "b": f"{service}{failing}\n"})
    wait_for_workers(systemd, 1)

    woken = ask(systemd, "wake", limit=60)

    assert woken.summary() == (1, "unconfirmed")
    assert "A worker failed to start" in woken.message


def test_a_worker_beside_an_awake_one_in_the_same_unit_is_not_ended_alone(systemd: SystemdHost) -> None:
    # The shell ends with the first of them, and systemd ends the other one then.
    script = f"{imitation(tag='a')} & {imitation(tag='b', jobs=1000)} & wait -n"
    systemd.write("/root/two.sh", script)
    unit = "[Service]\nRestart=always\nExecStart=/bin/bash -c '. /root/two.sh'\n"
    add_units(systemd, {"two": unit})
    wake_leaves_alone(systemd, "a", "Restart it by hand")


def wait_until_wake_has_looked(systemd: SystemdHost) -> None:
    """Its first question to systemd comes after its first look at the processes."""
    eventually(lambda: "client." in systemd.run(["ls", "/run/snow-white"]).stdout, "it asks systemd")


def test_a_worker_that_is_away_when_wake_looks_is_waited_for(systemd: SystemdHost) -> None:
    add_units(systemd, {"worker": f"{ALWAYS}{imitation()}\nRestartSec=5\n"})
    (old,) = wait_for_workers(systemd, 1)
    command = start_document(systemd, "wake")
    wait_until_wake_has_looked(systemd)
    systemd.run(["kill", "-TERM", str(old)], check=True)

    woken = command.answer()

    assert woken.summary() == (0, "awake")
    (new,) = workers(systemd)
    assert new != old


def test_a_worker_that_ends_for_good_while_wake_looks_at_another_is_missed(systemd: SystemdHost) -> None:
    once = "[Service]\nExecStart="
    add_units(
        systemd, {"stays": f"{once}{imitation(tag='stays')}\n", "ends": f"{once}{imitation(tag='ends')}\n"}
    )
    wait_for_workers(systemd, 2)
    command = start_document(systemd, "wake", limit=60)
    wait_until_wake_has_looked(systemd)
    systemd.run(["systemctl", "stop", "ends"], check=True)

    woken = command.answer()

    assert woken.summary() == (1, "unconfirmed")
    assert "Fewer processes run than before: 1 instead of 2." in woken.message


def test_a_unit_that_cannot_start_beside_an_awake_one_is_named(systemd: SystemdHost) -> None:
    add_units(systemd, {"worker": f"{ALWAYS}{imitation()}\n"})
    wait_for_workers(systemd, 1)
    missing = f"[Unit]\nStartLimitIntervalSec=0\n{ALWAYS}/usr/bin/bundle exec sidekiq\nRestartSec=1\n"
    systemd.write("/etc/systemd/system/broken.service", f"{missing}WorkingDirectory=/var/missing\n")
    systemd.run(["systemctl", "start", "--no-block", "broken"], check=True)

    woken = ask(systemd, "wake", limit=60)

    assert woken.summary() == (1, "unconfirmed")
    assert "About to be started by systemd: broken.service" in woken.message


def test_a_unit_that_is_started_again_all_the_time_and_never_runs_a_worker_is_not_waited_for_to_the_end(
    systemd: SystemdHost,
) -> None:
    exporter = f"[Unit]\nStartLimitIntervalSec=0\n{ALWAYS}/bin/false sidekiq-exporter\nRestartSec=20\n"
    add_units(systemd, {"worker": f"{ALWAYS}{imitation()}\n"})
    systemd.write("/etc/systemd/system/exporter.service", exporter)
    systemd.run(["systemctl", "start", "--no-block", "exporter"], check=True)
    wait_for_workers(systemd, 1)

    quieted = ask(systemd, "quiet", limit=3600)

    assert quieted.summary() == (1, "unconfirmed")
    assert "About to be started by systemd: exporter.service" in quieted.message


def test_what_a_library_has_left_in_a_worker_s_unit_ends_and_starts_with_it(systemd: SystemdHost) -> None:
    systemd.run(["ln", "-s", "/bin/sleep", "/usr/local/bin/appsignal-agent"], check=True)
    worker = f"setsid -f appsignal-agent 12345; exec {imitation()}"
    systemd.write("/root/worker.sh", worker)
    add_units(systemd, {"worker": f"{ALWAYS}/bin/bash /root/worker.sh\n"})
    wait_for_workers(systemd, 1)

    answers = [ask(systemd, action) for action in ("stop", "wake")]

    assert [answer.summary() for answer in answers] == [(0, "stopped"), (0, "awake")]


def test_a_worker_that_su_has_taken_out_of_its_unit_is_not_called_unsupervised(systemd: SystemdHost) -> None:
    # As PAM does it for a session.
    session = "/sys/fs/cgroup/user.slice/session-c1.scope"
    systemd.run(["mkdir", "-p", session], check=True)
    systemd.write("/root/worker.sh", f"exec {imitation()}")
    moves = f"/bin/bash -c 'echo $$$$ >{session}/cgroup.procs; exec su root -c \". /root/worker.sh\"'"
    add_units(systemd, {"worker": f"{ALWAYS}{moves}\n"})
    (old,) = wait_for_workers(systemd, 1)

    stopped = ask(systemd, "stop")
    woken = ask(systemd, "wake")

    assert stopped.summary() == (1, "unconfirmed")
    assert "parent:su(" in stopped.message
    assert woken.summary() == (0, "awake")
    assert old not in workers(systemd)


@pytest.mark.parametrize("beside", ["nothing", "something"])
def test_the_worker_of_a_user_s_unit_is_ended_by_wake_when_nothing_else_ends_with_it(
    systemd: SystemdHost, beside: str
) -> None:
    other = "setsid -f sleep 12345; " if beside == "something" else ""
    systemd.write("/root/worker.sh", f"{other}exec {imitation(tag='quiet')}")
    for name, command in (
        ("quiet", "/bin/bash /root/worker.sh"),
        ("awake", imitation(tag="awake", jobs=1000)),
    ):
        systemd.write(f"/root/.config/systemd/user/{name}.service", f"{ALWAYS}{command}\n")
    # The machine may have no PAM for it, and the host no logind that would start it.
    manager = (
        "[Service]\nType=notify\nEnvironment=HOME=/root XDG_RUNTIME_DIR=/run/user/0\nSlice=user-0.slice\n"
        "Delegate=yes\nExecStart=/lib/systemd/systemd --user\n"
    )
    systemd.run(["mkdir", "-m", "700", "-p", "/run/user/0/systemd"], check=True)
    add_units(systemd, {"user@0": manager})
    user = ["env", "XDG_RUNTIME_DIR=/run/user/0", "systemctl", "--user"]
    systemd.run([*user, "start", "quiet", "awake"], check=True)
    wait_for_workers(systemd, 2)
    pid = quiet_by_hand(systemd, "quiet")

    woken = ask(systemd, "wake")

    if beside == "nothing":
        assert woken.summary() == (0, "awake")
        assert pid not in workers(systemd)
    else:
        assert woken.summary() == (1, "unconfirmed")
        assert f"Still quiet: {pid}. parent:systemd(" in woken.message
        assert "was not restarted: it also runs sleep (" in woken.message
        assert pid in workers(systemd)
    assert "job ends" not in events(systemd)
    assert len([line for line in events(systemd).splitlines() if line.endswith("TERM")]) == (
        beside == "nothing"
    )


def test_wake_wakes_what_is_quiet_at_once_and_names_at_its_end_who_still_works(systemd: SystemdHost) -> None:
    add_units(
        systemd,
        {"idle": ALWAYS + imitation(tag="idle"), "busy": ALWAYS + imitation(tag="busy", jobs="1000")},
    )
    wait_for_workers(systemd, 2)
    idle, busy = (quiet_by_hand(systemd, tag) for tag in ("idle", "busy"))
    wake = start_document(systemd, "wake", limit=90)

    eventually(lambda: idle not in workers(systemd), "the idle one is replaced while the other one works")
    assert wake.is_running
    answer = wake.answer()

    assert answer.summary() == (2, "busy")
    assert f"Process {busy} (busy): 1 job." in answer.message
    assert sorted(answer.states) == ["awake", "quieting"]
    assert busy in workers(systemd)
    assert f"{busy} TERM" not in events(systemd)


def test_a_group_that_a_user_has_called_like_a_unit_makes_nobody_start_that_unit(
    systemd: SystemdHost,
) -> None:
    own_group = (
        "own=/sys/fs/cgroup/system.slice/holder.service/victim.service\n"
        f"mkdir $own; echo $$ >$own/cgroup.procs; exec {imitation()}\n"
    )
    systemd.write("/root/holder.sh", own_group)
    victim = "[Service]\nType=forking\nExecStart=/bin/sh -c 'touch /root/victim; sleep 1000 &'"
    add_units(
        systemd, {"holder": "[Service]\nDelegate=yes\nRestart=always\nExecStart=/bin/sh /root/holder.sh"}
    )
    systemd.write("/etc/systemd/system/victim.service", victim)
    systemd.run(["systemctl", "daemon-reload"], check=True)
    wait_for_workers(systemd, 1)

    stopped = ask(systemd, "stop")
    woken = ask(systemd, "wake")

    assert [process["supervisor"] for process in stopped.json["processes"]] == ["systemd:holder.service"]
    assert (stopped.summary(), woken.summary()) == ((0, "stopped"), (0, "awake"))
    assert not (systemd.root / "root" / "victim").exists()

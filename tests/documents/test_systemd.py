"""Real Sidekiq as units of a real systemd."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from local_aws.host import Restart, Service
from local_aws.ledger import Ledger, enqueue
from local_aws.redis_server import RedisServer
from local_aws.worker_host import WorkerHost
from tests.documents.bare_host import IMITATION
from tests.documents.systemd_host import ask, sidekiq, start_document, wait_for_workers, workers
from tests.patience import eventually


def test_whatever_restart_says_stop_keeps_it_down_and_wake_starts_exactly_that(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    names = {f"sidekiq@{restart}": restart for restart in Restart}
    for name, restart in names.items():
        systemd.add_service(sidekiq(redis, name, restart=restart))
    systemd.add_service(Service("web", ["/bin/sleep", "infinity"]))
    wait_for_workers(systemd, len(names))
    systemd.add_service(sidekiq(redis, "parked"))
    systemd.stop_service("parked")
    enqueue(redis.client(), [4] * 4)

    stopped = ask(systemd, "stop")

    assert stopped.summary() == (0, "stopped")
    supervisors = {process["supervisor"] for process in stopped.json["processes"]}
    assert supervisors == {f"systemd:{name}.service" for name in names}
    assert workers(systemd) == {}
    assert Ledger.read(redis.client()).killed == frozenset()
    assert ask(systemd, "status").states == ["stopped"] * 3
    assert ask(systemd, "quiet").summary() == (0, "quiet")

    woken = ask(systemd, "wake")

    assert woken.summary() == (0, "awake")
    assert woken.states == ["awake"] * 3
    active = systemd.run(["systemctl", "is-active", *names, "web", "parked"]).stdout
    assert active.split() == ["active"] * 4 + ["inactive"]


def test_whatever_restart_says_wake_replaces_what_is_quiet_and_leaves_alone_what_is_awake(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    for restart in Restart:
        systemd.add_service(sidekiq(redis, f"backups-{restart}", restart=restart))
    quieted = wait_for_workers(systemd, 3)
    assert ask(systemd, "quiet").summary() == (0, "quiet")
    systemd.add_service(sidekiq(redis, "reports"))
    awake = next(pid for pid in wait_for_workers(systemd, 4) if pid not in quieted)

    woken = ask(systemd, "wake")

    assert woken.summary() == (0, "awake")
    assert not set(quieted) & set(workers(systemd))
    assert awake in workers(systemd)
    assert len(workers(systemd)) == 4


def test_wake_is_refused_while_a_quieted_worker_runs_jobs_which_end_unharmed(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    (pid,) = wait_for_workers(systemd, 1)
    enqueue(redis.client(), [25, 25, 25, 1])
    eventually(lambda: "[3 of 3 busy]" in workers(systemd)[pid], "three jobs")
    quiet = start_document(systemd, "quiet")
    eventually(lambda: "stopping" in workers(systemd)[pid], "it was told to be quiet")
    quiet.kill()

    refused = ask(systemd, "wake")

    assert refused.summary() == (2, "busy")
    assert f"{pid}: 3 busy" in refused.message
    assert ask(systemd, "quiet").summary() == (0, "quiet")
    assert len(Ledger.read(redis.client()).finished) == 3
    assert ask(systemd, "wake").summary() == (0, "awake")
    eventually(lambda: Ledger.read(redis.client()).is_exact, "every job ran once")


def test_a_worker_behind_a_shell_of_a_procfile_is_stopped_and_started_by_its_unit(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    procfile = ["/bin/sh", "-c", '"$@" >>/var/log/worker.log 2>&1; exit 0', "sh"]
    systemd.add_service(sidekiq(redis, wrapper=procfile, options=["-g", "two words"]))
    wait_for_workers(systemd, 1)

    answers = [ask(systemd, action) for action in ("stop", "wake")]

    assert [answer.summary() for answer in answers] == [(0, "stopped"), (0, "awake")]
    assert answers[1].json["processes"][0]["supervisor"] == "systemd:worker.service"
    assert answers[1].json["processes"][0]["tag"] == "two words"


def test_a_worker_that_a_unit_of_something_else_only_contains_is_not_stopped_with_it(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    # As a worker that was started from cron, or by hand through the agent.
    starter = "import os, subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    systemd.add_service(sidekiq(redis, "cron", wrapper=["/usr/bin/python3", "-c", starter]))
    (pid,) = wait_for_workers(systemd, 1)

    answer = ask(systemd, "stop")

    assert answer.summary() == (1, "unconfirmed")
    assert answer.json["processes"][0]["supervisor"].startswith("parent:python3(")
    assert list(workers(systemd)) == [pid]
    assert systemd.run(["systemctl", "is-active", "cron"]).stdout == "active\n"


def test_a_unit_that_does_not_come_back_is_named_with_what_was_tried(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis, restart=Restart.NO))
    wait_for_workers(systemd, 1)
    assert ask(systemd, "stop").code == 0
    systemd.write("/var/app/app.rb", "raise 'a release that does not start'")

    answer = ask(systemd, "wake", limit=60)

    assert answer.summary() == (1, "unconfirmed")
    assert "systemd:worker.service did not come back, tried by telling systemd" in answer.message
    assert answer.states == ["stopped"]


def test_a_worker_that_a_deploy_restarts_during_the_drain_is_quieted_again(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    (old,) = wait_for_workers(systemd, 1)
    command = start_document(systemd, "quiet")
    eventually(lambda: "stopping" in workers(systemd).get(old, ""), "the old one is quieted")
    systemd.restart_service("worker")
    enqueue(redis.client(), [3])

    answer = command.answer()

    assert answer.summary() == (0, "quiet")
    (new,) = workers(systemd)
    assert new != old
    enqueue(redis.client(), [1])
    assert ask(systemd, "status").states == ["quiet"]
    assert len(Ledger.read(redis.client()).started) == 1


def test_a_host_whose_worker_is_about_to_be_started_again_is_not_called_empty(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    (pid,) = wait_for_workers(systemd, 1)
    systemd.write("/etc/systemd/system/worker.service.d/slow.conf", "[Service]\nRestartSec=25\n")
    systemd.run(["systemctl", "daemon-reload"], check=True)
    systemd.run(["kill", "-KILL", str(pid)], check=True)

    answer = ask(systemd, "quiet", limit=120)

    assert answer.summary() == (0, "quiet")
    assert list(workers(systemd)) != [pid]


def imitation(**settings: object) -> str:
    """The command line of an imitated worker on a host with systemd, its words quoted."""
    words = [f"'{name}={value}'" for name, value in {"log": "/root/events", "beat": 1, **settings}.items()]
    return " ".join(["/usr/bin/ruby", "/var/app/imitation.rb", *words])


def add_units(systemd: WorkerHost, units: Mapping[str, str]) -> None:
    """Write units by name and start them all."""
    systemd.write("/var/app/imitation.rb", IMITATION.read_text())
    for name, text in units.items():
        systemd.write(f"/etc/systemd/system/{name}.service", text)
    systemd.run(["systemctl", "daemon-reload"], check=True)
    systemd.run(["systemctl", "start", *units], check=True)


def events(systemd: WorkerHost) -> str:
    return systemd.read("/root/events")


def quiet_by_hand(systemd: WorkerHost, tag: str) -> int:
    """Send TSTP to the one worker of this tag, as people do."""
    (pid,) = [pid for pid, title in workers(systemd).items() if f" {tag} [" in title]
    systemd.run(["kill", "-TSTP", str(pid)], check=True)
    eventually(lambda: "stopping" in workers(systemd)[pid], "it is quieted")
    return pid


def wake_leaves_alone(systemd: WorkerHost, quieted: str, why: str) -> None:
    """Of two workers the one of this tag is quieted by hand: wake must say why, and end neither."""
    pids = wait_for_workers(systemd, 2)
    quiet_by_hand(systemd, quieted)

    answer = ask(systemd, "wake")

    assert answer.summary() == (1, "unconfirmed")
    assert why in answer.message
    assert sorted(workers(systemd)) == pids
    assert "TERM" not in events(systemd)


def test_a_unit_that_only_started_a_worker_beside_something_else_is_not_restarted(
    systemd: WorkerHost,
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
    assert f"Nothing supervises {pid}" in answer.message
    assert systemd.run(["pgrep", "-x", "sleep"]).stdout == beside != ""
    assert list(workers(systemd)) == [pid]


@pytest.mark.parametrize("action", ["stop", "wake"])
def test_a_unit_that_runs_something_beside_its_quiet_worker_is_named_and_left_alone(
    systemd: WorkerHost, action: str
) -> None:
    script = f"(setsid sleep 12345 &)\nexec {imitation()}\n"
    systemd.write("/root/two.sh", "#!/bin/sh\n" + script, mode=0o755)
    add_units(systemd, {"two": "[Service]\nRestart=always\nExecStart=/root/two.sh\n"})
    wait_for_workers(systemd, 1)
    pid = quiet_by_hand(systemd, "app")

    answer = ask(systemd, action)

    assert answer.summary() == (1, "unconfirmed")
    assert "two.service also runs sleep (" in answer.message
    assert list(workers(systemd)) == [pid]


def test_a_unit_with_a_busy_worker_under_a_supervisor_of_its_own_is_not_restarted(
    systemd: WorkerHost,
) -> None:
    # The busy one belongs to the unit by its cgroup, whatever its parent is.
    starter = "/usr/bin/python3 -c 'import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()'"
    starter = f"{starter} {imitation(tag='b', jobs=1000)}"
    systemd.write("/root/two.sh", f"#!/bin/sh\n(setsid {starter} &)\nexec {imitation(tag='a')}\n", mode=0o755)
    add_units(systemd, {"two": "[Service]\nRestart=always\nExecStart=/root/two.sh\n"})
    wake_leaves_alone(systemd, "a", "is not proven quiet")


def test_a_unit_is_not_restarted_when_a_busy_one_would_be_restarted_with_it(systemd: WorkerHost) -> None:
    service = "[Service]\nRestart=always\nExecStart="
    bound = "[Unit]\nRequires=a.service\nAfter=a.service\n"
    add_units(
        systemd,
        {"a": f"{service}{imitation(tag='a')}\n", "b": f"{bound}{service}{imitation(tag='b', jobs=1000)}\n"},
    )
    wake_leaves_alone(systemd, "a", "with it goes b.service")


def test_a_stopped_unit_is_not_started_when_systemd_would_end_a_busy_one_for_it(systemd: WorkerHost) -> None:
    service = "[Service]\nRestart=always\nExecStart="
    against = "[Unit]\nConflicts=green.service\n"
    units = {
        "green": f"{service}{imitation(tag='green')}\n",
        "blue": f"{against}{service}{imitation(tag='blue', size=1, jobs=1000)}\n",
        "beside": f"{service}{imitation(tag='beside')}\n",
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
    systemd: WorkerHost,
) -> None:
    service = "[Service]\nRestart=always\nExecStart="
    add_units(systemd, {name: f"{service}{imitation(tag=name)}\n" for name in ("old", "other")})
    wait_for_workers(systemd, 2)
    assert ask(systemd, "stop").summary() == (0, "stopped")
    systemd.run(["rm", "/etc/systemd/system/old.service"], check=True)
    systemd.run(["systemctl", "daemon-reload"], check=True)

    first, second = (ask(systemd, "wake") for _ in range(2))

    assert first.summary() == (1, "unconfirmed")
    assert "systemd:old.service, which was stopped, is not there any more" in first.message
    assert second.summary() == (0, "awake")
    assert {title.split()[2] for title in workers(systemd).values()} == {"other"}


def test_a_host_with_a_worker_that_keeps_failing_beside_an_awake_one_is_not_called_awake(
    systemd: WorkerHost,
) -> None:
    service = "[Service]\nRestart=always\nRestartSec=3\nStartLimitIntervalSec=0\nExecStart="
    systemd.write("/root/bin/sidekiq", IMITATION.read_text())
    failing = "/usr/bin/ruby /root/bin/sidekiq boot=2 die=1"
    add_units(systemd, {"a": f"{service}{imitation(tag='a')}\n", "b": f"{service}{failing}\n"})
    wait_for_workers(systemd, 1)

    woken = ask(systemd, "wake", limit=60)

    assert woken.summary() == (1, "unconfirmed")
    assert "A worker fails to start" in woken.message


def test_a_worker_beside_an_awake_one_in_the_same_unit_is_not_ended_alone(systemd: WorkerHost) -> None:
    # The shell ends with the first of them, and systemd ends the other one then.
    script = f"{imitation(tag='a')} & {imitation(tag='b', jobs=1000)} & wait -n"
    systemd.write("/root/two.sh", script)
    unit = "[Service]\nRestart=always\nExecStart=/bin/bash -c '. /root/two.sh'\n"
    add_units(systemd, {"two": unit})
    wake_leaves_alone(systemd, "a", "Restart it by hand")


def test_while_systemd_does_not_answer_nothing_is_confirmed_and_the_script_ends_in_time(
    systemd: WorkerHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    (pid,) = wait_for_workers(systemd, 1)
    systemd.write("/usr/local/sbin/systemctl", "#!/bin/sh\nexec sleep 1234\n", mode=0o755)

    answer = ask(systemd, "stop", limit=60)

    assert answer.code in {1, 2}
    assert "systemd does not answer" in answer.message
    assert answer.seconds < 59
    assert list(workers(systemd)) == [pid]

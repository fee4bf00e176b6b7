"""Real Sidekiq as units of a real systemd."""

from __future__ import annotations

from demonstration.ledger import Ledger, enqueue
from local_aws.hosts.host import Restart, Service
from local_aws.hosts.redis_server import RedisServer
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually
from tests.ssm_documents.systemd_host import ask, sidekiq, start_document, wait_for_workers, workers

LATE_ANSWER = """#!/bin/bash
# A process that boots fails when the third look begins, or when this is asked for the second time: that answer is late.
case $* in
  *list-units*) mkdir /run/look1 || mkdir /run/look2 || touch /run/fail ;;
  *is-failed*worker.service*)
    if ! mkdir /run/asked; then
      touch /run/fail
      until /usr/bin/systemctl is-failed --quiet worker.service; do sleep 0.1; done
    fi
    ;;
esac 2>/dev/null
exec /usr/bin/systemctl "$@"
"""


def test_whatever_restart_says_stop_keeps_it_down_and_wake_starts_exactly_that(
    systemd: SystemdHost, redis: RedisServer
) -> None:
    names = {f"sidekiq@{restart}": restart for restart in Restart}
    for name, restart in names.items():
        systemd.add_service(sidekiq(redis, name, restart=restart))
    systemd.add_service(Service("web", ["/bin/sleep", "infinity"]))
    systemd.add_service(sidekiq(redis, "parked"))
    # One that is stopped while it boots may count as failed.
    wait_for_workers(systemd, len(names) + 1)
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
    systemd: SystemdHost, redis: RedisServer
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


def test_wake_waits_for_the_jobs_of_a_quieted_worker_which_end_unharmed(
    systemd: SystemdHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    (pid,) = wait_for_workers(systemd, 1)
    enqueue(redis.client(), [25, 25, 25, 1])
    eventually(lambda: "[3 of 3 busy]" in workers(systemd)[pid], "three jobs")
    quiet = start_document(systemd, "quiet")
    eventually(lambda: "stopping" in workers(systemd)[pid], "it was told to be quiet")
    quiet.kill()

    answer = ask(systemd, "wake")

    assert answer.summary() == (0, "awake")
    assert Ledger.read(redis.client()).killed == frozenset()
    assert wait_for_workers(systemd, 1) != [pid]
    eventually(lambda: Ledger.read(redis.client()).is_exact, "every job ran once")


def test_a_worker_behind_a_shell_of_a_procfile_is_stopped_and_started_by_its_unit(
    systemd: SystemdHost, redis: RedisServer
) -> None:
    procfile = ["/bin/sh", "-c", '"$@" >>/var/log/worker.log 2>&1; exit 0', "sh"]
    systemd.add_service(sidekiq(redis, wrapper=procfile, options=["-g", "two words"]))
    wait_for_workers(systemd, 1)

    answers = [ask(systemd, action) for action in ("stop", "wake")]

    assert [answer.summary() for answer in answers] == [(0, "stopped"), (0, "awake")]
    assert answers[1].json["processes"][0]["supervisor"] == "systemd:worker.service"
    assert answers[1].json["processes"][0]["tag"] == "two words"


def test_a_worker_that_a_unit_of_something_else_only_contains_is_not_stopped_with_it(
    systemd: SystemdHost, redis: RedisServer
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


def stop_and_release(systemd: SystemdHost, redis: RedisServer, app: str) -> None:
    """A unit that is not restarted by itself is stopped, and gets another application to start with."""
    systemd.add_service(sidekiq(redis, restart=Restart.NO))
    wait_for_workers(systemd, 1)
    assert ask(systemd, "stop").code == 0
    systemd.write("/var/app/app.rb", app)


def test_a_unit_that_does_not_come_back_is_named_with_what_was_tried(
    systemd: SystemdHost, redis: RedisServer
) -> None:
    stop_and_release(systemd, redis, "raise 'a release that does not start'")

    answer = ask(systemd, "wake")

    assert answer.summary() == (1, "unconfirmed")
    assert "systemd:worker.service did not come back after systemd was told to start it" in answer.message
    assert answer.states == ["stopped"]


def test_a_process_that_fails_right_after_a_look_at_it_is_not_said_to_boot(
    systemd: SystemdHost, redis: RedisServer
) -> None:
    stop_and_release(systemd, redis, "sleep 0.1 until File.exist?('/run/fail')\nraise 'no release'")
    systemd.write("/usr/local/sbin/systemctl", LATE_ANSWER, mode=0o755)

    answer = ask(systemd, "wake")

    assert answer.summary() == (1, "unconfirmed")
    assert answer.message.endswith(" A worker failed to start.")
    assert answer.states == ["stopped"]


def test_a_worker_that_a_deploy_restarts_during_the_drain_is_quieted_again(
    systemd: SystemdHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    (old,) = wait_for_workers(systemd, 1)
    command = start_document(systemd, "quiet")
    sent = ["grep", f"sent TSTP to {old} ", "/run/snow-white/log"]
    eventually(lambda: systemd.run(sent).stdout, "the old one is asked to be quiet")
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
    systemd: SystemdHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    (pid,) = wait_for_workers(systemd, 1)
    systemd.write("/etc/systemd/system/worker.service.d/slow.conf", "[Service]\nRestartSec=25\n")
    systemd.run(["systemctl", "daemon-reload"], check=True)
    systemd.run(["kill", "-KILL", str(pid)], check=True)

    answer = ask(systemd, "quiet")

    assert answer.summary() == (0, "quiet")
    assert list(workers(systemd)) != [pid]


def test_while_systemd_does_not_answer_nothing_is_confirmed_and_the_script_ends_in_time(
    systemd: SystemdHost, redis: RedisServer
) -> None:
    systemd.add_service(sidekiq(redis))
    (pid,) = wait_for_workers(systemd, 1)
    systemd.write("/usr/local/sbin/systemctl", "#!/bin/sh\nexec sleep 1234\n", mode=0o755)

    answer = ask(systemd, "stop", limit=60)

    assert answer.code in {1, 2}
    assert "systemd does not answer" in answer.message
    assert answer.seconds < 59
    assert list(workers(systemd)) == [pid]

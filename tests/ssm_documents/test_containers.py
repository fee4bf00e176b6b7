"""Workers in containers, as a host sees them. The cgroups are like Docker's, its client is imitated."""

from __future__ import annotations

import pytest

from local_aws.hosts.systemd_host import SystemdHost
from tests.ssm_documents.bare_host import IMITATION, BareHost
from tests.ssm_documents.systemd_host import ask, wait_for_workers, workers

CONTAINER = "0123456789ab" + "c" * 52
# An engine puts a check of a container's health into it for a moment. Here one begins whenever systemd is asked what it
# is about to start. stop asks that right before it looks into the container. Its looks take longer than a check.
CHECK_OF_HEALTH = f"""#!/bin/sh
if [ "$1" = list-units ]; then
  sleep 1 &
  echo $! 2>/dev/null >/sys/fs/cgroup/system.slice/docker-{CONTAINER}.scope/cgroup.procs && echo >>/root/checks
fi
exec /usr/bin/systemctl "$@"
"""
# It goes on with the next container when one cannot be told.
DOCKER = """#!/bin/sh
echo "$*" >>/root/docker.log
case $1 in ps) ls /root/containers | grep "${5#id=}"; exit ;; esac
word=$1 code=0
shift
for id; do
  case $word in
    stop)
      systemctl kill "docker-$id*.scope"
      while systemctl is-active --quiet "docker-$id*.scope"; do sleep 0.1; done ;;
    restart) "$0" stop "$id"; "$0" start "$id" || code=1 ;;
    start) sh "/root/containers/$id" || code=1 ;;
  esac
done
exit $code
"""


def start_container(systemd: SystemdHost, program: str, container: str = CONTAINER) -> None:
    """No container engine is at hand: its client is imitated, the cgroup is one that Docker would have made."""
    # The host has a /tmp of its own, in which the checkout may not be seen.
    systemd.write("/root/imitation.rb", IMITATION.read_text())
    systemd.write("/usr/local/bin/docker", DOCKER, mode=0o755)
    short = container[:12]
    systemd.write(f"/root/{short}.sh", f"#!/bin/bash\n{program}\n", mode=0o755)
    # In a group of its own: what is started outlives the command that starts it.
    scope = f"systemd-run --quiet --scope --unit docker-{container} /root/{short}.sh"
    systemd.write(f"/root/containers/{short}", f"setsid {scope} >/dev/null 2>&1 &\n")
    systemd.run(["sh", f"/root/containers/{short}"], check=True)


IN_CONTAINER = "ruby /root/imitation.rb beat=1 log=/root/events"


def test_a_container_s_worker_is_stopped_and_started_by_the_container_s_name(systemd: SystemdHost) -> None:
    start_container(systemd, f"{IN_CONTAINER} jobs=3; exit $?")
    wait_for_workers(systemd, 1)
    systemd.write("/usr/local/sbin/systemctl", CHECK_OF_HEALTH, mode=0o755)

    answers = [ask(systemd, action) for action in ("stop", "wake")]

    assert [answer.summary() for answer in answers] == [(0, "stopped"), (0, "awake")]
    assert answers[0].json["processes"][0]["supervisor"] == "docker:0123456789ab"
    told = [line for line in systemd.read("/root/docker.log").splitlines() if not line.startswith("ps ")]
    assert told == ["stop 0123456789ab", "start 0123456789ab"]
    assert "killed" not in systemd.read("/root/events")
    assert systemd.read("/root/checks"), "its health was checked meanwhile"


def test_a_container_whose_unit_starts_another_one_after_a_while_is_not_called_stopped(
    systemd: SystemdHost,
) -> None:
    # As on hosts where a unit keeps a container's client running. Nothing in the unit names Sidekiq.
    start_container(systemd, f"{IN_CONTAINER}; exit $?")
    wait_for_workers(systemd, 1)
    unit = "[Service]\nRestart=always\nRestartSec=25\nExecStart=/root/client.sh\n"
    systemd.write(
        "/root/client.sh",
        f"#!/bin/sh\nwhile systemctl is-active -q docker-{CONTAINER}.scope; do sleep 0.3; done\n",
        mode=0o755,
    )
    systemd.write("/etc/systemd/system/container.service", unit)
    systemd.run(["systemctl", "start", "container"], check=True)

    stopped = ask(systemd, "stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "About to be started by systemd: container.service" in stopped.message


@pytest.mark.parametrize("old_one", ["is gone", "is still there"])
def test_a_stopped_container_that_a_deploy_has_replaced_is_not_started_beside_the_new_one(
    systemd: SystemdHost, old_one: str
) -> None:
    start_container(systemd, f"{IN_CONTAINER}; exit $?")
    wait_for_workers(systemd, 1)
    assert ask(systemd, "stop").summary() == (0, "stopped")
    if old_one == "is gone":
        systemd.run(["rm", "/root/containers/0123456789ab"], check=True)
    start_container(systemd, f"{IN_CONTAINER}; exit $?", "d" * 64)
    wait_for_workers(systemd, 1)

    woken = ask(systemd, "wake")

    assert woken.summary() == (0, "awake")
    assert "start 0123456789ab" not in systemd.read("/root/docker.log")
    assert ask(systemd, "status").states == ["awake"]


def test_a_container_that_cannot_be_started_is_missed_by_every_wake_until_it_is(systemd: SystemdHost) -> None:
    start_container(systemd, f"{IN_CONTAINER} tag=mine; exit $?")
    start_container(systemd, f"{IN_CONTAINER} tag=other; exit $?", "d" * 64)
    wait_for_workers(systemd, 2)
    assert ask(systemd, "stop").summary() == (0, "stopped")
    systemd.run(["mv", "/root/dddddddddddd.sh", "/root/missing.sh"], check=True)

    failed = [ask(systemd, "wake", limit=60) for _ in range(2)]
    systemd.run(["mv", "/root/missing.sh", "/root/dddddddddddd.sh"], check=True)
    woken = ask(systemd, "wake")

    assert [answer.summary() for answer in failed] == [(1, "unconfirmed")] * 2
    assert all("docker:dddddddddddd did not come back" in answer.message for answer in failed)
    assert woken.summary() == (0, "awake")
    assert {title.split()[2] for title in workers(systemd).values()} == {"mine", "other"}


def test_a_unit_that_is_at_work_with_containers_does_not_keep_a_host_from_being_quiet_or_awake(
    systemd: SystemdHost,
) -> None:
    # It is "activating" for as long as it takes, as a worker's unit is that is about to be started again.
    systemd.write(
        "/etc/systemd/system/cleanup.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sleep 1000; : docker system prune'\n",
    )
    start_container(systemd, f"{IN_CONTAINER}; exit $?")
    wait_for_workers(systemd, 1)
    systemd.run(["systemctl", "start", "--no-block", "cleanup"], check=True)

    answers = [ask(systemd, action) for action in ("quiet", "wake")]

    assert [answer.summary() for answer in answers] == [(0, "quiet"), (0, "awake")]


# Whenever its container ends, it starts another one with another name, as Amazon ECS does.
ORCHESTRATOR = """#!/bin/bash
for number in {1..9}; do
  printf -v id '%s%d%052d' "$1" "$number" 0
  systemd-run --quiet --scope --unit "ecs-$id" ruby /root/imitation.rb beat=1 log=/root/events
done
"""


def test_containers_that_an_orchestrator_replaces_are_each_awaited_under_a_new_name(
    systemd: SystemdHost,
) -> None:
    systemd.write("/root/imitation.rb", IMITATION.read_text())
    systemd.write("/root/orchestrator.sh", ORCHESTRATOR, mode=0o755)
    names = ("aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc")
    for name in names:
        unit = f"[Service]\nExecStart=/root/orchestrator.sh {name}\n"
        systemd.write(f"/etc/systemd/system/task-{name}.service", unit)
    systemd.run(["systemctl", "start", *(f"task-{name}" for name in names)], check=True)
    wait_for_workers(systemd, len(names))

    quieted = ask(systemd, "quiet")
    woken = ask(systemd, "wake")

    assert quieted.summary() == (0, "quiet")
    assert {worker["supervisor"] for worker in quieted.json["processes"]} == {
        f"container:{name}1" for name in names
    }
    assert woken.summary() == (0, "awake"), woken.message
    assert {worker["supervisor"] for worker in woken.json["processes"]} == {
        f"container:{name}2" for name in names
    }
    assert "killed" not in systemd.read("/root/events")


def test_a_container_that_runs_something_beside_its_quiet_worker_is_named_and_left_alone(
    systemd: SystemdHost,
) -> None:
    start_container(systemd, f"sleep 3000 & {IN_CONTAINER}; exit $?")
    pids = wait_for_workers(systemd, 1)

    answers = [ask(systemd, action) for action in ("stop", "wake")]

    assert [answer.summary() for answer in answers] == [(1, "unconfirmed"), (1, "unconfirmed")]
    assert "docker:0123456789ab was not stopped: it also runs sleep (" in answers[0].message
    assert "Restart it by hand" in answers[1].message
    assert wait_for_workers(systemd, 1) == pids
    assert "TERM" not in systemd.read("/root/events")


def test_in_another_process_namespace_a_quiet_worker_is_ended_only_when_nothing_else_ends_with_it(
    host: BareHost,
) -> None:
    enter = ["unshare", "--pid", "--fork", "--kill-child=KILL"]
    alone = host.imitation(beat=1, tag="alone")
    host.popen(["bash", "-c", 'while "$@"; do :; done', "bash", *enter, *alone])
    host.popen(
        [*enter, "bash", "-c", 'sleep 3000 & "$@"; exit $?', "bash", *host.imitation(beat=1, tag="beside")]
    )
    host.wait_for_workers(2)
    assert host.ask("quiet").summary() == (0, "quiet")
    (beside,) = [pid for pid, title in host.workers().items() if "beside" in title]

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert f"Still quiet: {beside}. container:" in woken.message
    assert "was not restarted: it also runs sleep" in woken.message
    states = {process["tag"]: process["state"] for process in woken.json["processes"]}
    assert states == {"alone": "awake", "beside": "quiet"}

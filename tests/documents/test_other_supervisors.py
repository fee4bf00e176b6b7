"""supervisord and runit for real; a respawning parent, no supervisor; docker and upstart by their commands' words."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.redis_server import RedisServer
from local_aws.worker_host import WorkerHost
from tests.documents.bare_host import IMITATION, BareHost, HostTestError
from tests.documents.systemd_host import APP, ask, wait_for_workers
from tests.patience import eventually

SCRIPTS = Path(__file__).parents[2] / "ssm_documents" / "scripts"

SIDEKIQ = f"/usr/bin/sidekiq -r {APP} -c 2"


def start_supervisord(host: BareHost, redis: RedisServer, settings: str) -> None:
    configuration = host.folder / "supervisord.conf"
    configuration.write_text(
        f"[unix_http_server]\nfile={host.folder}/supervisor.sock\n"
        f"[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={host.folder}/supervisord.pid\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[supervisorctl]\nserverurl=unix://{host.folder}/supervisor.sock\n"
        f"[program:backups]\ncommand={SIDEKIQ}\nprocess_name=%(program_name)s_%(process_num)02d\nnumprocs=2\n"
        f'environment=REDIS_URL="{redis.url}"\n{settings}\n'
        f"[program:parked]\ncommand={SIDEKIQ}\nautostart=false\n"
    )
    supervisord = f"cd {host.folder}; exec {sys.executable} -m supervisor.supervisord -n -c supervisord.conf"
    host.popen(["sh", "-c", supervisord])


def test_supervisord_s_programs_are_stopped_started_and_restarted_by_their_names(
    host: BareHost, redis: RedisServer
) -> None:
    # Ending well does not make supervisord start a program again, if that is how it is set.
    start_supervisord(host, redis, "autorestart=unexpected")
    host.wait_for_workers(2)

    stopped = host.ask("stop")

    assert stopped.summary() == (0, "stopped")
    assert host.workers() == {}
    names = {process["supervisor"] for process in stopped.json["processes"]}
    assert names == {"supervisord:backups:backups_00", "supervisord:backups:backups_01"}

    assert host.ask("wake").summary() == (0, "awake")
    first = host.wait_for_workers(2)
    assert host.ask("quiet").summary() == (0, "quiet")
    assert host.ask("wake").summary() == (0, "awake")
    assert not set(first) & set(host.wait_for_workers(2))


def test_runit_s_services_are_stopped_started_and_restarted_by_their_folders(
    host: BareHost, redis: RedisServer
) -> None:
    if shutil.which("runsvdir") is None:
        raise HostTestError("runit is not installed (Debian package: runit).")
    service = host.folder / "services" / "backup worker"
    service.mkdir(parents=True)
    run = service / "run"
    run.write_text(f"#!/bin/sh\nexec env REDIS_URL={redis.url} {SIDEKIQ} >/dev/null 2>&1\n")
    run.chmod(0o755)
    host.popen(["runsvdir", "-P", str(service.parent)])
    host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (0, "stopped")
    assert [process["supervisor"] for process in stopped.json["processes"]] == [f"runit:{service}"[:80]]
    assert host.workers() == {}
    assert host.ask("wake").summary() == (0, "awake")
    first = host.wait_for_workers(1)
    assert host.ask("quiet").summary() == (0, "quiet")
    assert host.ask("wake").summary() == (0, "awake")
    assert first != host.wait_for_workers(1)


def test_a_parent_that_starts_workers_again_is_not_fought_by_stop_and_does_the_work_of_wake(
    host: BareHost,
) -> None:
    imitation = " ".join(host.imitation(beat=1))
    host.popen(["bash", "-c", f"while :; do {imitation}; done"])
    (pid,) = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "would start them again and cannot be told not to" in stopped.message
    assert host.wait_for_workers(1) == [pid]
    assert host.ask("quiet").summary() == (0, "quiet")

    woken = host.ask("wake")

    assert woken.summary() == (0, "awake")
    assert host.wait_for_workers(1) != [pid]
    assert (pid, "left") in host.events()


def test_without_a_supervisor_stop_ends_the_quiet_worker_and_wake_says_who_must_start_it(
    host: BareHost,
) -> None:
    host.imitate(jobs="5", beat=1)
    (pid,) = host.wait_for_workers(1)

    stopped = host.ask("stop")
    woken = host.ask("wake")

    assert stopped.summary() == (0, "stopped")
    assert [event for process, event in host.events() if process == pid][-2:] == ["TERM", "left"]
    assert (pid, "job ends") in host.events()
    assert woken.summary() == (1, "unconfirmed")
    assert "had no supervisor: start them by hand" in woken.message


def test_what_takes_a_stopped_worker_s_place_is_named_even_if_its_title_cannot_be_read(
    host: BareHost,
) -> None:
    first = host.imitation(beat=1)
    second = host.imitation(beat=1, title="sidekiq 6.4.1 " + "x" * 60)
    program = 'n=$1; shift; "${@:1:n}"; "${@:n+1}"; exit $?'
    host.popen(["bash", "-c", program, "bash", str(len(first)), *first, *second])
    (pid,) = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    (other,) = host.wait_for_workers(1)
    assert other != pid
    assert f"Process {other} was started after the stop" in stopped.message
    assert host.signals(other) == []


def test_without_a_supervisor_wake_leaves_a_quiet_worker_and_says_what_to_do(host: BareHost) -> None:
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)
    assert host.ask("quiet").code == 0

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert f"Nothing supervises {pid}, so it stays quiet" in woken.message
    assert host.signals(pid) == ["TSTP"]


CONTAINER = "0123456789ab" + "c" * 52
CHECKS_OF_HEALTH = """
while sleep 0.8; do
  (echo $BASHPID >"/sys/fs/cgroup/system.slice/$1/cgroup.procs" && exec sleep 0.8)
done
"""


def start_container(systemd: WorkerHost, program: str) -> None:
    """No container engine is at hand: its client is imitated, the cgroup is one that Docker would have made."""
    # The host has a /tmp of its own, in which the checkout may not be seen.
    systemd.write("/root/imitation.rb", IMITATION.read_text())
    systemd.write("/root/start.sh", f"#!/bin/bash\n{program}\n", mode=0o755)
    # In a group of its own: what is started outlives the command that starts it.
    launch = f"setsid systemd-run --quiet --scope --unit docker-{CONTAINER} /root/start.sh >/dev/null 2>&1 &"
    systemd.write(
        "/usr/local/bin/docker",
        '#!/bin/sh\necho "$*" >>/root/docker.log\n'
        f"case $1 in ps) echo {CONTAINER} ;; stop) systemctl kill docker-{CONTAINER}.scope ;; start) {launch} esac\n",
        mode=0o755,
    )
    systemd.run(["sh", "-c", launch], check=True)


IN_CONTAINER = "ruby /root/imitation.rb beat=1 log=/root/events"


def test_a_script_that_starts_workers_again_is_known_whatever_options_the_worker_has(host: BareHost) -> None:
    # Sidekiq's own -c is no option of the shell that runs the script.
    script = host.folder / "respawn.sh"
    script.write_text('shift 2; while :; do "$@"; sleep 20; done\n')
    host.popen(["bash", str(script), "-c", "10", *host.imitation(beat=1)])
    pids = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "parent:bash(" in stopped.message
    assert host.wait_for_workers(1) == pids


def test_a_container_s_worker_is_stopped_and_started_by_the_container_s_name(systemd: WorkerHost) -> None:
    start_container(systemd, f"{IN_CONTAINER} jobs=3; exit $?")
    wait_for_workers(systemd, 1)
    # A check of its health, which an engine puts into the container for a moment, again and again.
    systemd.popen(["bash", "-c", CHECKS_OF_HEALTH, "bash", f"docker-{CONTAINER}.scope"])

    answers = [ask(systemd, action) for action in ("stop", "wake")]

    assert [answer.summary() for answer in answers] == [(0, "stopped"), (0, "awake")]
    assert answers[0].json["processes"][0]["supervisor"] == "docker:0123456789ab"
    told = [line for line in systemd.read("/root/docker.log").splitlines() if not line.startswith("ps ")]
    assert told == ["stop 0123456789ab", "start 0123456789ab"]
    assert "killed" not in systemd.read("/root/events")


def test_a_container_whose_unit_starts_another_one_after_a_while_is_not_called_stopped(
    systemd: WorkerHost,
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
    assert "About to be started again: container.service" in stopped.message


@pytest.mark.parametrize("old_one", ["is gone", "is still there"])
def test_a_stopped_container_that_a_deploy_has_replaced_is_not_started_beside_the_new_one(
    systemd: WorkerHost, old_one: str
) -> None:
    start_container(systemd, f"{IN_CONTAINER}; exit $?")
    wait_for_workers(systemd, 1)
    assert ask(systemd, "stop").summary() == (0, "stopped")
    listed = "" if old_one == "is gone" else "echo 0123456789ab"
    systemd.write(
        "/usr/local/bin/docker", f'#!/bin/sh\necho "$*" >>/root/docker.log\n[ $1 != ps ] || {listed or ":"}\n'
    )
    new = f"setsid systemd-run --quiet --scope --unit docker-{'d' * 64} /root/start.sh >/dev/null 2>&1 &"
    systemd.run(["sh", "-c", new], check=True)
    wait_for_workers(systemd, 1)

    woken = ask(systemd, "wake")

    assert woken.summary() == (0, "awake")
    assert "start 0123456789ab" not in systemd.read("/root/docker.log")
    assert ask(systemd, "status").states == ["awake"]


def test_a_container_that_runs_something_beside_its_quiet_worker_is_named_and_left_alone(
    systemd: WorkerHost,
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
    assert f"so {beside} stay quiet: it also runs sleep" in woken.message
    states = {process["tag"]: process["state"] for process in woken.json["processes"]}
    assert states == {"alone": "awake", "beside": "quiet"}


def test_an_upstart_job_is_stopped_and_started_by_its_name(host: BareHost) -> None:
    # No upstart is left to test with: its client is imitated, in the words that it prints.
    imitation = " ".join(host.imitation(beat=1))
    host.install(
        "initctl",
        f'#!/bin/bash\npid={host.folder}/job.pid\necho "$@" >>{host.folder}/initctl.log\n'
        "case $1 in\n"
        "list) echo 'rcS stop/waiting'; echo \"nightly start/running, process $(<$pid)\" ;;\n"
        "stop) kill $(<$pid) ;;\n"
        f"start) setsid {imitation} >/dev/null 2>&1 & echo $! >$pid ;;\n"
        "esac\n",
    )
    host.run(["initctl", "start", "nightly"])
    host.wait_for_workers(1)

    answers = [host.ask(action) for action in ("stop", "wake")]

    assert [answer.summary() for answer in answers] == [(0, "stopped"), (0, "awake")]
    assert answers[0].json["processes"][0]["supervisor"] == "upstart:nightly"
    told = [line for line in (host.folder / "initctl.log").read_text().splitlines() if line != "list"]
    assert told == ["start nightly", "stop nightly", "start nightly"]


def test_a_program_of_supervisord_that_runs_something_beside_its_quiet_worker_is_left_alone(
    host: BareHost, redis: RedisServer
) -> None:
    beside = f"bash -c 'sleep 12345 & {' '.join(host.imitation(beat=1))}; exit'"
    program = f"[program:two]\ncommand={beside}\nstopasgroup=true\n"
    start_supervisord(host, redis, "autostart=false\n" + program)
    pids = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "supervisord:two was not stopped: it also runs sleep (" in stopped.message
    assert host.wait_for_workers(1) == pids
    assert any("12345" in title for title in host.titles().values())


@pytest.mark.parametrize("name", ["supervisord", "runsv"])
def test_a_supervisor_of_another_user_is_not_believed_in_what_is_to_be_run(host: BareHost, name: str) -> None:
    # Its command line would name the program that root is to run, and its folder what root is to write into.
    evil = host.folder / "evil"
    (evil / "supervise").mkdir(parents=True)
    (evil / name).symlink_to("/usr/bin/python3")
    told = f"#!/bin/sh\ntouch {host.folder}/believed\n"
    for program in (evil / "supervisorctl", evil / "sv"):
        program.write_text(told)
        program.chmod(0o755)
    host.install("sv", told)
    (host.folder / "events").touch(mode=0o666)
    (host.folder / "events").chmod(0o666)
    for folder in (host.folder, *host.folder.parents):
        if folder.owner() == "root" and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    starts = f"import subprocess; subprocess.run({host.imitation(beat=1)})"
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    host.popen([*as_nobody, "sh", "-c", f'cd {evil}; exec {evil}/{name} -c "$1"', "sh", starts])
    host.wait_for_workers(1)

    answers = [host.ask(action) for action in ("status", "stop")]

    assert [answer.summary() for answer in answers] == [(0, "reported"), (1, "unconfirmed")]
    assert f"parent:{name}(" in answers[1].message
    assert not (host.folder / "believed").exists()


def test_a_worker_that_a_poller_looks_after_is_not_called_stopped(host: BareHost) -> None:
    # monit and its like start a worker as a daemon and look every minute whether it is there.
    (host.folder / "monit").symlink_to("/bin/sleep")
    host.popen([str(host.folder / "monit"), "3000"])
    host.popen(["bash", "-c", f"setsid {' '.join(host.imitation(beat=1))} & exit"])
    pids = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "parent:monit(" in stopped.message
    assert host.wait_for_workers(1) == pids


def test_a_child_of_a_swarm_is_not_ended_by_stop_since_it_would_come_back_awake(host: BareHost) -> None:
    swarm = (
        "$0 = 'sidekiqswarm, managing 1 processes'; "
        "loop { Process.wait(spawn('ruby', *ARGV)); File.write(ARGV[1][4..] + '.again', '') }"
    )
    log, *rest = host.imitation(beat=1)[2:]
    host.popen(["sh", "-c", '"$@"; exit $?', "sh", "ruby", "-e", swarm, str(IMITATION), log, *rest])
    (pid,) = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "parent:sidekiqswarm(" in stopped.message
    assert host.wait_for_workers(1) == [pid]
    woken = host.ask("wake")
    assert woken.summary() == (0, "awake")
    assert host.wait_for_workers(1) != [pid]


def test_a_quiet_worker_beside_others_under_a_parent_that_is_not_known_is_left_to_people(
    host: BareHost,
) -> None:
    # As foreman: the end of one child is the end of all.
    foreman = (
        "import json, os, subprocess, sys\n"
        "children = [subprocess.Popen(command) for command in json.loads(sys.argv[1])]\n"
        "os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)\n"
        "for child in children: child.terminate()\n"
        "for child in children: child.wait()\n"
    )
    children = [host.imitation(beat=1, tag="quiet"), host.imitation(beat=1, jobs="1000")]
    host.popen(["python3", "-c", foreman, json.dumps(children)])
    pids = host.wait_for_workers(2)
    (quiet,) = [pid for pid, title in host.workers().items() if "quiet" in title]
    host.kill(quiet, signal.SIGTSTP)
    eventually(lambda: "stopping" in host.workers()[quiet], "it is quieted")

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert "Restart it by hand" in woken.message
    assert host.wait_for_workers(2) == pids
    assert "TERM" not in {event for _, event in host.events()}


def test_wake_does_not_call_a_worker_awake_whose_title_cannot_be_read(host: BareHost) -> None:
    host.imitate(beat=1)
    host.imitate(title="sidekiq 6.4.1 " + "x" * 60, beat=1)
    host.wait_for_workers(2)

    woken = host.ask("wake")

    assert woken.summary() == (1, "unconfirmed")
    assert "it cannot be told whether it is awake" in woken.message


@pytest.mark.parametrize("name", [r"a\x2db", "$HOME", "it's", 'a"b', "a]b", "`id`", "*"])
def test_what_was_stopped_is_forgotten_whatever_its_name_is(tmp_path: Path, name: str) -> None:
    modules = "".join(f"source {SCRIPTS}/{module}.sh; " for module in ("clock", "memory", "supervisord"))
    program = (
        f"set -eu; {modules} HOST_FOLDER={tmp_path} FOUND=''; "
        'supervisorctl_of() { CTL=(ctl -c file); }; programs_of() { PROGRAMS="$name RUNNING pid 7, up"; }; '
        "CHAIN=' 7 ' name=$1; found_supervisord 1; remember other 1; remember \"$FOUND\" 2; "
        'cat $HOST_FOLDER/stopped; forget "$FOUND"; echo; cat $HOST_FOLDER/stopped'
    )
    words = ["bash", "-c", program, "bash", name]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout

    before, _, after = told.partition("\n\n")
    remembered = {tuple(line.split("\t")[:2] + line.split("\t")[3:]) for line in before.splitlines()}
    assert remembered == {("other", "1", ""), (f"supervisord:{name}", "2", "ctl\x1f-c\x1ffile\x1f")}
    assert [line.split("\t")[0] for line in after.splitlines()] == ["other"]

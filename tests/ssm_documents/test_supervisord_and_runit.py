"""supervisord and runit for real; upstart by the words that its client prints."""

from __future__ import annotations

import shutil

import pytest

from local_aws.hosts.redis_server import RedisServer
from tests.ssm_documents.bare_host import BareHost, HostTestError
from tests.ssm_documents.supervisord import start_supervisord
from tests.ssm_documents.systemd_host import APP

SIDEKIQ = f"/usr/bin/sidekiq -r {APP} -c 2"


def test_supervisord_s_programs_are_stopped_started_and_restarted_by_their_names(
    host: BareHost, redis: RedisServer
) -> None:
    # Ending well does not make supervisord start a program again, if that is how it is set.
    twice = "process_name=%(program_name)s_%(process_num)02d\nnumprocs=2\nautorestart=unexpected"
    backups = f'{SIDEKIQ}\n{twice}\nenvironment=REDIS_URL="{redis.url}"'
    start_supervisord(host, {"backups": backups, "parked": f"{SIDEKIQ}\nautostart=false"})
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


def test_what_else_is_in_a_group_of_supervisord_is_left_alone_when_its_workers_are_told_together(
    host: BareHost,
) -> None:
    worker = " ".join(host.imitation(beat=1))
    group = "\n[group:all]\nprograms=one,two,other"
    start_supervisord(host, {"one": worker, "two": worker, "other": f"sleep 12345{group}"})
    first = host.wait_for_workers(2)
    (other,) = (pid for pid, title in host.titles().items() if title == "sleep 12345")

    stopped = host.ask("stop")
    woken = host.ask("wake")

    assert stopped.summary() == (0, "stopped")
    assert {process["supervisor"] for process in stopped.json["processes"]} == {
        "supervisord:all:one",
        "supervisord:all:two",
    }
    assert woken.summary() == (0, "awake")
    assert not set(first) & set(host.wait_for_workers(2))
    assert host.titles()[other] == "sleep 12345"


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


def start_upstart_jobs(host: BareHost, **jobs: str) -> None:
    """Jobs by name, with how long their workers work at first, in seconds.

    No upstart is left to test with: its client is imitated, in the words that it prints.
    """
    host.install(
        "initctl",
        f'#!/bin/bash\ncd {host.folder}\necho "$@" >>initctl.log\n'
        "case $1 in\n"
        "list) echo 'rcS stop/waiting'; grep -H '' *.pid | sed 's|[.]pid:| start/running, process |' ;;\n"
        "stop|restart) kill $(<$2.pid) ;;&\n"
        "start|restart) setsid $(<$2.command) >/dev/null 2>&1 & echo $! >$2.pid ;;\n"
        "esac\n",
    )
    for name, seconds in jobs.items():
        command = " ".join(host.imitation(beat=1, tag=name, jobs=seconds))
        (host.folder / f"{name}.command").write_text(command)
        host.run(["initctl", "start", name])
    host.wait_for_workers(len(jobs))


def told_to_upstart(host: BareHost) -> list[str]:
    return [line for line in (host.folder / "initctl.log").read_text().splitlines() if line != "list"]


def test_an_upstart_job_is_stopped_and_started_by_its_name(host: BareHost) -> None:
    start_upstart_jobs(host, nightly="")

    answers = [host.ask(action) for action in ("stop", "wake")]

    assert [answer.summary() for answer in answers] == [(0, "stopped"), (0, "awake")]
    assert answers[0].json["processes"][0]["supervisor"] == "upstart:nightly"
    assert told_to_upstart(host) == ["start nightly", "stop nightly", "start nightly"]


def test_what_upstart_has_restarted_a_moment_ago_is_known_as_its_job_s(host: BareHost) -> None:
    start_upstart_jobs(host, first="", second="8")
    for pid in host.workers():
        host.run(["kill", "-TSTP", str(pid)])

    answer = host.ask("wake", limit=300)

    assert answer.summary() == (0, "awake")
    supervisors = sorted(process["supervisor"] for process in answer.json["processes"])
    assert supervisors == ["upstart:first", "upstart:second"]
    assert sorted(told_to_upstart(host)) == [
        "restart first", "restart second", "start first", "start second"
    ]  # fmt: skip


def test_a_program_that_supervisord_called_starting_at_first_is_known_at_the_end_of_a_short_drain(
    host: BareHost,
) -> None:
    start_supervisord(host, {"one": f"{' '.join(host.imitation(beat=1))}\nstartsecs=7"})
    host.wait_for_workers(1)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    (worker,) = answer.json["processes"]
    assert worker["supervisor"] == "supervisord:one"


def test_a_program_of_supervisord_that_runs_something_beside_its_quiet_worker_is_left_alone(
    host: BareHost,
) -> None:
    beside = f"bash -c 'sleep 12345 & {' '.join(host.imitation(beat=1))}; exit'"
    start_supervisord(host, {"two": f"{beside}\nstopasgroup=true"})
    pids = host.wait_for_workers(1)

    stopped = host.ask("stop")

    assert stopped.summary() == (1, "unconfirmed")
    assert "supervisord:two was not stopped: it also runs sleep (" in stopped.message
    assert host.wait_for_workers(1) == pids
    assert any("12345" in title for title in host.titles().values())


# Whose they are by the real, the effective and the saved user id; the second is a program that runs as its owner.
@pytest.mark.parametrize("users", [(65534, 65534, 65534), (65534, 0, 0)], ids=["nobody", "setuid"])
@pytest.mark.parametrize("name", ["supervisord", "runsv"])
def test_a_supervisor_of_another_user_is_not_believed_in_what_is_to_be_run(
    host: BareHost, name: str, users: tuple[int, int, int]
) -> None:
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
    worker = (
        "import os, subprocess; "
        f"subprocess.run({host.imitation(beat=1)}, preexec_fn=lambda: os.setresuid(65534, 65534, 65534))"
    )
    starter = (
        f"import os; os.chdir({str(evil)!r}); os.setresuid(*{users}); "
        f"os.execv({str(evil / name)!r}, {[name, '-c', worker]})"
    )
    host.popen(["python3", "-c", starter])
    host.wait_for_workers(1)

    answers = [host.ask(action) for action in ("status", "stop")]

    assert [answer.summary() for answer in answers] == [(0, "reported"), (1, "unconfirmed")]
    assert f"parent:{name}(" in answers[1].message
    assert not (host.folder / "believed").exists()


def test_a_worker_that_its_supervisor_leaves_behind_when_it_ends_a_script_is_ended_too(
    host: BareHost,
) -> None:
    script = host.folder / "worker.sh"
    script.write_text(f"{' '.join(host.imitation(beat=1))}\nexit\n")
    start_supervisord(host, {"worker": f"bash {script}"})
    (first,) = host.wait_for_workers(1)
    assert host.ask("quiet").summary() == (0, "quiet")

    woken = host.ask("wake")
    (second,) = host.wait_for_workers(1)
    stopped = host.ask("stop")

    assert woken.summary() == (0, "awake")
    assert second != first
    assert stopped.summary() == (0, "stopped")
    assert host.workers() == {}

"""Processes that look like Sidekiq and are none, or are one that must not be touched."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.patience import eventually
from tests.ssm_documents.bare_host import IMITATION, BareHost

LOOK_ALIKES = [
    ["tail", "-F", "/var/log/sidekiq.log"],
    ["bash", "-c", "exec -a 'sidekiq_exporter 6.4.1 app [0 of 5 busy]' sleep 1000"],
    ["bash", "-c", "exec -a 'vim sidekiq 6.4.1 app [0 of 5 busy]' sleep 1000"],
    ["ruby", "-e", "sleep", "sidekiq"],
    ["ruby", "-e", "$0 = 'rake sidekiq:report'; sleep"],
    ["python3", "-c", "import time; time.sleep(1000)", "bundle", "exec", "sidekiq"],
    ["sh", "-c", "sleep 1000; bundle exec sidekiq"],
]


def test_a_host_with_look_alikes_only_has_no_sidekiq_and_none_of_them_is_signalled(host: BareHost) -> None:
    processes = [host.popen(command) for command in LOOK_ALIKES]

    answers = [host.start(action) for action in ("quiet", "status")]

    assert [answer.answer().summary() for answer in answers] == [(3, "no_worker")] * 2
    assert [process.poll() for process in processes] == [None] * len(processes)


# What any user of the host can start. The first title has no end in sight.
IMPOSTORS = [
    "exec -a \"$(printf 'sidekiq 6.4.1 app [0 of 5 busy]%*s' 120000 '')\" sleep 1000",
    "exec -a 'sidekiq 6.4.1 app [3 of 5 busy]' sleep 1000",
    "exec -a sidekiq sleep 1000",
    "exec -a 'sidekiqswarm, managing 9 processes' sleep 1000",
]


def test_what_only_looks_like_sidekiq_is_named_and_does_not_keep_a_host_from_being_quiet_or_awake(
    host: BareHost,
) -> None:
    host.popen(["sh", "-c", 'while :; do "$@"; done', "sh", *host.imitation(beat=1, jobs="3")])
    impostors = [host.popen(["bash", "-c", command]) for command in IMPOSTORS]
    host.wait_for_workers(3)

    answers = [host.ask(action) for action in ("quiet", "wake", "status")]

    assert [answer.summary() for answer in answers] == [(0, "quiet"), (0, "awake"), (0, "reported")]
    assert [len(answer.json["processes"]) for answer in answers] == [1, 1, 1]
    for answer in answers:
        assert "Not counted, because no Ruby runs in them: " in answer.message
        assert "sidekiqswarm" in answer.message or "sidekiq 6.4.1 app" in answer.message
    assert [process.poll() for process in impostors] == [None] * len(IMPOSTORS)


# A user's own Ruby may be a worker as far as anybody can see: not on every system do the threads of one have names.
RUBY_IMPOSTORS = ["sidekiq 7.0 app [0 of 5 busy]", "sidekiq 7.1.4 app [3 of 5 busy]"]


def test_a_user_s_own_ruby_with_a_worker_s_title_is_named_and_does_not_hold_up_the_others(
    host: BareHost,
) -> None:
    host.popen(["sh", "-c", 'while :; do "$@"; done', "sh", *host.imitation(beat=1, tag="real", jobs="3")])
    for title in RUBY_IMPOSTORS:
        host.popen(["setpriv", "--reuid", "65534", "bash", "-c", f"exec -a '{title}' ruby -e 'sleep'"])
    host.wait_for_workers(3)
    impostors = [pid for pid, title in host.workers().items() if "real" not in title]

    quieted = host.ask("quiet")
    woken = host.ask("wake")

    assert quieted.summary() == (1, "unconfirmed")
    for pid in impostors:
        says = (
            f"Process {pid} (app) cannot be proven quiet: it has a worker's title and no thread of Sidekiq."
        )
        assert says in quieted.message
        assert host.state(pid) == "S", "it is not left suspended"
    assert [each["state"] for each in quieted.json["processes"] if each["tag"] == "real"] == ["quiet"]
    assert woken.summary() == (0, "awake")
    assert [event for _, event in host.events()].count("up") == 2


def test_a_ruby_of_any_name_in_any_place_is_believed(host: BareHost) -> None:
    program = host.folder / "interpreter"
    program.write_bytes(Path("/usr/bin/ruby").resolve().read_bytes())
    program.chmod(0o755)
    host.popen([str(program), *host.imitation(beat=1)[1:]])
    host.wait_for_workers(1)

    assert host.ask("quiet").summary() == (0, "quiet")


def test_a_script_does_not_find_itself_when_its_path_speaks_of_sidekiq(
    host: BareHost, tmp_path: Path
) -> None:
    folder = tmp_path / "bin" / "sidekiq"
    folder.mkdir(parents=True)
    runner = ["bash", "-c", f'cp "$0" {folder}/sidekiq; cd {folder}; exec sh -c {folder}/sidekiq']

    answer = host.start("status", runner=runner).answer()

    assert answer.summary() == (3, "no_worker")


def test_a_sidekiq_that_is_embedded_in_puma_is_reported_as_not_supported_and_never_signalled(
    host: BareHost,
) -> None:
    embedded = host.imitate(version="7.2.0", title="puma 6.4.0 (tcp://0.0.0.0:9292) [shop]", embedded=1)
    eventually(lambda: any(title.startswith("puma 6") for title in host.titles().values()), "puma is there")
    host.imitate(tag="beside")
    (worker,) = host.wait_for_workers(1)

    answer = host.ask("quiet")

    assert answer.summary() == (1, "unconfirmed")
    assert answer.states == ["embedded", "quiet"]
    assert "has Sidekiq embedded, which is not supported" in answer.message
    assert {pid for pid, event in host.events() if event.isupper()} == {worker}
    assert embedded.poll() is None


def test_a_swarm_s_parent_is_never_signalled_and_a_child_that_it_starts_anew_is_quieted_too(
    host: BareHost,
) -> None:
    swarm = (
        "log, imitation = ARGV; "
        "start = lambda { spawn('ruby', imitation, 'version=7.1.4', \"log=#{log}\", 'beat=1', 'boot=2') }; "
        "%w[TSTP TERM USR1 CONT].each { |name| trap(name) { File.write(log + '.parent', name) } }; "
        "$0 = 'sidekiqswarm, managing 2 processes'; "
        "2.times { start.call }; loop { Process.wait; start.call }"
    )
    host.popen(["ruby", "-e", swarm, str(host.folder / "events"), str(IMITATION)])
    first, second = host.wait_for_workers(2)
    command = host.start("quiet")
    eventually(lambda: host.signals(first) and host.signals(second), "both were told")
    host.kill(first, signal.SIGKILL)

    answer = command.answer()

    assert answer.summary() == (0, "quiet")
    assert answer.states == ["quiet", "quiet"]
    assert not (host.folder / "events.parent").exists()
    assert len({pid for pid, event in host.events() if event == "TSTP"}) == 3


def test_a_child_that_a_swarm_lacks_may_be_started_at_any_time_so_the_host_is_not_called_quiet(
    host: BareHost,
) -> None:
    swarm = "$0 = 'sidekiqswarm, managing 2 processes'; spawn(*ARGV); sleep"
    host.popen(["ruby", "-e", swarm, *host.imitation(version="7.1.4", beat=1)])
    host.wait_for_workers(1)

    quieted = host.ask("quiet")
    woken = host.ask("wake", limit=60)

    assert quieted.summary() == (1, "unconfirmed")
    assert quieted.states == ["quiet"]
    assert "sidekiqswarm has 1 process too few" in quieted.message
    assert woken.summary() == (1, "unconfirmed")
    assert "sidekiqswarm has " in woken.message


def test_a_sidekiq_whose_threads_have_no_names_is_found_inside_another_server(host: BareHost) -> None:
    puma = "puma 6.4.0 (tcp://0.0.0.0:9292) [shop]"
    host.imitate(
        version="7.2.0", title=puma, embedded=1, size=1, names="component.rb:17", heartbeat="component.rb:17"
    )
    host.imitate(version="7.0.9", title=puma, embedded=1, size=1, names="component.rb:9")
    eventually(lambda: [*host.titles().values()].count(puma) == 2, "both are there")

    answer = host.ask("status")

    assert answer.summary() == (0, "reported")
    assert answer.states == ["embedded", "embedded"]


def test_a_shell_or_tini_around_a_worker_is_not_signalled_and_not_taken_for_one(host: BareHost) -> None:
    imitation = " ".join(host.imitation(beat=1))
    host.popen(["sh", "-c", f"{imitation}; true"])
    host.popen(["bash", "-c", f"bundle_exec_sidekiq=1; {imitation}; true", "bundle", "exec", "sidekiq"])
    host.wait_for_workers(2)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert [process["supervisor"] for process in answer.json["processes"]] == ["none", "none"]


def test_a_process_that_a_job_has_forked_bears_its_worker_s_title_and_is_no_worker(host: BareHost) -> None:
    program = (
        "trap('TSTP') { $stop = true }; Thread.new { Thread.current.name = 'heartbeat'; sleep }; "
        "Thread.new { Thread.current.name = 'processor'; sleep 0.2 until $stop }; sleep 0.2; "
        "$0 = 'sidekiq 6.4.1 app [1 of 1 busy]'; child = fork { sleep 8; exit! }; Process.wait(child); "
        "$0 = 'sidekiq 6.4.1 app [0 of 1 busy]'; sleep 0.2 until $stop; "
        "$0 = 'sidekiq 6.4.1 app [0 of 1 busy] stopping'; sleep"
    )
    host.popen(["ruby", "-e", program])
    eventually(lambda: len(host.workers()) == 2, "the worker and its job's process")
    worker = min(host.workers())

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert [process["pid"] for process in answer.json["processes"]] == [worker]


def test_a_worker_that_another_worker_has_started_is_quieted_too(host: BareHost) -> None:
    imitation = host.imitation(beat=1, jobs="4")
    program = "spawn('ruby', *ARGV); load ARGV.shift"
    host.popen(["ruby", "-e", program, *imitation[1:]])
    host.wait_for_workers(2)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert answer.states == ["quiet", "quiet"]
    assert [event for _, event in host.events()].count("TSTP") == 2


def test_a_worker_in_a_container_is_quieted_from_the_host(host: BareHost) -> None:
    imitation = host.imitation(beat=1)
    host.popen(["unshare", "--pid", "--fork", "--kill-child=KILL", *imitation])
    host.wait_for_workers(1)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert re.fullmatch("container:[0-9]+", answer.json["processes"][0]["supervisor"])

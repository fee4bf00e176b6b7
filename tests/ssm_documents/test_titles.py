"""What stands in a title is read from the right, whatever the tag is, and never more is read than is there."""

from __future__ import annotations

from local_aws.agent.result import shortened_output
from snow_white.judgement.host_answer import parse_answer
from tests.patience import eventually
from tests.ssm_documents.bare_host import BareHost

TRICKY_TAGS = {
    "spaces": "my backup app",
    "brackets": "app [blue] [7 of 9",
    "busy]": "app busy]",
    "stopping": "stopping",
    "a whole title": "app [0 of 5 busy] stopping",
    "none": "",
    "400 characters": "x" * 400,
    "quotes": 'a "quoted" \\ back\\slash\ttab',
}


def test_workers_with_tricky_tags_are_waited_for_until_their_jobs_have_ended(host: BareHost) -> None:
    for tag in TRICKY_TAGS.values():
        host.imitate(tag=tag, jobs="12")
    host.imitate(tag="bytes", raw="ff80c3a90a1b5b", jobs="12")
    pids = host.wait_for_workers(len(TRICKY_TAGS) + 1)
    eventually(lambda: [event for _, event in host.events()].count("job begins") == len(pids), "one job each")

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert answer.states == ["quiet"] * len(pids)
    assert [event for _, event in host.events()].count("job ends") == len(pids)
    tags = {process["tag"] for process in answer.json["processes"]}
    assert {TRICKY_TAGS["spaces"], TRICKY_TAGS["a whole title"], "", "x" * 60} <= tags
    assert 'a "quoted" \\ back\\slash?tab' in tags
    assert "bytes??????[" in tags


def test_a_tag_that_reads_like_a_quiet_title_does_not_make_a_worker_look_quiet(host: BareHost) -> None:
    host.imitate(tag="app [0 of 5 busy] stopping", jobs="100")
    (pid,) = host.wait_for_workers(1)
    eventually(lambda: "[1 of 3 busy]" in host.workers()[pid], "a job")

    status = host.ask("status")
    answer = host.ask("quiet", limit=60)

    assert (status.states, status.json["processes"][0]["busy"]) == (["awake"], 1)
    assert answer.summary() == (2, "busy")


def test_words_of_a_plugin_after_the_title_are_not_known_to_mean_quiet(host: BareHost) -> None:
    host.imitate(tail="paused", beat=1)
    (pid,) = host.wait_for_workers(1)

    answer = host.ask("stop")

    assert answer.summary() == (1, "unconfirmed")
    assert host.signals(pid) == ["TSTP"]
    assert "its title ends in unknown words" in answer.message
    assert "stopping paused" in host.workers()[pid]


def test_status_says_how_old_its_number_of_jobs_may_be_by_the_slowest_heartbeat(host: BareHost) -> None:
    host.imitate(version="6.5.12", jobs="100")
    (pid,) = host.wait_for_workers(1)
    eventually(lambda: "[1 of 3 busy]" in host.workers()[pid], "a job")
    one = host.ask("status")
    host.imitate(version="7.0.9")
    host.wait_for_workers(2)
    both = host.ask("status")

    assert one.message == "1 process with a Sidekiq title: 1 job as of 5 s ago."
    assert both.message == "2 processes with a Sidekiq title: 1 job as of 10 s ago."


def test_what_is_waited_for_at_the_end_is_said_of_workers_without_jobs_too(host: BareHost) -> None:
    host.imitate(tag="stuck", stuck=1, beat=1)
    host.wait_for_workers(1)

    answer = host.ask("quiet", limit=60)

    assert answer.summary() == (2, "busy")
    assert "Time ran out before every worker was proven quiet." in answer.message
    assert "(stuck): its title says 0 busy, but 1 thread may still run a job" in answer.message
    assert "0 jobs" not in answer.message


def test_the_leader_of_sidekiq_enterprise_is_proven_quiet_like_any_other(host: BareHost) -> None:
    host.imitate(tail="leader", beat=1, jobs="3")
    (pid,) = host.wait_for_workers(1)

    answer = host.ask("quiet")

    assert answer.summary() == (0, "quiet")
    assert host.workers()[pid].endswith(" stopping leader")


def test_the_answer_fits_with_200_processes_of_any_bytes_and_names_the_busiest_first(host: BareHost) -> None:
    # One process that forks, since 200 Ruby programs are too many for a test.
    program = (
        "log = ARGV[0]; 200.times { |n| fork { "
        "trap('TSTP') { }; Thread.new { Thread.current.name = 'heartbeat'; sleep }; "
        "Thread.new { Thread.current.name = 'processor'; sleep }; "
        '$0 = "sidekiq 6.4.1 \\xff\\"\\\\\\n#{\'t\' * (n % 90)} [#{n % 40} of 40 busy]".b; sleep } }; '
        "$0 = 'launcher'; sleep"
    )
    host.popen(["ruby", "-e", program, "log" * 300])
    host.wait_for_workers(200)

    answer = host.ask("status")

    assert answer.summary() == (0, "reported")
    assert len(answer.line) <= 1700
    assert answer.stderr == "", "the agent would cut the answer for its sake"
    assert answer.json["at_work"] == "none"
    passed_on = shortened_output(f"{answer.line}\n", "failed to run commands: exit status 2\n" * 5)
    assert parse_answer(passed_on[:2_400]) is not None
    listed = answer.json["processes"]
    assert [process["busy"] for process in listed] == sorted([*range(40)] * 5)[: -len(listed) - 1 : -1]
    assert answer.json["omitted"] == 200 - len(listed)
    assert '"' in listed[0]["tag"]

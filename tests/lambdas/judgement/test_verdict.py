"""The promise: nothing but a confirmed answer is a confirmation."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.aws.run_command import Invocation, normalise
from snow_white.judgement.host_answer import parse_answer
from snow_white.judgement.verdict import STARTS_WITHIN, Judgement, judge, judge_unsent
from snow_white.model.action import Action
from snow_white.model.fleet import Instance
from snow_white.model.verdict import CONFIRMED, Verdict
from tests.lambdas.fake_cloud import START
from tests.lambdas.fake_hosts import LONG_AGO, says

IDLE = {
    "pid": 7,
    "version": "6.4.1",
    "tag": "app",
    "busy": 0,
    "state": "quiet",
    "supervisor": "systemd:worker",
}


def invocation(status: str = "success", exit_code: int | None = 0, output: str = "") -> Invocation:
    return Invocation("c-1", "i-1", status, output, exit_code, START)


@pytest.mark.parametrize("action", Action)
def test_a_host_that_confirms_what_was_asked_is_confirmed(action: Action) -> None:
    judgement = judge(action, invocation(output="looking\n" + says(action.result, message="all done")))
    assert judgement.verdict.value == action.result


@pytest.mark.parametrize(
    ("exit_code", "result", "verdict"),
    [
        (1, "unconfirmed", Verdict.UNCONFIRMED),
        (2, "busy", Verdict.BUSY),
        (3, "no_worker", Verdict.NO_WORKER),
    ],
)
def test_every_other_exit_code_has_its_verdict_and_the_hosts_own_words(
    exit_code: int, result: str, verdict: Verdict
) -> None:
    judgement = judge(Action.QUIET, invocation("failed", exit_code, says(result, message="because of this")))
    assert (judgement.verdict, judgement.reason) == (verdict, "because of this")


@pytest.mark.parametrize(
    ("status", "verdict", "passing"),
    [
        ("deliverytimedout", Verdict.UNREACHABLE, True),
        ("undeliverable", Verdict.UNREACHABLE, True),
        ("terminated", Verdict.UNREACHABLE, True),
        ("timedout", Verdict.UNCONFIRMED, True),
        ("executiontimedout", Verdict.UNCONFIRMED, True),
        ("cancelled", Verdict.UNCONFIRMED, False),
        ("accessdenied", Verdict.UNREACHABLE, False),
        ("invalidplatform", Verdict.UNREACHABLE, False),
    ],
)
def test_a_command_that_did_not_run_to_its_end_confirms_nothing(
    status: str, verdict: Verdict, passing: bool
) -> None:
    judgement = judge(Action.QUIET, invocation(status, output=says("quiet")))
    assert (judgement.verdict, judgement.transient) == (verdict, passing)
    assert judgement.reason


def test_a_success_without_an_answer_is_no_confirmation_and_is_sent_again() -> None:
    judgement = judge(Action.QUIET, invocation(output=""))
    assert (judgement.verdict, judgement.transient) == (Verdict.UNCONFIRMED, True)


@pytest.mark.parametrize("code", [137, 143])
def test_a_script_that_was_killed_is_no_confirmation_and_is_sent_again(code: int) -> None:
    output = f"\n----------ERROR-------\nfailed to run commands: exit status {code}"
    judgement = judge(Action.QUIET, invocation("failed", code, output))
    assert (judgement.verdict, judgement.transient) == (Verdict.UNCONFIRMED, True)


@pytest.mark.parametrize("again", [True, False, "true", None])
def test_only_a_host_that_says_so_is_sent_a_command_again_in_a_moment(again: object) -> None:
    output = json.dumps({**json.loads(says("unconfirmed")), "again": again})
    judgement = judge(Action.QUIET, invocation("failed", 1, output))
    wanted = again is True
    assert (judgement.verdict, judgement.transient, judgement.soon) == (Verdict.UNCONFIRMED, wanted, wanted)


def test_an_answer_that_was_cut_off_is_no_confirmation() -> None:
    judgement = judge(Action.QUIET, invocation(output=says("quiet")[:-5]))
    assert judgement.verdict is Verdict.UNCONFIRMED


def test_workers_that_were_stopped_before_need_not_be_quieted() -> None:
    assert judge(Action.QUIET, invocation(output=says("stopped"))).verdict is Verdict.STOPPED


def test_the_answer_to_another_question_is_no_confirmation() -> None:
    assert judge(Action.STOP, invocation(output=says("quiet"))).verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize("action", [Action.QUIET, Action.STOP])
def test_a_quiet_host_that_lists_a_job_contradicts_itself(action: Action) -> None:
    output = says(action.result, processes=[{**IDLE, "busy": 1}])
    assert judge(action, invocation(output=output)).verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize("action", [Action.QUIET, Action.STOP])
def test_a_quiet_host_that_lists_a_process_at_work_contradicts_itself(action: Action) -> None:
    output = says(action.result, processes=[{**IDLE, "state": "awake"}])
    assert judge(action, invocation(output=output)).verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize("action", [Action.QUIET, Action.STOP, Action.WAKE])
def test_a_new_host_without_sidekiq_may_still_get_it(action: Action) -> None:
    answer = invocation("failed", 3, says("no_worker"))
    early = judge(action, answer, STARTS_WITHIN - timedelta(seconds=1))
    assert (early.verdict, early.transient) == (Verdict.UNCONFIRMED, True)
    assert judge(action, answer, STARTS_WITHIN).verdict is Verdict.NO_WORKER


@pytest.mark.parametrize("action", [Action.QUIET, Action.STOP, Action.WAKE])
def test_a_host_that_has_rebooted_may_not_have_started_its_workers_yet(action: Action) -> None:
    def answer(up: int) -> Invocation:
        return invocation("failed", 3, json.dumps({**json.loads(says("no_worker")), "up": up}))

    seconds = int(STARTS_WITHIN.total_seconds())
    early = judge(action, answer(seconds - 1))
    assert (early.verdict, early.transient, early.starting) == (Verdict.UNCONFIRMED, True, True)
    assert "rebooted" in early.reason
    assert judge(action, answer(seconds)).verdict is Verdict.NO_WORKER


@pytest.mark.parametrize(
    "output",
    [
        '{"result":"quiet","processes":[{"pid":1e999,"state":"quiet"}]}',
        "[" * 2400,
        '{"result":"quiet","omitted":1e999}',
    ],
)
def test_a_hostile_answer_is_no_confirmation_and_no_crash(output: str) -> None:
    assert judge(Action.QUIET, invocation(output=output)).verdict is Verdict.UNCONFIRMED


def test_what_goes_on_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="goes on"):
        judge(Action.QUIET, invocation("inprogress"))


ENDED = ["success", "failed", "timedout", "deliverytimedout", "cancelled", "undeliverable", "terminated"]


@given(
    action=st.sampled_from(Action),
    status=st.sampled_from(ENDED),
    exit_code=st.one_of(st.none(), st.integers(-1, 255)),
    result=st.one_of(
        st.sampled_from(["quiet", "stopped", "awake", "reported", "busy", "no_worker"]), st.text()
    ),
)
def test_whatever_a_host_answers_only_success_zero_and_the_right_word_confirm(
    action: Action, status: str, exit_code: int | None, result: str
) -> None:
    judgement = judge(action, invocation(status, exit_code, says(result)))
    words = {action.result, "stopped"} if action is Action.QUIET else {action.result}
    right = (status, exit_code) == ("success", 0) and result in words
    assert (judgement.verdict in CONFIRMED) is right


BESIDE_AN_ANSWER = st.one_of(st.just(""), st.text(max_size=40), st.just("\n----------ERROR-------\n"))


@given(
    before=BESIDE_AN_ANSWER,
    cut=st.integers(0, 20),
    after=BESIDE_AN_ANSWER,
    result=st.sampled_from(["quiet", "busy"]),
)
def test_any_output_is_read_without_an_error_and_only_a_whole_last_line_of_stdout_confirms(
    before: str, cut: int, after: str, result: str
) -> None:
    answer = says(result)
    output = f"{before}\n{answer[: len(answer) - cut]}{after}"
    judgement = judge(Action.QUIET, invocation(output=output))
    stdout = output.split("\n----------ERROR-------")[0].strip()
    whole = bool(stdout) and stdout.splitlines()[-1].strip() == says("quiet")
    assert (judgement.verdict in CONFIRMED) is whole


def test_a_status_that_is_not_known_never_counts_as_an_end() -> None:
    with pytest.raises(ValueError, match="surprise"):
        judge(Action.QUIET, invocation("surprise", output=says("quiet")))


def test_what_stands_in_stderr_is_not_the_answer() -> None:
    joined = says("busy") + "\n----------ERROR-------\n" + says("quiet")
    answer = parse_answer(joined)
    assert answer is not None
    assert answer.result == "busy"


@pytest.mark.parametrize("said", ["Delivery Timed Out", "DeliveryTimedOut", "delivery-timed-out"])
def test_the_services_spellings_are_one(said: str) -> None:
    assert normalise(said) == "deliverytimedout"
    assert normalise("Canceled") == normalise("Cancelled") == "cancelled"


def unsent(**changes: Any) -> Instance:
    fields: dict[str, Any] = {"id": "i-1", "group": "workers", "launched_at": LONG_AGO, "running": True}
    return Instance(**{**fields, **changes})


def judged_unsent(
    instance: Instance,
    *,
    managed: bool,
    refusal: str | None = None,
    waited: timedelta = timedelta(minutes=30),
) -> Judgement:
    return judge_unsent(instance, managed=managed, refusal=refusal, waited=waited, now=START)


def test_an_instance_without_an_agent_is_unreachable_and_will_stay_so() -> None:
    judgement = judged_unsent(unsent(), managed=False)
    assert (judgement.verdict, judgement.transient) == (Verdict.UNREACHABLE, False)
    assert "its SSM agent is not registered" in judgement.reason


def test_a_new_instance_is_given_time_to_register_its_agent() -> None:
    just_launched = unsent(launched_at=START - STARTS_WITHIN + timedelta(seconds=1))
    assert judged_unsent(just_launched, managed=False).transient


def test_an_instance_that_ssm_does_not_list_at_the_start_may_only_be_hidden_for_a_moment() -> None:
    assert judged_unsent(unsent(), managed=False, waited=timedelta(seconds=60)).transient


def test_an_instance_that_still_starts_is_waited_for() -> None:
    judgement = judged_unsent(unsent(running=False), managed=False)
    assert (judgement.verdict, judgement.transient) == (Verdict.UNCONFIRMED, True)


def test_an_instance_that_ssm_refuses_is_listed_with_what_ssm_said() -> None:
    judgement = judged_unsent(unsent(), managed=True, refusal="not in a valid state")
    assert (judgement.verdict, judgement.reason) == (Verdict.UNREACHABLE, "not in a valid state")


@pytest.mark.parametrize(
    "odd",
    [
        {"pid": 7, "state": "quiet", "busy": 1e308},
        {"pid": 10**400, "state": "quiet"},
        {"pid": 7, "state": "quiet\ud800", "tag": "\ud800" * 9_000},
        {"pid": 7, "state": "quiet", "tag": "\x1b[2J\x00" * 9_000, "version": "9" * 9_000},
    ],
)
def test_what_a_host_answers_is_cleaned_and_bounded_where_it_is_read(odd: dict[str, Any]) -> None:
    output = json.dumps({"result": "quiet", "message": "\ud800\x07 done " * 9_000, "processes": [odd] * 20})
    answer = parse_answer(output)
    assert answer is not None
    shown = json.dumps(
        [answer.message, [asdict(process) for process in answer.processes]], ensure_ascii=False
    )
    assert len(shown.encode("utf-8")) < 40_000
    assert answer.message == ("done " * 100)[:500].rstrip()
    assert "\x1b" not in shown
    assert all(process.busy <= 10_000_000 for process in answer.processes)


def test_a_count_below_nothing_is_no_answer() -> None:
    assert parse_answer(says("quiet", processes=[{**IDLE, "busy": -1}])) is None


def test_a_status_says_which_run_has_put_the_workers_to_sleep_and_since_when() -> None:
    slept = {**IDLE, "since": int(START.timestamp())}
    answer = parse_answer(says("reported", processes=[slept, IDLE], asleep_by="quiet-ann"))
    assert answer is not None
    assert answer.asleep_by == "quiet-ann"
    assert [process.since for process in answer.processes] == [START, None]


@pytest.mark.parametrize("name", ["a b", "<!channel>", "x" * 81, 7, None])
def test_what_is_no_name_of_a_run_is_not_shown_as_one(name: object) -> None:
    answer = parse_answer(says("reported", asleep_by=name))
    assert answer is not None
    assert answer.asleep_by == ""


@pytest.mark.parametrize("since", [-1, 0, 10**12, "1764000000"])
def test_a_time_that_no_host_can_have_is_not_known(since: object) -> None:
    answer = parse_answer(says("reported", processes=[{**IDLE, "since": since}]))
    assert answer is not None
    (process,) = answer.processes
    assert (process.since is None) is (since != "1764000000")

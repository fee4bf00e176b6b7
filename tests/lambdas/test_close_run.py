"""close_run: what it reports and cancels after an execution has ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from local_aws.slack.server import TOKEN, SlackServer
from snow_white.model.progress import Progress
from snow_white.model.serialisation import to_json
from snow_white.requester.caller import Caller
from tests.lambdas.aws.test_execution_history import FakeHistory, entered, left
from tests.lambdas.fake_cloud import START
from tests.lambdas.idempotency_table import IdempotencyTable
from tests.lambdas.loaded import Context, Secrets, load
from tests.lambdas.runtime.test_run_end import FAILED
from tests.lambdas.slack.run_notifier import ARN, CONFIRMED, LATER, at_end, messages, notifier_on, run, shown

CONFIRMED_REPORT = {**CONFIRMED, "started_at": FAILED["started_at"], "ended_at": FAILED["ended_at"]}
ENDS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "ABORTED": "ExecutionAborted",
    "TIMED_OUT": "ExecutionTimedOut",
}
YELLOW = "#ecb22e"


class NoRegions:
    """Fails a test in which commands would be cancelled."""

    def ssm(self, region: str) -> Any:
        raise AssertionError(f"{region} was asked")


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, server: SlackServer, sleeps: list[float]) -> ModuleType:
    function = load(monkeypatch, server, "close_run", IdempotencyTable())
    monkeypatch.setattr(function, "regions", NoRegions())
    return function


def close(
    function: ModuleType,
    status: str,
    *history: dict[str, Any],
    seconds: float = 300,
    stopped: datetime = LATER,
    redrives: int = 0,
    stop: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Call the function with the end of an execution whose newest history events are `history`.

    `stop` is the error and the cause with which it was stopped.
    """
    end = {"type": ENDS[status], **({"executionAbortedEventDetails": stop} if stop else {})}
    vars(function)["step_functions"] = FakeHistory([end, *history])
    detail = {
        "status": status,
        "executionArn": ARN,
        "name": "night-1",
        "startDate": int(START.timestamp() * 1000),
        "stopDate": int(stopped.timestamp() * 1000),
        "redriveCount": redrives,
    }
    done: dict[str, Any] = function.handler({"detail": detail}, Context(seconds))
    return done


def started(server: SlackServer) -> dict[str, Any]:
    """The state of a run whose start was announced."""
    return to_json(notifier_on(server).announce(run(requested_by="pipeline night"), START))


def finished(server: SlackServer, report: dict[str, Any]) -> dict[str, Any]:
    """The state of a run that has announced its end."""
    ran = notifier_on(server).announce(run(requested_by="pipeline night"), START)
    return notifier_on(server).end(at_end(ran, report))


def test_a_confirmed_end_is_announced_if_its_last_step_failed(
    function: ModuleType, server: SlackServer
) -> None:
    judged = {**started(server), "report": CONFIRMED_REPORT}
    done = close(
        function, "SUCCEEDED", entered("Done", {**judged, "slack_error": {"Error": "Lambda.Unknown"}})
    )
    assert done["slack"]["told"] == ["C0LOCAL"]
    first, reply = messages(server)
    assert "3 workers quiet" in first["text"]
    assert reply["thread_ts"] == first["ts"]
    assert len(function.events.entries) == 1


def test_a_failed_end_is_announced_with_its_own_report_if_its_last_step_failed(
    function: ModuleType, server: SlackServer
) -> None:
    judged = {**started(server), "plan": [], "report": FAILED}
    close(function, "FAILED", entered("NotConfirmed", {**judged, "slack_error": {"Error": "Lambda.Unknown"}}))
    assert "i-0abc" in shown(messages(server)[0])


@pytest.mark.parametrize(("status", "report"), [("SUCCEEDED", CONFIRMED_REPORT), ("FAILED", FAILED)])
def test_an_announced_end_is_not_announced_again(
    function: ModuleType, server: SlackServer, status: str, report: dict[str, Any]
) -> None:
    state = {**finished(server, report), "plan": []}
    before = messages(server)
    close(function, status, left("NotifySlack", state))
    assert messages(server) == before
    assert function.events.entries == []


def test_commands_of_a_successful_run_are_not_cancelled(function: ModuleType, server: SlackServer) -> None:
    state = finished(server, CONFIRMED_REPORT)
    assert state["plan"], "there would be something to cancel"
    assert "cancelled" not in close(function, "SUCCEEDED", left("NotifySlack", state))


@pytest.mark.parametrize(("answer", "calls"), [("error", 6), ("rate_limited", 2), ("down", 6)])
def test_only_the_places_that_slack_could_not_be_reached_for_are_retried(
    function: ModuleType, server: SlackServer, sleeps: list[float], answer: str, calls: int
) -> None:
    asked = run(slack_user="U0BEN", requested_by="pipeline night")
    ran = notifier_on(server).announce(asked, START)
    state = notifier_on(server).end(at_end(ran, CONFIRMED_REPORT))
    state["slack"]["unreached"] = ["U0BEN"]
    state["report"]["slack"] = {"delivered": False, "told": ["C0LOCAL"], "not_told": ["Slack was down."]}
    before = len(messages(server))
    server.workspace.fail_next(calls=calls, answer=answer, retry_after=1_000)
    done = close(function, "SUCCEEDED", left("NotifySlack", state))
    assert done["slack"] == {"delivered": True, "told": ["C0LOCAL", "U0BEN"], "not_told": []}
    (again,) = messages(server)[before:]
    assert again["channel"].startswith("D")
    assert [pause for pause in sleeps if pause >= 30] == [30, 60], "the first retry is too early"
    assert function.events.entries == [], "the run itself has announced its end"


@pytest.mark.parametrize("seconds", [300, 70])
def test_the_retries_end_before_the_function_times_out(
    function: ModuleType, server: SlackServer, sleeps: list[float], seconds: float
) -> None:
    judged = {**started(server), "report": CONFIRMED_REPORT}
    server.workspace.fail_next(calls=10_000, answer="error")
    done = close(function, "SUCCEEDED", entered("Done", judged), seconds=seconds)
    assert done["slack"]["told"] == []
    assert sum(sleeps) < seconds
    assert len(function.events.entries) == 1


def test_a_permanent_error_of_slack_is_not_retried(
    function: ModuleType, server: SlackServer, sleeps: list[float]
) -> None:
    judged = to_json(run(channel="C0NOWHERE", requested_by="pipeline night"))
    done = close(function, "SUCCEEDED", entered("Done", {**judged, "report": CONFIRMED_REPORT}))
    assert sleeps == []
    assert done["slack"]["told"] == ["C0LOCAL"], "the channel of the settings"
    assert "C0NOWHERE: channel_not_found" in done["slack"]["not_told"][0]


def test_a_refused_token_is_read_anew_since_it_may_have_been_replaced(
    monkeypatch: pytest.MonkeyPatch, function: ModuleType, server: SlackServer, sleeps: list[float]
) -> None:
    judged = {**started(server), "report": CONFIRMED_REPORT}
    monkeypatch.setattr("runtime.slack_token._secrets", Secrets("xoxb-old", TOKEN))
    done = close(function, "SUCCEEDED", entered("Done", judged))
    assert done["slack"]["told"] == ["C0LOCAL"]
    assert sleeps == [30]


def test_a_token_that_stays_refused_is_named_when_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch, function: ModuleType, server: SlackServer, sleeps: list[float]
) -> None:
    judged = {**started(server), "report": CONFIRMED_REPORT}
    monkeypatch.setattr("runtime.slack_token._secrets", Secrets("xoxb-old"))
    done = close(function, "SUCCEEDED", entered("Done", judged))
    assert (done["slack"]["delivered"], done["slack"]["told"]) == (False, [])
    assert "invalid_auth" in done["slack"]["not_told"][0]
    assert sleeps == [30, 60, 90]


def test_a_duplicate_event_is_ignored(function: ModuleType, server: SlackServer) -> None:
    state = {**started(server), "plan": []}
    for _ in range(2):
        close(function, "ABORTED", entered("WaitForWorkers", state))
    assert len([one for one in messages(server) if one.get("thread_ts")]) == 1
    assert len(function.events.entries) == 1


def test_the_second_end_of_a_redriven_execution_is_announced_too(
    function: ModuleType, server: SlackServer
) -> None:
    state = {**started(server), "plan": []}
    for minutes in range(2):
        close(
            function,
            "ABORTED",
            entered("WaitForWorkers", state),
            stopped=LATER + timedelta(minutes=minutes),
            redrives=minutes,
        )
    assert len([one for one in messages(server) if one.get("thread_ts")]) == 2


def halfway(server: SlackServer) -> dict[str, Any]:
    """The state of a run that has sent its command and confirmed one of three instances."""
    ran = replace(run(requested_by="ann"), dispatched_at=START, progress=Progress(1, 3))
    return {**to_json(notifier_on(server).announce(ran, START)), "plan": []}


def test_a_run_that_was_stopped_is_yellow_and_says_who_stopped_it_how_far_it_was_and_how_to_wake_it(
    function: ModuleType, server: SlackServer
) -> None:
    stop = {"error": "StoppedByPerson", "cause": "Stopped on the command line by ann."}
    close(function, "ABORTED", entered("WaitForWorkers", halfway(server)), stop=stop)
    first, reply = messages(server)
    assert first["text"] == "⏹ shop: stopped by ann at 1 of 3"
    assert first["attachments"][0]["color"] == YELLOW
    assert "*Asleep: 1 instance.* They take no new jobs." in shown(first)
    assert "*Not confirmed asleep: 2 instances.*" in shown(first)
    assert "```snow-white wake shop```" in shown(first)
    assert reply["text"] == "<@U0ANN> ⏹ shop: stopped by ann at 1 of 3"
    assert "Snow White itself failed" not in shown(first)


def test_a_run_that_was_stopped_while_it_sent_its_first_commands_says_how_to_wake_who_got_them(
    function: ModuleType, server: SlackServer
) -> None:
    planned = replace(run(requested_by="ann"), progress=Progress(0, 3))
    state = {**to_json(notifier_on(server).announce(planned, START)), "plan": []}
    close(function, "ABORTED", entered("DispatchCommand", state))
    first, _ = messages(server)
    assert "at 0 of 3" in first["text"]
    assert "*Not confirmed asleep: 3 instances.*" in shown(first)
    assert "```snow-white wake shop```" in shown(first)


def test_who_stopped_a_run_is_looked_up_if_the_cause_does_not_say_it(
    function: ModuleType, server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    def look_up(_client: object, _execution: object, at: datetime) -> Caller:
        asked.append(at)
        return Caller("ben@example.com (Deploy)")

    monkeypatch.setattr("runtime.notifier.find_stopper", look_up)
    close(function, "ABORTED", entered("WaitForWorkers", halfway(server)))
    assert messages(server)[0]["text"] == "⏹ shop: stopped by ben@example.com (Deploy) at 1 of 3"
    assert asked == [LATER]


def test_who_stopped_a_run_is_added_once_cloudtrail_shows_it(
    function: ModuleType, server: SlackServer, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([None, None, Caller("ben")])
    monkeypatch.setattr("runtime.notifier.find_stopper", lambda *_: next(answers))
    close(function, "ABORTED", entered("WaitForWorkers", halfway(server)))
    first, reply = messages(server)
    assert first["text"] == "⏹ shop: stopped by ben at 1 of 3"
    assert "⏹ shop: stopped at 1 of 3" in shown(first["edits"])
    assert reply["text"] == "<@U0ANN> ⏹ shop: stopped at 1 of 3"
    assert sleeps == [30, 60]


def test_a_run_that_timed_out_is_yellow_and_says_how_far_it_was(
    function: ModuleType, server: SlackServer
) -> None:
    close(function, "TIMED_OUT", entered("WaitForWorkers", halfway(server)))
    first, _ = messages(server)
    assert first["text"] == "⏱ shop: out of time at 1 of 3"
    assert first["attachments"][0]["color"] == YELLOW

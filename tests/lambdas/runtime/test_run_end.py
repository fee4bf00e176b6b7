"""Reporting a run's end: the event, and the complete report in Slack and in the log."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError
from hypothesis import example, given
from hypothesis import strategies as st

from local_aws.slack.server import SlackServer
from runtime.run_end import complete_announcement, report_end
from snow_white.model.ended_run import EndedRun, StepError
from snow_white.model.reminder import Reminder
from snow_white.model.report import Report
from snow_white.model.run import Execution
from snow_white.model.serialisation import from_json, to_json
from snow_white.model.slack_state import Post, SlackState
from snow_white.model.stated_request import StatedRequest
from snow_white.reporting.build import failure_report
from snow_white.reporting.errors import read_error
from snow_white.reporting.event import publish, run_ended
from snow_white.slack.message import Message
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START
from tests.lambdas.slack.run_notifier import ARN, CONFIRMED, LATER, PROBLEM, messages, notifier_on, run

EXECUTION = Execution(ARN, "night-1", START)
FAILED = {
    **CONFIRMED,
    "result": "not_confirmed",
    "error": "NotConfirmed",
    "cause": "x" * 10_000,
    "counts": {"quiet": 2, "busy": 1},
    "problems": [PROBLEM],
    "more_problems": 4,
    "started_at": START.isoformat(),
    "ended_at": LATER.isoformat(),
}


@dataclass
class FakeEvents(FakeClient, services=("events",)):
    """An event bus that accepts events, refuses them, or cannot be reached."""

    refuses: bool = False
    down: bool = False
    entries: list[dict[str, Any]] = field(default_factory=list)

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://events.example")
        self.entries += Entries
        refusal = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Slow down"}
        return {"FailedEntryCount": int(self.refuses), "Entries": [refusal if self.refuses else {}]}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "snow-white")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "SnowWhite")


def end(server: SlackServer, state: dict[str, Any], events: FakeEvents) -> dict[str, Any]:
    logger = Logger(service="snow-white")
    ended = from_json(state, EndedRun)
    return to_json(report_end(ended, notifier_on(server).notifier(), events, logger, LATER))  # type: ignore[arg-type]


def test_the_event_has_the_documented_shape() -> None:
    detail = run_ended(from_json(FAILED, Report), EXECUTION)
    assert detail.keys() == {
        "version", "result", "error", "cause", "action", "application", "environments", "regions", "requested_by",
        "execution", "started_at", "ended_at", "duration_seconds", "instances", "counts", "problems",
        "auto_scaling_groups", "tags", "instance_ids", "groups",
    }  # fmt: skip
    assert detail["version"] == 1
    assert detail["execution"] == {"arn": ARN, "name": "night-1"}
    assert detail["problems"] == 5
    assert len(detail["cause"]) == 4_000


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


ASKED = ["action", "application", "environments", "regions"]
HUGE: list[dict[str, Any]] = [
    {key: ["\N{SNOWMAN}\N{SNOWFLAKE}" * 128] * 500 for key in ASKED},
    dict.fromkeys(ASKED, "\N{SLEEPING FACE}" * 300_000),
    {key: {"x" * 300_000: 1} for key in ASKED},
    {key: int("9" * 4_000) for key in ASKED},
]


@example(HUGE[0])
@example(HUGE[1])
@example(HUGE[2])
@example(HUGE[3])
@given(st.dictionaries(st.sampled_from(ASKED), ANYTHING))
def test_the_event_of_any_invalid_request_is_small_and_has_simple_values(request: Any) -> None:
    huge = {**request, "requested_by": ["x" * 300_000] * 3}
    report = failure_report(StatedRequest.read(huge), EXECUTION, "InvalidRequest", "No.", LATER)
    detail = run_ended(report, EXECUTION)
    assert len(json.dumps(detail)) < 100_000
    assert len(json.dumps(to_json(report))) < 150_000, "the state carries it, beside the request"
    for key in ASKED:
        values = detail[key] if isinstance(detail[key], tuple) else [detail[key]]
        assert all(one is None or isinstance(one, str | int) for one in values)


def test_the_event_has_all_environments_of_a_large_application() -> None:
    names = [f"{number:040}" for number in range(500)]
    assert run_ended(from_json({**FAILED, "environments": names}, Report), EXECUTION)[
        "environments"
    ] == tuple(names)


def test_a_long_error_message_is_cut() -> None:
    cause = json.dumps({"errorType": "x" * 999, "errorMessage": "It is wrong. " * 9_000})
    name, sentence = read_error(StepError("x" * 999, cause))
    assert (len(name), len(sentence) < 5_000) == (256, True)
    assert "It is wrong. It is wrong." in sentence
    assert sentence.endswith("…")
    assert len(read_error(StepError("InvalidRequest", cause))[1]) == 4_000


def test_the_event_has_a_source_a_detail_type_and_the_execution() -> None:
    events = FakeEvents()
    assert publish(events, from_json(FAILED, Report), EXECUTION) is None  # type: ignore[arg-type]
    (entry,) = events.entries
    assert (entry["Source"], entry["DetailType"]) == ("snow-white", "Snow White Run Ended")
    assert entry["Resources"] == [ARN]
    assert json.loads(entry["Detail"])["result"] == "not_confirmed"


@pytest.mark.parametrize(
    ("events", "reason"),
    [(FakeEvents(refuses=True), "Slow down"), (FakeEvents(down=True), "could not be sent")],
)
def test_a_failure_to_send_the_event_does_not_fail_the_run(
    server: SlackServer, events: FakeEvents, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state = {**to_json(run()), "report": FAILED}
    report = end(server, state, events)["report"]
    assert report["result"] == "not_confirmed"
    assert report["slack"]["told"] == ["C0LOCAL"]
    assert reason in str(publish(events, from_json(FAILED, Report), EXECUTION))  # type: ignore[arg-type]


def test_the_report_begins_with_a_summary_and_has_advice(server: SlackServer) -> None:
    report = end(server, {**to_json(run()), "report": FAILED}, FakeEvents())["report"]
    assert next(iter(report)) == "summary"
    assert report["summary"] == "shop: 2 of 3 quiet, 1 still busy"
    assert report["what_to_do"].keys() == {"busy"}


@pytest.mark.parametrize(
    ("request_", "shown_as"),
    [
        ({"slack_user": "U0ANN", "requested_by": "Slack user ann (U0ANN)"}, "Slack user ann (U0ANN)"),
        ({"slack_user": "U0ANN"}, "Slack user U0ANN"),
        ({"slack_user": "U0ANN", "requested_by": "pipeline night"}, "pipeline night"),
    ],
)
def test_the_requester_from_slack_is_in_the_report_the_event_and_the_log(
    server: SlackServer, request_: dict[str, str], shown_as: str, caplog: pytest.LogCaptureFixture
) -> None:
    events = FakeEvents()
    judged = {**FAILED, "requested_by": request_.get("requested_by")}
    report = end(server, {**to_json(run(**request_)), "report": judged}, events)["report"]
    assert report["requested_by"] == shown_as
    assert json.loads(events.entries[0]["Detail"])["requested_by"] == shown_as
    assert vars(caplog.records[-1])["report"]["requested_by"] == shown_as


def test_a_run_that_an_error_ended_is_reported_with_the_error_s_message(server: SlackServer) -> None:
    cause = json.dumps({"errorType": "InvalidRequest", "errorMessage": "'action' is missing."})
    state = {
        "request": {"application": "shop", "channel": 7, "slack_user": ["x"], "direct_message": "yes"},
        "execution": to_json(EXECUTION),
        "error": {"Error": "InvalidRequest", "Cause": cause},
    }
    report = end(server, state, FakeEvents())["report"]
    assert (report["result"], report["error"], report["cause"]) == (
        "not_confirmed",
        "InvalidRequest",
        "'action' is missing.",
    )
    assert report["slack"]["told"] == []
    assert report["slack"]["not_told"]


@pytest.mark.parametrize("raw", [None, [], "quiet", 7, {"action": "sleep"}])
def test_a_request_that_is_not_a_json_object_gets_a_report(server: SlackServer, raw: object) -> None:
    state = {
        "request": raw,
        "execution": to_json(EXECUTION),
        "error": {"Error": "States.Timeout"},
    }
    report = end(server, state, FakeEvents())["report"]
    assert (
        report["cause"]
        == "Snow White itself failed and confirmed nothing: States.Timeout: no cause was given"
    )
    assert report["slack"]["delivered"] is True


class Scheduled:
    """Stands for ScheduledRuns: what was called, with the number of the run's messages in Slack."""

    def __init__(self) -> None:
        self.called: list[tuple[str, int]] = []

    def after_end(self, ended: EndedRun, report: Report) -> None:
        assert report.summary
        self.called.append(("end", len(ended.slack.posts)))

    def after_announcement(self, ended: EndedRun, report: Report) -> None:
        assert report.summary
        self.called.append(("announcement", len(ended.slack.posts)))


def test_looks_are_scheduled_when_slack_has_been_told_so_that_they_know_its_messages(
    server: SlackServer,
) -> None:
    scheduled = Scheduled()
    ended = replace(from_json(to_json(run()), EndedRun), slack=SlackState())
    after = report_end(
        ended,
        notifier_on(server).notifier(),
        FakeEvents(),  # type: ignore[arg-type]
        Logger(service="snow-white"),
        LATER,
        scheduled=scheduled,  # type: ignore[arg-type]
    )
    assert scheduled.called == [("end", 0), ("announcement", len(after.slack.posts))]
    assert after.slack.posts


@pytest.fixture
def look(server: SlackServer) -> EndedRun:
    """A look that has found a worker asleep, at the messages of its run in a channel and to a member."""
    posts = [notifier_on(server).slack.post(place, Message("before")) for place in ("C0LOCAL", "U0ANN")]
    reminder = Reminder("1764000000 quiet-ann", START, 1, 3_600, tuple(filter(None, posts)))
    asleep = {
        "instance": "i-1",
        "verdict": "reported",
        "asleep_by": "quiet-ann",
        "processes": [{"pid": 7, "state": "quiet"}],
    }
    found = {**CONFIRMED, "action": "status", "counts": {"reported": 1}, "hosts": [asleep]}
    request = replace(StatedRequest.of(run().request), action="status", reminder=reminder)
    return EndedRun(EXECUTION, request, report=from_json(found, Report))


def replies(server: SlackServer) -> list[str]:
    """The places whose thread was told that somebody sleeps."""
    told = [one for one in messages(server) if one.get("thread_ts")]
    assert all("still sleeps" in one["text"] for one in told)
    return [one["channel"] for one in told]


def reported(look: EndedRun, server: SlackServer) -> EndedRun:
    """The look when its end was reported, as the history of its execution shows it."""
    events: Any = FakeEvents()
    logger = Logger(service="snow-white")
    after = report_end(look, notifier_on(server).notifier(), events, logger, LATER)
    return from_json(json.loads(json.dumps(to_json(after))), EndedRun)


def test_a_reminder_that_slack_did_not_take_is_tried_again(
    server: SlackServer, look: EndedRun, sleeps: list[float]
) -> None:
    server.workspace.fail_next(calls=3, answer="error", method="chat.postMessage")
    after = reported(look, server)
    assert [post.to for post in after.slack.unreminded] == ["C0LOCAL"]
    assert len(replies(server)) == 1, "the member was told"
    server.workspace.fail_next(calls=3, answer="error", method="chat.postMessage")
    sleeps.clear()
    completed = complete_announcement(after, lambda: notifier_on(server).notifier())
    assert [pause for pause in sleeps if pause >= 30] == [30, 60], "the first retry is too early"
    assert completed.slack.unreminded == ()
    assert sorted(replies(server))[0] == "C0LOCAL"
    assert len(replies(server)) == 2, "nobody is told twice"


def test_a_reminder_that_slack_refuses_is_not_tried_again(
    server: SlackServer, look: EndedRun, sleeps: list[float]
) -> None:
    assert look.request.reminder is not None
    lost = replace(look.request.reminder, posts=(Post("C0NOWHERE", "C0NOWHERE", "1.000001"),))
    after = reported(replace(look, request=replace(look.request, reminder=lost)), server)
    assert after.slack.unreminded == ()
    complete_announcement(after, lambda: notifier_on(server).notifier())
    assert sleeps == []

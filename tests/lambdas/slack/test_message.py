"""A run's Slack messages: snapshots of whole messages, and Slack's limits for any input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.slack.limits import check
from local_aws.slack.server import TOKEN, SlackServer
from snow_white.model.action import Action
from snow_white.model.fleet import Environment, RegionPlan
from snow_white.model.report import Report
from snow_white.model.run import Execution, Progress, Run
from snow_white.model.serialisation import from_json
from snow_white.model.slack_state import Requester
from snow_white.model.stragglers import Straggler, Stragglers
from snow_white.model.verdict import Verdict
from snow_white.slack.client import Slack, slack_client
from snow_white.slack.message import Message, final_message, final_reply, working_message
from snow_white.slack.text import duration, escaped, length, progress_bar
from snow_white.slack.time_limit import TimeLimit
from tests.lambdas.fake_cloud import START
from tests.lambdas.story import request

SNAPSHOTS: Final = Path(__file__).parent / "snapshots"
ARN: Final = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1"
EXECUTION: Final = Execution(ARN, "night-1", START)
PLAN: Final = (
    RegionPlan(
        "us-east-1", (Environment("shop-workers", "e-1"), Environment("shop-mail-workers", "e-2")), 30
    ),
    RegionPlan("eu-west-1", (Environment("shop-workers", "e-3"),), 10),
)
REPORT: Final[dict[str, Any]] = {
    "result": "confirmed",
    "error": None,
    "cause": None,
    "action": "quiet",
    "application": "shop",
    "environments": ["shop-mail-workers", "shop-workers"],
    "regions": ["us-east-1", "eu-west-1"],
    "instances": 40,
    "counts": {"quiet": 40},
    "problems": [],
    "more_problems": 0,
    "duration_seconds": 12_000,
}


def problem(instance: str, verdict: str, reason: str, **changes: Any) -> dict[str, Any]:
    where = {"region": "us-east-1", "environment": "shop-workers"}
    return {**where, "instance": instance, "verdict": verdict, "reason": reason, "processes": [], **changes}


def busy(*tags: tuple[int, str, int]) -> list[dict[str, Any]]:
    return [{"pid": pid, "tag": tag, "busy": jobs, "state": "quieting"} for pid, tag, jobs in tags]


NOT_CONFIRMED: Final[dict[str, Any]] = {
    **REPORT,
    "result": "not_confirmed",
    "error": "NotConfirmed",
    "cause": "37 of 40 instances are confirmed quiet.",
    "counts": {"quiet": 37, "busy": 2, "unreachable": 1},
    "problems": [
        problem(
            "i-0abc", "busy", "jobs were still running", processes=busy((812, "shop", 2), (813, "shop", 0))
        ),
        problem(
            "i-0abe",
            "unreachable",
            "its SSM agent is not registered with Systems Manager",
            region="eu-west-1",
        ),
        problem(
            "i-0abd",
            "busy",
            "jobs <of> mail & co",
            environment="shop-mail-workers",
            processes=busy((9, "", 1), (10, "", 1), (11, "", 1), (12, "", 1)),
        ),
    ],
    "more_problems": 4,
    "duration_seconds": 7_200,
}
INVALID: Final[dict[str, Any]] = {
    **REPORT,
    "result": "not_confirmed",
    "cause": "'action' must be one of quiet, stop, wake, status, not 'sleep'.",
    "action": "sleep",
    "application": None,
    "environments": {"not": "texts"},
    "regions": None,
    "instances": 0,
    "counts": {},
    "duration_seconds": 1,
}


def read(report: dict[str, Any]) -> Report:
    return from_json(report, Report)


def run(**changes: Any) -> Run:
    asked = request(Action.QUIET)
    return replace(Run(EXECUTION, asked, PLAN, progress=Progress(0, 40)), **changes)


def long_run() -> Run:
    listed = (
        Straggler("us-east-1", "shop-workers", "i-0abc", 3),
        Straggler("us-east-1", "shop-workers", "i-0abd", 1),
    )
    stragglers = Stragglers(listed=listed, more=1, known_at=START + timedelta(minutes=12))
    return run(progress=Progress(37, 40), dispatched_at=START, stragglers=stragglers)


MESSAGES: Final = {
    "waiting_for_regions": working_message(
        run(plan=(), progress=Progress(), waiting_for={"eu-west-1": "eu-west-1: Rate exceeded <x>"}),
        Requester("ann", "U0ANN"),
        START + timedelta(seconds=2),
    ),
    "start": working_message(run(), Requester("the pipeline shop-deploy"), START + timedelta(seconds=2)),
    "still_busy": working_message(long_run(), Requester("ann", "U0ANN"), START + timedelta(seconds=725)),
    "confirmed": final_message(read(REPORT), Requester("ann", why_unknown="ann has no tag"), EXECUTION),
    "not_confirmed": final_message(read(NOT_CONFIRMED), Requester(member="U0ANN"), EXECUTION),
    "invalid_request": final_message(read(INVALID), Requester(), EXECUTION),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_equals_its_snapshot(name: str) -> None:
    expected = json.loads((SNAPSHOTS / f"slack_{name}.json").read_text())
    assert json.loads(json.dumps(asdict(MESSAGES[name]))) == expected


def test_every_snapshot_belongs_to_a_message() -> None:
    assert {path.stem.removeprefix("slack_") for path in SNAPSHOTS.glob("slack_*.json")} == set(MESSAGES)


@pytest.fixture
def slack() -> Iterator[Slack]:
    server = SlackServer()
    server.start()
    yield Slack(slack_client(TOKEN, server.url, TimeLimit()))
    server.stop()


@pytest.mark.parametrize("name", MESSAGES)
def test_slack_accepts_the_message_that_the_real_client_sends(name: str, slack: Slack) -> None:
    assert slack.post("C0LOCAL", MESSAGES[name])
    assert slack.failures == []


LETTERS: Final = st.text(max_size=30) | st.text(alphabet="&<>`😀*_\n", max_size=30)
TEXTS: Final = st.builds(
    lambda letters, times: letters * times, LETTERS, st.sampled_from([1, 1, 2, 30, 1_000])
)
COUNTS: Final = st.integers(0, 10**7)
PROCESSES: Final = st.lists(
    st.fixed_dictionaries({"pid": COUNTS, "tag": TEXTS, "busy": COUNTS, "state": st.just("quieting")}),
    max_size=5,
)
PROBLEMS: Final = st.lists(
    st.fixed_dictionaries(
        {
            "region": TEXTS,
            "environment": TEXTS,
            "instance": TEXTS,
            "verdict": st.sampled_from([one.value for one in Verdict]),
            "reason": TEXTS,
            "processes": PROCESSES,
        }
    ),
    max_size=30,
).flatmap(lambda some: st.sampled_from([some, some * 3]))
ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | COUNTS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
)
REPORTS: Final = st.fixed_dictionaries(
    {
        "result": st.sampled_from(["confirmed", "not_confirmed"]),
        "error": st.none() | TEXTS,
        "cause": st.none() | TEXTS,
        "action": ANYTHING | st.sampled_from(list(Action)),
        "application": ANYTHING,
        "environments": ANYTHING | st.lists(TEXTS, max_size=60),
        "regions": ANYTHING,
        "instances": COUNTS,
        "counts": st.dictionaries(st.sampled_from([one.value for one in Verdict]), COUNTS),
        "problems": PROBLEMS,
        "more_problems": COUNTS,
        "duration_seconds": COUNTS,
    }
)
REQUESTERS: Final = st.builds(Requester, name=TEXTS, member=st.none() | st.just("U024BE7LH"))


def check_limits(message: Message) -> None:
    assert length(message.text) <= 300
    check({"text": message.text, "attachments": list(message.attachments)})


@given(report=REPORTS, requester=REQUESTERS)
def test_the_end_of_any_run_stays_within_slacks_limits(report: dict[str, Any], requester: Requester) -> None:
    check_limits(final_message(read(report), requester, EXECUTION))
    reply = final_reply(read(report), requester)
    assert 0 < length(reply) <= 3_000


@given(
    application=TEXTS,
    environments=st.lists(TEXTS, max_size=80),
    progress=st.builds(Progress, COUNTS, COUNTS),
    stragglers=st.lists(st.builds(Straggler, TEXTS, TEXTS, TEXTS, st.none() | COUNTS), max_size=30),
    requester=REQUESTERS,
)
def test_the_progress_of_any_run_stays_within_slacks_limits(
    application: str,
    environments: list[str],
    progress: Progress,
    stragglers: list[Straggler],
    requester: Requester,
) -> None:
    running = run(
        request=request(Action.STOP, application=application),
        plan=(RegionPlan("us-east-1", tuple(Environment(name, "e-1") for name in environments)),),
        progress=progress,
        stragglers=Stragglers(listed=tuple(stragglers), known_at=START),
        dispatched_at=START,
    )
    check_limits(working_message(running, requester, START))


@given(problems=PROBLEMS, more=st.integers(0, 500))
def test_every_problem_is_shown_or_counted(problems: list[dict[str, Any]], more: int) -> None:
    plain = [
        {**one, "reason": "r", "environment": "e", "region": "us", "instance": "i-1"} for one in problems
    ]
    report = {**NOT_CONFIRMED, "problems": plain, "more_problems": more}
    blocks = final_message(read(report), Requester(), EXECUTION).attachments[0]["blocks"]
    texts = [block["text"]["text"] for block in blocks if "text" in block]
    shown = sum(text.count("• ") for text in texts)
    (hidden,) = [int(text.split()[1]) for text in texts if text.startswith("and ")] or [0]
    assert shown + hidden == len(problems) + more or not problems
    assert shown >= min(len(problems), 5)


@given(text=TEXTS, limit=st.integers(10, 400))
def test_escaped_text_mentions_nobody_and_is_never_cut_inside_an_entity(text: str, limit: int) -> None:
    safe = escaped(text, limit)
    assert length(safe) <= limit
    assert not set("<>\n") & set(safe)
    rest = safe.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in rest


@given(part=COUNTS, whole=COUNTS)
def test_the_progress_bar_is_full_only_when_everything_is_done(part: int, whole: int) -> None:
    drawn = progress_bar(part, whole)
    assert len(drawn) == 16
    assert ("░" not in drawn) == (0 < whole <= part)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (725, "12 min 5 s"), (172_800, "48 h 0 min")]
)
def test_a_duration_is_shown_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("action", "colour"),
    [(Action.QUIET, "#3aa3e3"), (Action.WAKE, "#3aa3e3"), (Action.STATUS, "#3aa3e3")],
)
def test_the_message_of_a_running_run_is_blue_for_every_action(action: Action, colour: str) -> None:
    message = working_message(run(request=request(action)), Requester(), START)
    assert message.attachments[0]["color"] == colour

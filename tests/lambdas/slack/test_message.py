"""A run's Slack messages: each kind as a person reads it, and its buttons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.slack.server import TOKEN, SlackServer
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.lease import Lease
from snow_white.model.progress import Progress
from snow_white.model.report import Report
from snow_white.model.run import Execution, Run
from snow_white.model.serialisation import from_json
from snow_white.model.slack_state import Requester
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stragglers import Straggler, Stragglers
from snow_white.reporting.build import failure_report
from snow_white.slack.client import Slack, slack_client
from snow_white.slack.message import Message, final_message, final_reply, working_message
from snow_white.slack.time_limit import TimeLimit
from tests.lambdas.fake_cloud import START
from tests.lambdas.story import request

ARN: Final = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1"
EXECUTION: Final = Execution(ARN, "night-1", START)
PLAN: Final = (
    RegionPlan("us-east-1", (Group("shop-workers", "e-1"), Group("shop-mail-workers", "e-2")), 30),
    RegionPlan("eu-west-1", (Group("shop-workers", "e-3"),), 10),
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
    "more_problems": 0,
    "duration_seconds": 7_200,
}
INVALID: Final[dict[str, Any]] = {
    **REPORT,
    "result": "not_confirmed",
    "error": "InvalidRequest",
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


def ended(**changes: Any) -> EndedRun:
    asked = StatedRequest("quiet", "shop", ("workers",), ("us-east-1", "eu-west-1"))
    return replace(EndedRun(EXECUTION, asked), **changes)


def aborted() -> Report:
    cause = "Stopped on the command line by ann."
    report = failure_report(ended().request, EXECUTION, "RunAborted", cause, START, Progress(12, 40))
    return replace(report, stopped_by="ann")


MESSAGES: Final = {
    "waiting_for_regions": working_message(
        run(plan=(), progress=Progress(), waiting_for={"eu-west-1": "eu-west-1: Rate exceeded <x>"}),
        Requester("ann", "U0ANN"),
    ),
    "start": working_message(run(), Requester("the pipeline shop-deploy")),
    "still_busy": working_message(long_run(), Requester("ann", "U0ANN")),
    "confirmed": final_message(read(REPORT), ended(), Requester("ann", why_unknown="ann has no tag")),
    "not_confirmed": final_message(read(NOT_CONFIRMED), ended(), Requester(member="U0ANN")),
    "aborted": final_message(aborted(), ended(), Requester("ann", "U0ANN"), slash_command=True),
    "out_of_time": final_message(
        failure_report(ended().request, EXECUTION, "RunTimedOut", "Too long.", START, Progress(0, 40)),
        ended(),
        Requester("ann"),
    ),
    "not_started": final_message(
        failure_report(ended().request, EXECUTION, "NothingMatched", "Nothing matches 'x'.", START),
        ended(),
        Requester("ann"),
        slash_command=True,
    ),
    "confirmed_beside_others": final_message(
        read({**REPORT, "action": "stop", "counts": {"stopped": 38, "no_worker": 2, "gone": 1}}),
        ended(),
        Requester("ann"),
    ),
    "invalid_request": final_message(read(INVALID), ended(request=StatedRequest()), Requester()),
}
COLOURS: Final = {"#3aa3e3": "blue", "#ecb22e": "yellow", "#2eb67d": "green", "#e01e5a": "red"}
LINK: Final = (
    "<https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/"
    f"{ARN}|Open the execution>"
)
STARTED: Final = (
    f"*Started*\n<!date^{int(START.timestamp())}^{{date_short_pretty}} {{time}}|2026-03-01 09:00 UTC>"
)
AT_12: Final = f"<!date^{int(START.timestamp()) + 720}^{{date_short_pretty}} {{time}}|2026-03-01 09:12 UTC>"
AT_120: Final = (
    f"<!date^{int(START.timestamp()) + 7_200}^{{date_short_pretty}} {{time}}|2026-03-01 11:00 UTC>"
)
SHOP: Final = ["*Environments*\nshop-mail-workers, shop-workers", "*Regions*\neu-west-1, us-east-1"]
EXPECTED: Final[dict[str, list[str]]] = {
    "waiting_for_regions": [
        "yellow",
        "⏳ shop: quieting, waiting for eu-west-1",
        "░░░░░░░░░░░░░░░░",
        "*Asked by*\n<@U0ANN> (ann)",
        STARTED,
        "*Nothing is sent before these regions answer*\neu-west-1: Rate exceeded &lt;x&gt;",
        LINK,
    ],
    "start": [
        "blue",
        "⏳ shop: quieting, 0 of 40 quiet",
        "░░░░░░░░░░░░░░░░",
        *SHOP,
        "*Asked by*\nthe pipeline shop-deploy",
        STARTED,
        LINK,
    ],
    "still_busy": [
        "yellow",
        "⏳ shop: quieting, 37 of 40 quiet",
        "██████████████░░",
        *SHOP,
        "*Asked by*\n<@U0ANN> (ann)",
        STARTED,
        f"*Deadline*\n{AT_120}",
        f"*3 still busy* ({AT_12})\nEnvironment, instance, running jobs:\n"
        "```workers i-0abc 3\n"
        "workers i-0abd 1```\nand 1 more",
        LINK,
    ],
    "confirmed": [
        "green",
        "✅ shop: 40 workers quiet (3 h 20 min)",
        *SHOP,
        "*Asked by*\nann",
        STARTED,
        LINK,
    ],
    "not_confirmed": [
        "red",
        "❌ shop: 37 of 40 quiet, 2 still busy, 1 unreachable",
        "*Asleep: 37 instances.* They take no new jobs.\n"
        "*Not confirmed asleep: 3 instances.* Those that were told to sleep finish their jobs and take no new ones.\n"
        "To undo:\n```snow-white wake shop```",
        "*2 still busy*\n"
        "Jobs are still running; none was killed. Wait until they have finished, then run quiet again, with a "
        "longer timeout_seconds if needed.\n"
        "Environment, instance, running jobs:\n"
        "```mail-work… i-0abd 4\n"
        "workers    i-0abc 2```",
        "*1 unreachable*\n"
        "Check in Systems Manager, Fleet Manager, that the agent is online and that the instance profile has "
        "AmazonSSMManagedInstanceCore. Repair or terminate the instance, then run quiet again.\n"
        "Its SSM agent is not registered with Systems Manager:\n"
        "```workers i-0abe```",
        *SHOP,
        "*Asked by*\n<@U0ANN>",
        STARTED,
        "*Took*\n2 h",
        LINK,
    ],
    "aborted": [
        "yellow",
        "⏹ shop: stopped by ann at 12 of 40",
        "*Asleep: 12 instances.* They take no new jobs.\n"
        "*Not confirmed asleep: 28 instances.* Those that were told to sleep finish their jobs and take no new ones.\n"
        "To undo:\n```/snow-white wake shop```",
        "*Environments*\nworkers",
        "*Regions*\neu-west-1, us-east-1",
        "*Asked by*\n<@U0ANN> (ann)",
        STARTED,
        "*Took*\n0 s",
        "[Wake] wake shop",
        "[Status] status shop",
        LINK,
    ],
    "out_of_time": [
        "yellow",
        "⏱ shop: out of time at 0 of 40",
        "*Asleep: none.*\n"
        "*Not confirmed asleep: 40 instances.* Those that were told to sleep finish their jobs and take no new ones.\n"
        "To undo:\n```snow-white wake shop```",
        "Too long.",
        "*Environments*\nworkers",
        "*Regions*\neu-west-1, us-east-1",
        "*Asked by*\nann",
        STARTED,
        "*Took*\n0 s",
        LINK,
    ],
    "not_started": [
        "red",
        "❌ shop: quiet did not start: Nothing matches 'x'.",
        "*Environments*\nworkers",
        "*Regions*\neu-west-1, us-east-1",
        "*Asked by*\nann",
        STARTED,
        "*Took*\n0 s",
        "[Status] status shop",
        LINK,
    ],
    "confirmed_beside_others": [
        "green",
        "✅ shop: 38 workers stopped (3 h 20 min)",
        "Not counted: 2 without Sidekiq, 1 gone",
        *SHOP,
        "*Asked by*\nann",
        STARTED,
        LINK,
    ],
    "invalid_request": [
        "red",
        "❌ wrong input: 'action' must be one of quiet, stop, wake, status, not 'sleep'.",
        STARTED,
        "*Took*\n1 s",
        LINK,
    ],
}
"""Each message as a person reads it: its colour, its first line, and the text of each block and field."""


def as_read(message: Message) -> list[str]:
    (attachment,) = message.attachments
    (first,) = message.blocks
    assert first["text"]["text"] == message.text
    parts = [COLOURS[attachment["color"]], message.text]
    for block in attachment["blocks"]:
        texts = [block["text"]] if "text" in block else block.get("fields") or block["elements"]
        if block["type"] == "actions":
            parts += [f"[{button['text']['text']}] {button['value']}" for button in texts]
        else:
            parts += [text["text"] for text in texts]
    return parts


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_reads_as_specified(name: str) -> None:
    assert as_read(MESSAGES[name]) == EXPECTED[name]


def buttons_of(message: Message) -> list[str]:
    return [part for part in as_read(message) if part.startswith("[")]


def test_without_the_slash_command_a_message_has_no_button_and_the_link_is_none() -> None:
    for message in (working_message(long_run(), Requester()), final_message(aborted(), ended(), Requester())):
        assert buttons_of(message) == []
        assert as_read(message)[-1] == LINK


def test_while_a_run_goes_on_it_can_be_stopped_and_the_status_asked_for() -> None:
    asked = request(Action.QUIET, environments_named=True)
    message = working_message(run(request=asked), Requester(), slash_command=True)
    assert buttons_of(message) == ["[Status] status shop workers", f"[Stop this run] {ARN}"]


@pytest.mark.parametrize(
    ("action", "buttons"),
    [
        ("quiet", ["[Wake] wake shop", "[Status] status shop"]),
        ("stop", ["[Wake] wake shop", "[Status] status shop"]),
        ("wake", ["[Status] status shop"]),
        ("status", ["[Status] status shop"]),
        ("sleep", []),
    ],
)
def test_at_the_end_what_sleeps_can_be_woken(action: str, buttons: list[str]) -> None:
    report = read({**REPORT, "action": action})
    assert buttons_of(final_message(report, ended(), Requester(), slash_command=True)) == buttons


def test_what_was_told_nothing_needs_no_waking() -> None:
    report = read({**INVALID, "error": "NothingMatched", "action": "quiet", "application": "shop"})
    message = final_message(report, ended(), Requester(), slash_command=True)
    assert buttons_of(message) == ["[Status] status shop"]


def test_wrong_input_has_no_button() -> None:
    report = read({**INVALID, "action": "quiet", "application": "shop"})
    assert buttons_of(final_message(report, ended(), Requester(), slash_command=True)) == []


def test_slack_asks_before_a_run_is_stopped_or_workers_are_woken() -> None:
    messages = [
        working_message(run(), Requester(), slash_command=True),
        final_message(read(REPORT), ended(), Requester(), slash_command=True),
    ]
    blocks = [block for one in messages for block in one.attachments[0]["blocks"]]
    buttons = [button for block in blocks if block["type"] == "actions" for button in block["elements"]]
    asks = {button["text"]["text"]: "confirm" in button for button in buttons}
    assert asks == {"Status": False, "Stop this run": True, "Wake": True}


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


@given(listed=st.integers(0, 60), more=st.integers(0, 500), jobs=st.integers(0, 30))
def test_of_many_stragglers_ten_are_shown_the_longest_first_and_the_others_counted(
    listed: int, more: int, jobs: int
) -> None:
    stragglers = [
        problem(f"i-{n:017x}", "busy", f"Still running: {n} jobs.", processes=busy((n, "", jobs + n)))
        for n in range(1, listed + 1)
    ]
    counts = {"quiet": 1, "busy": listed + more}
    report = {**NOT_CONFIRMED, "counts": counts, "problems": stragglers, "more_problems": more}
    blocks = final_message(read(report), ended(), Requester()).attachments[0]["blocks"]
    text = "\n".join(block["text"]["text"] for block in blocks if "text" in block)
    shown = [
        int(line.split()[-1]) for line in text.replace("`", "").splitlines() if line.startswith("workers i-")
    ]
    assert shown == [jobs + n for n in range(listed, 0, -1)][:10]
    hidden = listed + more - len(shown)
    assert (f"\nand {hidden} more" in text) == (hidden > 0)


def test_a_line_of_a_table_fits_on_a_phone() -> None:
    where = "shop-an-environment-with-a-long-name"
    one = problem("i-0123456789abcdef0", "busy", "", environment=where, processes=busy((1, "", 999)))
    report = {**NOT_CONFIRMED, "counts": {"busy": 1}, "problems": [one]}
    texts = "\n".join(as_read(final_message(read(report), ended(), Requester())))
    (line,) = [line.strip("`") for line in texts.splitlines() if "i-0123456789abcdef0" in line]
    assert line == "an-enviro… i-0123456789abcdef0 999"
    assert len(line) <= 35


def test_each_reason_is_said_once() -> None:
    stragglers = [problem(f"i-{n}", "unreachable", "its agent is silent") for n in range(30)]
    report = {**NOT_CONFIRMED, "counts": {"unreachable": 30}, "problems": stragglers}
    text = "\n".join(as_read(final_message(read(report), ended(), Requester())))
    assert text.count("ts agent is silent") == 1
    assert "i-9```\nand 20 more" in text


@pytest.mark.parametrize(
    ("action", "colour"),
    [(Action.QUIET, "#3aa3e3"), (Action.WAKE, "#3aa3e3"), (Action.STATUS, "#3aa3e3")],
)
def test_the_message_of_a_running_run_is_blue_for_every_action(action: Action, colour: str) -> None:
    message = working_message(run(request=request(action)), Requester())
    assert message.attachments[0]["color"] == colour


WAKES_AT: Final = START + timedelta(minutes=90)
WAKES: Final = f"<!date^{int(WAKES_AT.timestamp())}^"


def test_a_run_with_a_lease_says_when_its_workers_will_be_woken() -> None:
    run = replace(Run.planned(EXECUTION, request(), PLAN), lease=Lease(WAKES_AT))
    assert WAKES in str(working_message(run, Requester()).attachments)
    report = replace(from_json(REPORT, Report), lease=Lease(WAKES_AT))
    ended = EndedRun(EXECUTION, StatedRequest.of(request()))
    assert WAKES in str(final_message(report, ended, Requester()).attachments)
    assert f"They will be woken {WAKES}" in final_reply(report, Requester())


def test_a_run_whose_lease_could_not_be_arranged_says_why() -> None:
    failed = Lease(failure="EventBridge Scheduler did not take the schedule: <no>")
    run = replace(Run.planned(EXECUTION, request(), PLAN), lease=failed)
    for shown in (
        working_message(run, Requester()),
        final_message(
            replace(from_json(REPORT, Report), lease=failed),
            EndedRun(EXECUTION, StatedRequest.of(request())),
            Requester(),
        ),
    ):
        assert "*Will NOT be woken*" in str(shown.attachments)
        assert "did not take the schedule: &lt;no&gt;" in str(shown.attachments)


def test_a_scheduled_wake_that_found_nobody_to_wake_says_so() -> None:
    report = from_json({**REPORT, "action": "wake", "counts": {"left_alone": 3}, "instances": 3}, Report)
    assert final_reply(report, Requester()) == "✅ shop: nobody to wake: 3 left alone"

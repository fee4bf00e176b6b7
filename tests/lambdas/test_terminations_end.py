"""The end of a run for an instance's termination: who is told, and that the instance may go however the run ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Final

import pytest

from local_aws.slack.server import SlackServer
from snow_white.model.fleet import ENVIRONMENT_NAME_TAG
from snow_white.model.lease import Lease
from snow_white.model.serialisation import to_json
from snow_white.model.termination import LifecycleAction, Notice, Termination
from tests.lambdas.aws.test_execution_history import left
from tests.lambdas.fake_cloud import START, FakeCloud, FakeLifecycleAction, client_error
from tests.lambdas.idempotency_table import IdempotencyTable
from tests.lambdas.loaded import Context, load
from tests.lambdas.runtime.test_run_end import FAILED
from tests.lambdas.slack.run_notifier import CONFIRMED, LATER, at_end, messages, notifier_on, run, shown
from tests.lambdas.test_close_run import CONFIRMED_REPORT, close

TOKEN: Final = "87654321-4321-4321-4321-210987654321"
INSTANCE: Final = "i-0123456789abcdef0"
RUN: Final = run(
    application="",
    environments=(),
    tags={ENVIRONMENT_NAME_TAG: ("shop-workers",)},
    instances=(INSTANCE,),
    requested_by="Amazon EC2 Auto Scaling (backups-blue)",
    termination=Termination(
        Notice.LIFECYCLE_ACTION, LifecycleAction("backups-blue", "SnowWhite", TOKEN, 900)
    ),
)
OF_THE_FLEET: Final = {
    "application": None,
    "tags": ["Role=worker"],
    "instance_ids": [INSTANCE],
    "groups": ["shop-workers"],
}
QUIET: Final = {**CONFIRMED_REPORT, **OF_THE_FLEET, "instances": 1, "counts": {"quiet": 1}}
BUSY: Final = {**FAILED, **OF_THE_FLEET, "instances": 1, "counts": {"busy": 1}, "more_problems": 0}


@dataclass
class Leaving:
    """The function close_run or notify_slack, and Auto Scaling, which waits for the instance."""

    function: ModuleType
    cloud: FakeCloud = field(default_factory=lambda: FakeCloud(("us-east-1",)))
    action: FakeLifecycleAction = field(
        default_factory=lambda: FakeLifecycleAction("backups-blue", "SnowWhite", INSTANCE, START, 900)
    )

    def __post_init__(self) -> None:
        self.cloud["us-east-1"].lifecycle_actions[TOKEN] = self.action
        vars(self.function)["regions"] = self.cloud


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch, server: SlackServer, sleeps: list[float]) -> Leaving:
    return Leaving(load(monkeypatch, server, "close_run", IdempotencyTable()))


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch, server: SlackServer) -> Leaving:
    return Leaving(load(monkeypatch, server, "notify_slack", IdempotencyTable()))


def tell(leaving: Leaving, report: dict[str, Any]) -> dict[str, Any]:
    event = {"step": "NotifySlack", "run": at_end(RUN, report), "redrives": 0}
    after: dict[str, Any] = leaving.function.handler(event, Context(300))
    told: dict[str, Any] = after["report"]
    return told


def test_nobody_is_told_of_an_instance_that_ended_quiet(telling: Leaving, server: SlackServer) -> None:
    report = tell(telling, QUIET)
    assert messages(server) == []
    assert report["lifecycle_action"] == {"completed": True, "over": False, "failures": []}
    assert report["slack"] == {"delivered": False, "told": [], "not_told": []}
    assert telling.action.results == ["CONTINUE"]


def test_neither_is_anybody_told_of_its_start_and_progress(server: SlackServer) -> None:
    after = notifier_on(server).announce(RUN, LATER)
    assert (messages(server), after.slack.posts) == ([], ())


def test_the_channel_is_told_of_an_instance_that_goes_with_jobs_running(
    telling: Leaving, server: SlackServer
) -> None:
    report = tell(telling, BUSY)
    assert telling.action.results == ["CONTINUE"], "its time is over"
    first = messages(server)[0]
    assert "1 still busy" in first["text"]
    assert "look for jobs that were cut off" in report["what_to_do"]["busy"]
    assert "look for jobs that were cut off" in shown(first)
    assert "heartbeat timeout" in shown(first)
    assert "The instance is about to end" in shown(first)
    assert "To undo" not in shown(first)


def test_a_spot_instance_that_goes_with_jobs_running_has_no_hook_to_speak_of(
    telling: Leaving, server: SlackServer
) -> None:
    spot = replace(RUN, request=replace(RUN.request, termination=Termination(Notice.SPOT_INTERRUPTION)))
    event = {"step": "NotifySlack", "run": at_end(spot, BUSY), "redrives": 0}
    report = telling.function.handler(event, Context(300))["report"]
    assert "look for jobs that were cut off" in shown(messages(server)[0])
    assert "hook" not in shown(messages(server)[0])
    assert "lifecycle_action" not in report


def test_the_channel_is_told_of_a_quiet_instance_that_stays_because_auto_scaling_refuses(
    telling: Leaving, server: SlackServer
) -> None:
    telling.cloud["us-east-1"].auto_scaling_down = client_error("AccessDenied", "not authorized", 403)
    report = tell(telling, QUIET)
    assert report["result"] == "confirmed"
    assert "*Lifecycle hook*\\nAuto Scaling did not take the completion" in shown(messages(server)[0])


def test_the_channel_is_told_of_an_instance_that_may_live_on_and_will_not_be_woken(
    telling: Leaving, server: SlackServer
) -> None:
    state = at_end(
        replace(RUN, lease=Lease(failure="EventBridge Scheduler did not take the schedule")), QUIET
    )
    telling.function.handler({"step": "NotifySlack", "run": state, "redrives": 0}, Context(300))
    assert "*Will NOT be woken*" in shown(messages(server)[0])


def test_nobody_is_told_of_a_quiet_instance_whose_hook_somebody_else_has_completed(
    telling: Leaving, server: SlackServer
) -> None:
    telling.action.results.append("CONTINUE")
    report = tell(telling, QUIET)
    assert (messages(server), report["lifecycle_action"]["over"]) == ([], True)


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_the_instance_may_go_however_the_run_has_ended(
    closing: Leaving, server: SlackServer, status: str
) -> None:
    state = {**to_json(RUN), "plan": []}
    close(closing.function, status, left("PollCommand", state))
    assert closing.action.results == ["CONTINUE"]
    assert messages(server), "it is not confirmed"


def test_an_end_that_was_reported_is_not_reported_to_auto_scaling_again(
    closing: Leaving, server: SlackServer
) -> None:
    told = {**QUIET, "slack": {"delivered": False, "told": [], "not_told": []}}
    close(closing.function, "SUCCEEDED", left("NotifySlack", at_end(RUN, told)))
    assert closing.action.results == []


def test_auto_scaling_is_told_once_more_if_it_could_not_be_told_at_the_end(
    closing: Leaving, server: SlackServer
) -> None:
    failed = {"completed": False, "over": False, "failures": ["Auto Scaling did not take it"]}
    told = {
        **QUIET,
        "lifecycle_action": failed,
        "slack": {"delivered": True, "told": ["C0LOCAL"], "not_told": []},
    }
    done = close(closing.function, "SUCCEEDED", left("NotifySlack", at_end(RUN, told)))
    assert done["lifecycle_action"]["completed"]
    assert closing.action.results == ["CONTINUE"]
    assert messages(server) == []


def test_the_report_of_other_runs_has_no_lifecycle_action(telling: Leaving, server: SlackServer) -> None:
    event = {
        "step": "NotifySlack",
        "run": at_end(run(), {**CONFIRMED, "ended_at": LATER.isoformat()}),
        "redrives": 0,
    }
    assert "lifecycle_action" not in telling.function.handler(event, Context(300))["report"]

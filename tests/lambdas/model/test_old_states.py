"""A running execution calls the newest code, so each step reads every shape that the state has ever had.

states/ holds one file for each shape, by the day on which it came; a file has the state that goes into each step, and
for close_run the one that is left behind. The newest file is what this version writes. Whoever changes a shape adds a
file, and leaves the old ones as they are: somebody's drain may have been under way for two days.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import pytest
from aws_lambda_powertools import Logger

from local_aws.slack.server import SlackServer
from runtime.run_end import report_end
from snow_white.aws.execution_history import ExecutionEnd, read_ended_run
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.report import Report, Result
from snow_white.model.run import Outcome, Run
from snow_white.model.run_so_far import RunSoFar
from snow_white.model.serialisation import from_json, to_json
from snow_white.reporting.errors import reportable
from snow_white.slack.message import Message
from snow_white.steps.clean_up import cancel_commands
from snow_white.steps.dispatch import dispatch
from snow_white.steps.poll import poll
from tests.lambdas.aws.test_execution_history import EXECUTION, FakeHistory, left
from tests.lambdas.fake_cloud import START, FakeCloud, FakeCommand, command_id, environment_id, instance_id
from tests.lambdas.fake_hosts import Answer
from tests.lambdas.runtime.test_run_end import FakeEvents
from tests.lambdas.slack.run_notifier import messages, notifier_on

FILES: Final = sorted((Path(__file__).parent / "states").glob("*.json"))
NEWEST: Final = FILES[-1]
STEPS: Final = ("AnnounceStart", "DispatchCommand", "PollCommand", "AnnounceProgress", "NotifySlack")
of_each_shape: Final = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def state_before(step: str, file: Path) -> dict[str, Any]:
    """The file's state with AWS's ids: it has i-REGION-N, e-REGION-NAME, REGION-command-N, and REGION-short-N."""
    text = re.sub(
        r"([a-z]+-[a-z]+-\d)-command-(\d{4})", lambda m: command_id(m[1], int(m[2])), file.read_text()
    )
    text = re.sub(r"([a-z]+-[a-z]+-\d)-short-(\d{4})", lambda m: command_id(m[1], int(m[2]))[-12:], text)
    text = re.sub(r"\be-([a-z]+-[a-z]+-\d)-([a-z-]+)", lambda m: environment_id(m[1], m[2]), text)
    text = re.sub(r"\bi-([a-z]+-[a-z]+-\d)-(\d{5})", lambda m: instance_id(m[1], int(m[2])), text)
    states: dict[str, dict[str, Any]] = json.loads(text)
    return states.get(step) or states["PollCommand"]


def test_groups_that_were_packed_on_2026_11_30_are_read() -> None:
    packed = "eJyLjlYqzsgv0C3PL8pOLSpW0lFQStU1MDQyNjE1M7ewVIrVUYhWyk3MzIHIJCYlp6SmpWdkZinFxgIAIXkR3A=="
    part = from_json({"region": "us-east-1", "environments": packed, "instances": 2}, RegionPlan)
    assert part == RegionPlan(
        "us-east-1", (Group("shop-workers", "e-0123456789"), Group("mail", "e-abcdefghij")), 2
    )


@pytest.fixture
def cloud() -> FakeCloud:
    """The instances that the stored states refer to."""
    cloud = FakeCloud()
    for region in cloud.names:
        cloud[region].add_environment("shop", "shop-workers", instances=3)
    return cloud


@of_each_shape
@pytest.mark.parametrize("step", STEPS)
def test_a_state_of_every_former_shape_is_read_completely(step: str, file: Path) -> None:
    state = state_before(step, file)
    run = from_json(state, Run)
    assert to_json(run.execution) == state["execution"]
    assert (run.request.action.value, run.request.application) == ("quiet", "shop")
    assert run.request.timeout_seconds == 3_600
    assert [part.region for part in run.plan] == ["us-east-1", "eu-west-1"]
    assert {region: list(ids) for region, ids in run.commands.items()} == state["commands"]
    assert run.sendings == state["sendings"]
    assert (run.dispatched_at.isoformat() if run.dispatched_at else None) == state["dispatched_at"]
    assert [post.to for post in run.slack.posts] == [post["to"] for post in state["slack"].get("posts", [])]
    known = state.get("asking") or state.get("stragglers") or {}
    shown = known.get("awaited") or known.get("listed") or []
    assert [one.instance for one in run.stragglers.listed] == [one["instance"] for one in shown]


@of_each_shape
def test_the_requester_is_read_from_every_former_shape(file: Path) -> None:
    requester = from_json(state_before("PollCommand", file), Run).slack.requester
    assert requester is not None
    assert requester.member == "U0ANN"


@of_each_shape
@pytest.mark.parametrize(
    ("step", "work"),
    [("DispatchCommand", dispatch), ("PollCommand", poll)],
    ids=["DispatchCommand", "PollCommand"],
)
def test_a_run_goes_on_after_a_deployment(
    step: str, work: Callable[..., Run], file: Path, cloud: FakeCloud
) -> None:
    run = from_json(state_before(step, file), Run)
    after = work(run, cloud, cloud.clock.now)
    assert after.report is None, "its drain is not over"
    assert after.outcome in set(Outcome) - {Outcome.FINISHED}
    assert json.loads(json.dumps(to_json(after))) == to_json(after)


@of_each_shape
@pytest.mark.parametrize("step", ["AnnounceStart", "AnnounceProgress"])
def test_a_run_s_messages_are_edited_after_a_deployment(step: str, file: Path, server: SlackServer) -> None:
    run = from_json(state_before(step, file), Run)
    posts = [notifier_on(server).slack.post(post.to, Message("before")) for post in run.slack.posts]
    run = replace(run, slack=replace(run.slack, posts=tuple(filter(None, posts))))
    after = notifier_on(server).announce(run, EXECUTION.started_at)
    assert {post.to for post in after.slack.posts} == {"C0LOCAL", "U0ANN"}
    assert ["shop" in one["text"] for one in messages(server)] == [True, True], "posted, or edited, once"


@of_each_shape
def test_a_run_s_end_is_announced_after_a_deployment(
    file: Path, server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "snow-white")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "SnowWhite")
    ended = from_json(state_before("NotifySlack", file), EndedRun)
    events: Any = FakeEvents()
    told = report_end(
        ended, notifier_on(server).notifier(), events, Logger(service="snow-white"), EXECUTION.started_at
    )
    assert told.report is not None
    assert told.report.result is Result.NOT_CONFIRMED
    assert told.report.slack is not None
    assert told.report.slack.told == ("C0LOCAL", "U0ANN")
    assert (
        told.report.problems == from_json(state_before("NotifySlack", file)["report"], Report).problems != ()
    )


@of_each_shape
def test_close_run_reads_the_last_state_of_any_version(file: Path, cloud: FakeCloud) -> None:
    history: Any = FakeHistory(
        [{"type": "ExecutionFailed"}, left("NotifySlack", state_before("close_run", file))]
    )
    ended = read_ended_run(history, EXECUTION)
    assert ended.end_was_announced
    assert ended.report is not None
    assert ended.report.error == "NotConfirmed"
    assert reportable(ended, ExecutionEnd(EXECUTION, "FAILED")) == ended
    for region, ids in ended.commands.items():
        going = {"i-1": Answer(after=9_000)}
        cloud[region].commands += [
            FakeCommand(id_, Action.QUIET.document_name, "", START, {}, {}, going) for id_ in ids
        ]
    regions: Any = cloud
    cancelled, failed = cancel_commands(ended, regions)
    assert (cancelled, failed) == (sum(map(len, ended.commands.values())), [])
    assert cancelled > 0


@of_each_shape
def test_the_command_line_follows_a_run_of_any_version(file: Path) -> None:
    run = from_json(state_before("PollCommand", file), RunSoFar)
    assert run.progress is not None
    assert run.progress.instances > 0
    assert run.deadline is not None


@pytest.mark.parametrize("step", STEPS)
def test_the_newest_file_equals_what_this_version_writes_so_a_new_shape_needs_a_new_file(step: str) -> None:
    state = state_before(step, NEWEST)
    assert to_json(from_json(state, Run)) == state, f"{NEWEST.name} is old: add a file beside it"


def test_the_newest_file_has_the_last_state_that_this_version_writes() -> None:
    state = state_before("close_run", NEWEST)
    assert to_json(from_json(state, EndedRun)) == state, f"{NEWEST.name} is old: add a file beside it"


def test_the_newest_file_has_every_field_of_the_run_and_of_its_report() -> None:
    states = json.loads(NEWEST.read_text())
    assert set(states) == {*STEPS, "close_run"}
    assert states["PollCommand"].keys() == {field.name for field in fields(Run)}
    assert states["close_run"].keys() == {field.name for field in fields(EndedRun)}
    not_in_this_one = {"hosts", "more_hosts", "auto_scaling_groups", "tags", "instance_ids", "groups"}
    assert states["close_run"]["report"].keys() == {field.name for field in fields(Report)} - not_in_this_one


@pytest.mark.parametrize("step", STEPS)
def test_keys_that_a_newer_version_has_added_are_ignored_after_a_rollback(step: str) -> None:
    state = state_before(step, NEWEST)
    newer = {**state, "unheard_of": {"a": 1}, "progress": {**state["progress"], "doubtful": 3}}
    assert from_json(newer, Run) == from_json(state, Run)


@pytest.mark.parametrize(
    "key", sorted({field.name for field in fields(Run)} - {"execution", "request", "plan"})
)
def test_a_missing_key_has_a_default(key: str) -> None:
    state = state_before("PollCommand", NEWEST)
    del state[key]
    assert isinstance(from_json(state, Run), Run)

"""One cell of the matrix run, and held against what is expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from snow_white.model.verdict import CONFIRMED as CONFIRMING
from tests.soak.cloud.run_command import ACTIONS as RUN_COMMAND_ACTIONS
from tests.soak.matrix.table import CLOSES, Begin, Cell, Step
from tests.soak.scenarios.invariants import violations
from tests.soak.scenarios.run import Ended, run
from tests.soak.scenarios.scenario import FOREVER, EnvironmentSpec, HostSpec, Scenario

_ENVIRONMENTS: Final = (
    EnvironmentSpec("eu-west-1", "shop-workers-a", "e-eu"),
    EnvironmentSpec("ap-southeast-2", "shop-workers-b", "e-ap"),
)
_FLEET: Final = (
    ("i-1", "eu-west-1", "e-eu", 10.0),
    ("i-2", "eu-west-1", "e-eu", 3.0),
    ("i-3", "ap-southeast-2", "e-ap", 8.0),
)
_LAST_POLL_SECONDS: Final = 1.0  # a poll takes less, and the pause before it is longer
_STEPS: Final = {Step.LAST_POLL: "PollCommand"}  # where the state's name is not the step's


@dataclass(frozen=True)
class _Course:
    """When the steps of an undisturbed run began."""

    steps: tuple[tuple[str, float], ...]
    ended: float

    def begin(self, step: Step) -> tuple[float, int]:
        """Seconds after the start, and which invocation of the function it is."""
        if step in CLOSES:
            return self.ended, 0
        ends = [*(at for _, at in self.steps[1:]), self.ended]
        spans = [
            (at, end)
            for (name, at), end in zip(self.steps, ends, strict=True)
            if name == _STEPS.get(step, step.value)
        ]
        if step is not Step.LAST_POLL:
            return spans[0][0], 0
        # The invocation may have polled before, and paused.
        entered, left = spans[-1]
        return max(entered, left - _LAST_POLL_SECONDS), len(spans) - 1


def undisturbed(action: str, timeout_seconds: int) -> Scenario:
    """A run of a fleet of three hosts in two regions; none of them is the home region."""
    state = "quiet" if action == "wake" else "awake"
    return Scenario(
        seed=1,
        action=action,
        timeout_seconds=timeout_seconds,
        regions=("eu-west-1", "ap-southeast-2"),
        healthy=False,
        environments=_ENVIRONMENTS,
        hosts=tuple(HostSpec(id_, region, env, state, (job,)) for id_, region, env, job in _FLEET),
    )


@cache
def _course(action: str, timeout_seconds: int) -> _Course:
    execution = run(undisturbed(action, timeout_seconds)).execution
    began = execution.started_at
    return _Course(
        tuple((name, at - began) for name, at in execution.steps), (execution.ended_at or began) - began
    )


def scenario(cell: Cell) -> Scenario:
    """The undisturbed run with the cell's fault."""
    timeout = cell.group.timeout_seconds
    at, invocation = _course(cell.action, timeout).begin(cell.step)
    seconds = FOREVER if cell.stays else cell.group.passes_after
    begin = Begin(cell.action, cell.step, at, invocation, seconds)
    return cell.row.inject(undisturbed(cell.action, timeout), begin)


def differences(cell: Cell) -> list[str]:
    """What is not as expected, in sentences."""
    ended = run(scenario(cell))
    found = [*_end(cell, ended), *_telling(cell, ended), *_hosts(cell, ended)]
    found += [f"{one.name}: {one.text}" for one in violations(ended)]
    return [f"{cell}: {one}" for one in found]


def _end(cell: Cell, ended: Ended) -> Iterator[str]:
    expected, execution = cell.expected, ended.execution
    wanted = (expected.status, expected.error)
    if (execution.status, execution.error or "") != wanted:
        yield f"expected {wanted}, ended {execution.status} {execution.error}: {execution.cause}"
        return
    if execution.status == "FAILED":
        cause = execution.cause or ""
        yield from (f"{name!r} is not in the cause: {cause}" for name in expected.names if name not in cause)


def _telling(cell: Cell, ended: Ended) -> Iterator[str]:
    expected, count = cell.expected, len(ended.slack.replies)
    # Without the table of what was done, an event that is delivered twice is told twice.
    may_repeat = "dynamodb" in ended.cloud.faults.hit_services
    if count != expected.told and not (expected.told and count and may_repeat):
        yield f"the end was told {count} times, expected {int(expected.told)}; slack: {_slack(ended)}"
        return
    if not expected.told:
        if expected.status == "SUCCEEDED" and not _slack(ended).get("not_told"):
            yield "the report does not say why nobody was told"
        return
    places = {place for _, place in ended.slack.replies}
    if places != {expected.place}:
        yield f"the end was told in {places}, expected {expected.place}"
    said = "\n".join(ended.slack.texts)
    yield from (f"{name!r} is not in Slack: {said}" for name in expected.names if name not in said)


def _slack(ended: Ended) -> Mapping[str, Any]:
    return (ended.report or {}).get("slack") or {}


def _hosts(cell: Cell, ended: Ended) -> Iterator[str]:
    expected = cell.expected
    sent = [command for _, command in ended.own_commands()]
    if sent and not expected.sends:
        yield f"{len(sent)} commands were sent"
    if expected.status == "SUCCEEDED":
        verdicts = {str(one["instance"]): str(one["verdict"]) for one in ended.functions.verdicts}
        for id_, *_ in _FLEET:
            if id_ not in expected.missing and verdicts.get(id_) not in CONFIRMING:
                yield f"{id_} is {verdicts.get(id_, 'not mentioned')}"
    if expected.told and expected.status != "SUCCEEDED":
        # A question that a silent agent never takes ends by itself.
        acting = [one for one in sent if RUN_COMMAND_ACTIONS[one.document] == cell.action]
        going = [one.id for one in acting if any(x.ended_at is None for x in one.invocations.values())]
        if going and not _cannot_be_cancelled(cell):
            yield f"commands go on after the end: {going}"


def _cannot_be_cancelled(cell: Cell) -> bool:
    """Where the region of a command still does not answer when the run has ended."""
    return "eu-west-1" in cell.expected.names

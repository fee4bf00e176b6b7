"""What happens to one host, i-1, its agent, its commands and its answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tests.soak.matrix.outcomes import (
    BUSY,
    CONFIRMED,
    GONE,
    UNCONFIRMED,
    UNREACHABLE,
    WITHOUT_WORKERS,
)
from tests.soak.matrix.table import Begin, Group, Inject, Row, Step, at_each
from tests.soak.scenarios.scenario import FOREVER, Delivery, HostEvent, HostSpec, Scenario

_HOST: Final = "i-1"
_STEPS: Final = (Step.DISCOVER, Step.DISPATCH, Step.POLL, Step.LAST_POLL)
_RECOVERS: Final = at_each(_STEPS, CONFIRMED)
_AT_THE_START: Final = (Step.DISCOVER,)
_SENDINGS: Final = 60  # more than a run ever makes to one instance


def _event(kind: str) -> Inject:
    return lambda scenario, begin: replace(
        scenario, events=(HostEvent(begin.at, _HOST, kind, begin.seconds),)
    )


def _launch(scenario: Scenario, begin: Begin) -> Scenario:
    new = HostSpec("i-9", "eu-west-1", "e-eu", "awake", (3.0,), launched_at=begin.at + 5)
    return replace(scenario, hosts=(*scenario.hosts, new))


def _replace(scenario: Scenario, begin: Begin) -> Scenario:
    return _launch(_event("terminate")(scenario, begin), begin)


def _delivered(kind: str) -> Inject:
    def inject(scenario: Scenario, begin: Begin) -> Scenario:
        count = _SENDINGS if begin.stays else 1
        return replace(scenario, deliveries=tuple(Delivery(_HOST, number, kind) for number in range(count)))

    return inject


def _host(**values: Any) -> Inject:
    """The host differs from the start on."""

    def inject(scenario: Scenario, _begin: Begin) -> Scenario:
        hosts = tuple(replace(one, **values) if one.id == _HOST else one for one in scenario.hosts)
        return replace(scenario, hosts=hosts)

    return inject


HOSTS: Final = Group(
    "A worker host",
    "Something happens to one host; the others work.",
    _STEPS,
    (
        Row(
            "its agent does not answer",
            _event("agent-dies"),
            _RECOVERS,
            {**at_each(_STEPS[:3], UNREACHABLE), Step.LAST_POLL: CONFIRMED},
            # It has answered before the first poll.
            except_stays={(Step.POLL, "status"): CONFIRMED},
        ),
        Row("it has no agent", _host(agent="none"), stays=at_each(_AT_THE_START, UNREACHABLE)),
        Row("it is terminated", _event("terminate"), stays=at_each(_STEPS, GONE)),
        Row("it is replaced by a new one", _replace, stays=at_each(_STEPS, GONE)),
        Row("a new one is launched beside it", _launch, stays=_RECOVERS),
        Row(
            "it reboots",
            _event("reboot"),
            at_each(_STEPS, CONFIRMED),
            # A status says what it sees, at once. It has answered before the first poll.
            except_passes={(step, "status"): WITHOUT_WORKERS for step in _STEPS[:2]},
        ),
        Row(
            "it reboots, and its agent does not report the command's end",
            _event("reboot-unreported"),
            at_each(_STEPS, CONFIRMED),
            except_passes={(step, "status"): WITHOUT_WORKERS for step in _STEPS[:2]},
        ),
        Row("its workers are restarted", _event("restart-workers"), stays=_RECOVERS),
        Row(
            "a command to it is lost; all are, if it stays",
            _delivered("lost"),
            {Step.DISPATCH: CONFIRMED},
            {Step.DISPATCH: UNREACHABLE},
        ),
        Row(
            "a command reaches it twice; all do, if it stays",
            _delivered("twice"),
            {Step.DISPATCH: CONFIRMED},
            {Step.DISPATCH: CONFIRMED},
        ),
        Row(
            "a job on it does not end",
            _host(jobs=(FOREVER,)),
            stays=at_each(_AT_THE_START, BUSY),
            except_stays={(Step.DISCOVER, action): CONFIRMED for action in ("wake", "status")},
        ),
        Row("its answer is cut off", _host(lie="cut"), stays=at_each(_AT_THE_START, UNCONFIRMED)),
        Row("its answer is empty", _host(lie="empty"), stays=at_each(_AT_THE_START, UNCONFIRMED)),
        Row(
            "its answer contradicts its exit code",
            _host(lie="other-code"),
            stays=at_each(_AT_THE_START, UNCONFIRMED),
        ),
        Row(
            "other programs write into its answer",
            _host(lie="noise"),
            stays=at_each(_AT_THE_START, UNCONFIRMED),
        ),
        Row(
            "control characters are in its answer",
            _host(lie="control"),
            stays=at_each(_AT_THE_START, CONFIRMED),
        ),
    ),
    passes_after=120,
    timeout_seconds=1800,
)

"""What people and other runs do meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.soak.matrix.outcomes import CONFIRMED, OPPOSITE, STOPPED, UNCONFIRMED
from tests.soak.matrix.table import CLOSES, Begin, Group, Inject, Row, Step, at_each
from tests.soak.scenarios.scenario import HostEvent, Scenario

_STEPS: Final = tuple(step for step in Step if step not in CLOSES)
_OPPOSITE: Final = {"quiet": "wake", "stop": "wake", "wake": "quiet", "status": "wake"}
_A_MOMENT: Final = 0.05  # after the step has begun


def _stop(scenario: Scenario, begin: Begin) -> Scenario:
    return replace(scenario, stopped_at=begin.at + _A_MOMENT)


def _opposite_run(scenario: Scenario, begin: Begin) -> Scenario:
    return replace(scenario, other_run=_OPPOSITE[begin.action])


def _command(opposite: bool) -> Inject:
    def inject(scenario: Scenario, begin: Begin) -> Scenario:
        same = "wake" if begin.action == "wake" else "quiet"
        kind = f"foreign-{_OPPOSITE[begin.action] if opposite else same}"
        return replace(scenario, events=(HostEvent(begin.at, "i-1", kind),))

    return inject


RUNS: Final = Group(
    "People and other runs",
    "What somebody else does during a run.",
    _STEPS,
    (
        Row("somebody stops the execution", _stop, stays=at_each(_STEPS, STOPPED)),
        Row(
            "a run of the opposite action is under way",
            _opposite_run,
            stays={Step.DISCOVER: OPPOSITE},
            except_stays={(Step.DISCOVER, "status"): CONFIRMED},
        ),
        Row(
            "another run sends the opposite action to one host",
            _command(opposite=True),
            stays={Step.POLL: UNCONFIRMED},
            except_stays={(Step.POLL, "status"): CONFIRMED},
        ),
        Row(
            "another run sends the same action to one host",
            _command(opposite=False),
            stays={Step.POLL: CONFIRMED},
        ),
    ),
    passes_after=0,
    timeout_seconds=300,
)

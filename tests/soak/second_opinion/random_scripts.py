"""Random scripts: more paths than anybody writes down, for two interpreters to agree on."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from tests.soak.second_opinion.paths import CONFIRMED, FAILED, NOTIFICATIONS, RETRIED_BY_STEPS, STEPS
from tests.soak.second_opinion.script import Outcome, Script

_OUTCOMES: Final = ("working", "progress", "send", "working", "progress", "send", "finished")
_WAITS: Final = (0, 1, 5, 180, 70_000)
_ERRORS: Final = (*RETRIED_BY_STEPS, "InvalidRequest", "Lambda.TooManyRequests")
_REPORTS: Final[tuple[Any, ...]] = (
    CONFIRMED,
    FAILED,
    {},
    "quiet",
    {**FAILED, "cause": None},
    {**FAILED, "error": ["Busy"]},
)


def random_script(seed: int) -> Script:
    """The script of a seed, always the same. Its last poll has finished, so that it ends."""
    random = Random(seed)  # noqa: S311
    tasks = {
        name: [_outcome(random) for _ in range(random.randint(1, 12))] for name in (*STEPS, *NOTIFICATIONS)
    }
    tasks["PollCommand"].append(Outcome(_state(random, "finished")))
    return Script({"action": "quiet", "application": "shop"}, tasks)


def _outcome(random: Random) -> Outcome:
    kind = random.choices(("result", "error", "late"), (72, 25, 3))[0]
    seconds = 400.0 if kind == "late" else random.choice((0.0, 0.5, 20.0))
    if kind == "error":
        return Outcome(error=random.choice(_ERRORS), cause=f"because of {random.random()}", seconds=seconds)
    return Outcome(_state(random, random.choice(_OUTCOMES)), seconds=seconds)


def _state(random: Random, outcome: str) -> dict[str, Any]:
    state: dict[str, Any] = {"outcome": outcome, "wait_seconds": random.choice(_WAITS)}
    if random.random() < 0.7:
        state["report"] = random.choice(_REPORTS)
    if random.random() < 0.02:
        state["outcome"] = "perhaps"
    for key in ("outcome", "wait_seconds"):
        if random.random() < 0.01:
            del state[key]
    return state

"""Every path of the state machine, each with what has to come of it: the states, the end, and the seconds.

Both interpreters wait half of the longest pause before a retry: 1, 2, 4, 8, 16 and 30 s in the steps, 0.5, 1 and 2 s in
the notifications.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.soak.second_opinion.script import Outcome, Script

STEPS: Final = ("DiscoverInstances", "DispatchCommand", "PollCommand")
NOTIFICATIONS: Final = ("AnnounceStart", "AnnounceProgress", "NotifySlack")
RETRIED_BY_ALL: Final = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
    "Runtime.ExitError",
)
RETRIED_BY_STEPS: Final = (
    *RETRIED_BY_ALL,
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "States.Timeout",
    "RegionUnavailable",
)
TASK_SECONDS: Final = 320
RUN_SECONDS: Final = 183_600

_START: Final = ("ReceiveRequest", "DiscoverInstances", "AnnounceStart", "DispatchCommand")
_POLL: Final = ("WaitForWorkers", "PollCommand", "Outcome")
_END: Final = ("NotifySlack", "Confirmed")
_SENTENCE: Final = "1 of 2 instances are confirmed quiet."
_UNREPORTED: Final = (
    "The run ended without a report, so nothing is confirmed. The last failed step in this execution's "
    "history says why; the logs of its function have more."
)

CONFIRMED: Final = {"result": "confirmed"}
FAILED: Final = {"result": "failed", "error": "NotConfirmed", "cause": _SENTENCE}


def run(outcome: str = "working", wait: Any = 5, **more: Any) -> Outcome:
    """The state that a step returns."""
    return Outcome({"outcome": outcome, "wait_seconds": wait, **more})


def finished(report: Any = None) -> Outcome:
    """The last poll's, or the last notification's, with a report."""
    return run("finished", report=CONFIRMED if report is None else report)


def error(name: str, cause: str = "because") -> Outcome:
    return Outcome(error=name, cause=cause)


@dataclass(frozen=True)
class Path:
    """A path by what its tasks answer; the others go well, and the first poll finds every worker confirmed.

    Attributes:
        end: the output of one that succeeds, or error and cause.
        seconds: how long it takes.
    """

    name: str
    states: Sequence[str]
    seconds: float
    answers: Mapping[str, Sequence[Outcome]] = field(default_factory=dict)
    status: str = "SUCCEEDED"
    end: Any = field(default_factory=lambda: CONFIRMED)

    @property
    def script(self) -> Script:
        usual = {name: [run()] for name in (*STEPS, *NOTIFICATIONS)}
        usual |= {"PollCommand": [finished()], "NotifySlack": [finished()]}
        return Script({"action": "quiet", "application": "shop"}, {**usual, **self.answers})


_WHOLE: Final = (*_START, *_POLL, *_END, "Done")
# Where a step's error is caught, by step; how long it takes until then; the end of the path is NotifySlack.
_UNTIL: Final[Mapping[str, tuple[tuple[str, ...], float]]] = {
    "DiscoverInstances": (_START[:2], 0),
    "DispatchCommand": (_START, 0),
    "PollCommand": ((*_START, *_POLL[:2]), 5),
}
_WITH_PROGRESS: Final = (*_START, *_POLL, "AnnounceProgress", *_POLL, *_END, "Done")
# The path on which each notification is sent, whatever comes of it, with its seconds and what the poll says.
_TOLD_ON: Final[Mapping[str, tuple[tuple[str, ...], float, Sequence[Outcome]]]] = {
    "AnnounceStart": (_WHOLE, 5, [finished()]),
    "AnnounceProgress": (_WITH_PROGRESS, 10, [run("progress"), finished()]),
    "NotifySlack": (_WHOLE, 5, [finished()]),
}
_NOT_CONFIRMED: Final = ("NotConfirmed", _SENTENCE)
_WITHOUT_REPORT: Final = ("Unreported", _UNREPORTED)
_BROKEN: Final = ("States.Runtime", None)


def paths() -> list[Path]:
    """All of them."""
    return [*_outcomes(), *_reports(), *_waits(), *_errors_of_steps(), *_errors_of_notifications()]


def _outcomes() -> Iterator[Path]:
    yield Path("confirmed at the first poll", _WHOLE, 5)
    again = [run(wait=5), run(wait=180), finished()]
    thrice = (*_START, *_POLL, *_POLL, *_POLL, *_END, "Done")
    yield Path("confirmed at the third poll", thrice, 5 + 5 + 180, {"PollCommand": again})
    yield Path("told of the progress", _WITH_PROGRESS, 10, {"PollCommand": [run("progress"), finished()]})
    again_sent = (*_START, *_POLL, "DispatchCommand", *_POLL, *_END, "Done")
    yield Path("sent again", again_sent, 10, {"PollCommand": [run("send"), finished()]})
    for name, word in (("a word that nobody knows", "perhaps"), ("no word", None)):
        yield Path(
            f"the outcome is {name}",
            (*_START, *_POLL, "Unreported"),
            5,
            {"PollCommand": [Outcome({"outcome": word})]},
            "FAILED",
            _WITHOUT_REPORT,
        )
    yield Path(
        "there is no outcome",
        (*_START, *_POLL),
        5,
        {"PollCommand": [Outcome({})]},
        "FAILED",
        _BROKEN,
    )


def _reports() -> Iterator[Path]:
    states = (*_START, *_POLL, *_END)
    failed = {"PollCommand": [finished(FAILED)], "NotifySlack": [finished(FAILED)]}
    yield Path("not confirmed", (*states, "NotConfirmed"), 5, failed, "FAILED", _NOT_CONFIRMED)
    for name, report in (
        ("nothing", {}),
        ("a text", "quiet"),
        ("a result without an error", {"result": "failed"}),
        ("an error without a cause", {"result": "failed", "error": "Busy"}),
        ("a cause of null", {"result": "failed", "error": "Busy", "cause": None}),
        ("an error that is a number", {"result": "failed", "error": 5, "cause": "because"}),
    ):
        told = {"NotifySlack": [finished(report)]}
        yield Path(f"the report is {name}", (*states, "Unreported"), 5, told, "FAILED", _WITHOUT_REPORT)
    told = {"NotifySlack": [run()]}
    yield Path("there is no report", (*states, "Unreported"), 5, told, "FAILED", _WITHOUT_REPORT)


def _waits() -> Iterator[Path]:
    for seconds in (0, 1, 180, 86_400):
        yield Path(f"a wait of {seconds} s", _WHOLE, seconds, {"DispatchCommand": [run(wait=seconds)]})
    for wrong in (-1, 1.5, "5", None):
        broken = {"DispatchCommand": [run(wait=wrong)]}
        yield Path(f"a wait of {wrong!r}", (*_START, "WaitForWorkers"), 0, broken, "FAILED", _BROKEN)
    broken = {"DispatchCommand": [Outcome({})]}
    yield Path("no wait", (*_START, "WaitForWorkers"), 0, broken, "FAILED", _BROKEN)
    endless = {"DispatchCommand": [run(wait=90_000)], "PollCommand": [run(wait=90_000)]}
    states = (*_START, *_POLL, *_POLL, "WaitForWorkers")
    yield Path("longer than a run may take", states, RUN_SECONDS, endless, "TIMED_OUT", None)


def _errors_of_steps() -> Iterator[Path]:
    for step in STEPS:
        states, seconds = _UNTIL[step]
        caught, last = (*states, *_END, "NotConfirmed"), [finished(FAILED)]
        answers = {step: [error("InvalidRequest")], "NotifySlack": last}
        yield Path(f"{step} fails", caught, seconds, answers, "FAILED", _NOT_CONFIRMED)
        answers = {step: [error("RegionUnavailable")], "NotifySlack": last}
        name = f"{step} fails six times, and once more"
        yield Path(name, caught, seconds + 61, answers, "FAILED", _NOT_CONFIRMED)
        yield from _unreported_errors(step)
        good = finished() if step == "PollCommand" else run()
        for retried in RETRIED_BY_STEPS:
            answers = {step: [error(retried), error(retried), good]}
            yield Path(f"{retried} twice in {step}", _WHOLE, 5 + 3, answers)
        answers = {step: [Outcome(seconds=TASK_SECONDS + 80), good]}
        yield Path(f"{step} takes too long once", _WHOLE, 5 + TASK_SECONDS + 1, answers)


def _unreported_errors(step: str) -> Iterator[Path]:
    """The step fails, and so does the report of it: the execution ends with the step's own error."""
    states, seconds = _UNTIL[step]
    for kind, cause, ends, said in (
        ("in plain text", "because", ("Broken",), "because"),
        ("with a sentence", json.dumps({"errorMessage": _SENTENCE}), ("ReadCause", "Failed"), _SENTENCE),
    ):
        answers = {step: [error("InvalidRequest", cause)], "NotifySlack": [error("Lambda.Unknown")]}
        name = f"{step} fails {kind}, and so does the report of it"
        yield Path(name, (*states, *_END, *ends), seconds, answers, "FAILED", ("InvalidRequest", said))


def _errors_of_notifications() -> Iterator[Path]:
    for step in NOTIFICATIONS:
        for lasting in ("ValueError", "Lambda.Unknown", "Sandbox.Timedout"):
            yield _told(f"{lasting} in {step}", step, 0, error(lasting))
        late = Outcome(seconds=TASK_SECONDS + 80)
        yield _told(f"{step} takes too long", step, TASK_SECONDS, late)
        always = error("Runtime.ExitError")
        yield _told(f"{step} fails three times, and once more", step, 3.5, always)
        good = finished() if step == "NotifySlack" else run()
        for retried in RETRIED_BY_ALL:
            yield _told(f"{retried} in {step}", step, 0.5, error(retried), good)


def _told(name: str, step: str, more_seconds: float, *answers: Outcome) -> Path:
    """The path that a notification is on, which it only makes longer."""
    states, seconds, polls = _TOLD_ON[step]
    return Path(name, states, seconds + more_seconds, {"PollCommand": polls, step: answers})

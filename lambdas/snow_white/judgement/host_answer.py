"""What a worker host answers: the exit code of the document's script and the last JSON line it printed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final

from snow_white.model.fleet import Process

NOTHING_AT_WORK: Final = "none"
_WORD: Final = re.compile(r"[a-z_]{1,30}")
_RUN_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_LARGEST_COUNT: Final = 10_000_000  # a process id has at most 7 digits
_LATEST_MOMENT: Final = 1 << 33  # seconds since 1970, some centuries from now
_LONGEST_WORD: Final = 60
_LONGEST_TAG: Final = 400
_LONGEST_MESSAGE: Final = 500
# The agent joins the two streams with this line when anything was written to stderr.
_STDERR_MARK: Final = "\n----------ERROR-------"


class ExitCode(IntEnum):
    """The exit codes of the scripts in ssm_documents/."""

    CONFIRMED = 0
    COULD_NOT_BE_DONE = 1
    JOBS_RUNNING = 2
    NO_SIDEKIQ = 3


@dataclass(frozen=True)
class HostAnswer:
    """The JSON line.

    Attributes:
        omitted: counts processes that the host left out to keep the line short.
        at_work: for status, the action of the command that is running on the host, or NOTHING_AT_WORK; None where the
            document is too old to say.
        asleep_by: for status, the run that has put its workers to sleep; "" if none has, or they were woken since.
        starting: for status, something is about to start a worker, or has just failed to.
        again: the host says that the same command may succeed in a moment.
        up: where there is no worker, the seconds since the host's last boot; None where the document is too old to say.
        took: the seconds from the start of the command to the moment of which the answer is true, by a clock that
            nobody sets; 0 where the document is too old to say.
    """

    result: str
    message: str
    processes: tuple[Process, ...] = ()
    omitted: int = 0
    at_work: str | None = None
    up: int | None = None
    asleep_by: str = ""
    starting: bool = False
    again: bool = False
    took: int = 0


def parse_answer(output: str) -> HostAnswer | None:
    """Read the answer from a command plugin's output (as in ListCommandInvocations with Details).

    Its texts are interned: the processes of 50,000 hosts have few different ones, and would fill a function's memory.

    Returns:
        None when the last line of stdout is not such an answer: cut off, or not printed at all.
    """
    lines = output.split(_STDERR_MARK, 1)[0].strip().splitlines()
    if not lines:
        return None
    try:
        answer = json.loads(lines[-1])
        return HostAnswer(
            result=_word(answer["result"]),
            message=_text(answer.get("message", ""), _LONGEST_MESSAGE),
            processes=tuple(_process(process) for process in answer.get("processes", [])),
            omitted=_count(answer.get("omitted", 0)),
            at_work=_word(answer["at_work"]) if "at_work" in answer else None,
            up=_count(answer["up"]) if "up" in answer else None,
            asleep_by=_run_name(answer.get("asleep_by", "")),
            starting=answer.get("starting") is True,
            again=answer.get("again") is True,
            took=_count(answer.get("took", 0)),
        )
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        return None


def _process(raw: Mapping[str, Any]) -> Process:
    return Process(
        pid=_count(raw["pid"]),
        version=_text(raw.get("version", ""), _LONGEST_WORD),
        tag=_text(raw.get("tag", ""), _LONGEST_TAG),
        busy=_count(raw.get("busy", 0)),
        state=_word(raw["state"]),
        supervisor=_text(raw.get("supervisor", ""), _LONGEST_TAG),
        since=_moment(raw["since"]) if "since" in raw else None,
    )


def _moment(said: Any) -> datetime | None:
    """From seconds since 1970; None for what is no time that a host can have."""
    seconds = int(said)
    return datetime.fromtimestamp(seconds, tz=UTC) if 0 < seconds < _LATEST_MOMENT else None


def _run_name(said: object) -> str:
    """The name of a run as run_command.py hands it to a host; "" for anything else."""
    return said if isinstance(said, str) and _RUN_NAME.fullmatch(said) else ""


def _word(said: object) -> str:
    """A result or state; anything else than one of the scripts' words is "unknown", and confirms nothing."""
    return sys.intern(said) if isinstance(said, str) and _WORD.fullmatch(said) else "unknown"


def _text(said: object, most: int) -> str:
    """One line that can be written as JSON and as UTF-8, cut to size."""
    shown = str(said)[: most * 2]
    if not shown.isprintable():
        shown = "".join(letter if letter.isprintable() else " " for letter in shown)
    return sys.intern(" ".join(shown.split())[:most].rstrip())


def _count(said: Any) -> int:
    """Raises ValueError for what counts nothing; a number that no host can have is cut."""
    count = int(said)
    if count < 0:
        raise ValueError(f"{count} is no count")
    return min(count, _LARGEST_COUNT)

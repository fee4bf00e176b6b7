"""What a worker host answers: the exit code of the document's script and the last JSON line it printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from snow_white.model.fleet import Process

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
    """The JSON line. `omitted` counts processes that the host left out to keep the line short."""

    result: str
    message: str
    processes: tuple[Process, ...] = ()
    omitted: int = 0


def parse_answer(output: str) -> HostAnswer | None:
    """Read the answer from a command plugin's output (as in ListCommandInvocations with Details).

    Returns:
        None when the last line of stdout is not such an answer: cut off, or not printed at all.
    """
    lines = output.split(_STDERR_MARK, 1)[0].strip().splitlines()
    if not lines:
        return None
    try:
        answer = json.loads(lines[-1])
        return HostAnswer(
            result=str(answer["result"]),
            message=str(answer.get("message", "")),
            processes=tuple(_process(process) for process in answer.get("processes", [])),
            omitted=int(answer.get("omitted", 0)),
        )
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        return None


def _process(raw: Mapping[str, Any]) -> Process:
    return Process(
        pid=int(raw["pid"]),
        version=str(raw.get("version", "")),
        tag=str(raw.get("tag", "")),
        busy=int(raw.get("busy", 0)),
        state=str(raw["state"]),
        supervisor=str(raw.get("supervisor", "")),
    )

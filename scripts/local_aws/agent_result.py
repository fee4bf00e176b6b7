"""What an agent reports of a document that has ended, and how the service words it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

OUTPUT_CHARACTERS: Final = 2500
"""How much of a plugin's output the service keeps for ListCommandInvocations."""


class Outcome(Protocol):
    """How something went on an instance: a step of a document, or all of it."""

    @property
    def status_details(self) -> str: ...
    @property
    def response_code(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime: ...


class StepResult(Outcome, Protocol):
    """How one step went."""

    @property
    def name(self) -> str: ...


class Result(Outcome, Protocol):
    """What an agent reports at the end; `local_aws.agent.Result` is one."""

    @property
    def steps(self) -> Sequence[StepResult]: ...


def service_details(outcome: Outcome) -> str:
    """The StatusDetails of the service: the agent's plain TimedOut is an execution timeout."""
    return "ExecutionTimedOut" if outcome.status_details == "TimedOut" else outcome.status_details


def shortened_output(stdout: str, stderr: str, characters: int = OUTPUT_CHARACTERS) -> str:
    """Both streams as the agent joins them for the service: the END of the longer one is what gets lost."""
    heading = "\n----------ERROR-------\n" if stderr else ""
    room = characters - len(heading)
    if len(stdout) + len(stderr) < room:
        return stdout + heading + stderr
    cut_output, cut_error = "\n---Output truncated---", "\n---Error truncated----"
    if not stderr or len(stderr) < room // 2:
        return stdout[: room - len(stderr) - len(cut_output)] + cut_output + heading + stderr
    if len(stdout) < room // 2:
        return stdout + heading + stderr[: room - len(stdout) - len(cut_error)] + cut_error
    half = room // 2
    return (
        stdout[: half - len(cut_output)] + cut_output + heading + stderr[: half - len(cut_error)] + cut_error
    )

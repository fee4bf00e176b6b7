"""What an agent reports of a document that has ended, and how the service shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

StepStatus = Literal["Success", "Failed", "TimedOut", "Cancelled"]
"""The agent's word for how a step ended."""

OUTPUT_CHARACTERS: Final = 2500
"""How much of a plugin's output the service keeps for ListCommandInvocations."""


@dataclass(frozen=True)
class StepOutcome:
    """How a step ended: its exit code (128 + N after signal N) and the first 24,000 bytes of each stream."""

    code: int
    stdout: bytes
    stderr: bytes
    was_cancelled: bool = False


@dataclass(frozen=True)
class StepResult:
    """What the agent reports of one step of the document. `stdout` and `stderr` are the first 24,000 bytes of each."""

    name: str
    plugin: str
    status_details: StepStatus
    response_code: int
    stdout: str
    stderr: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class DocumentResult:
    """What the agent reports of a document on one instance; at least one step ran or could not be read.

    The single values are those of the `decisive` step; the times are those of the whole document.
    """

    steps: tuple[StepResult, ...]

    @property
    def decisive(self) -> StepResult:
        """The step whose result is the document's: failed, timed out, cancelled, success, in this order."""
        for status in ("Failed", "TimedOut", "Cancelled"):
            for step in self.steps:
                if step.status_details == status:
                    return step
        return self.steps[-1]

    @property
    def status_details(self) -> StepStatus:
        return self.decisive.status_details

    @property
    def response_code(self) -> int:
        return self.decisive.response_code

    @property
    def stdout(self) -> str:
        return self.decisive.stdout

    @property
    def stderr(self) -> str:
        return self.decisive.stderr

    @property
    def started_at(self) -> datetime:
        return self.steps[0].started_at

    @property
    def ended_at(self) -> datetime:
        return self.steps[-1].ended_at


def service_details(outcome: DocumentResult | StepResult) -> str:
    """The StatusDetails of the service: the agent's plain TimedOut is an execution timeout."""
    return "ExecutionTimedOut" if outcome.status_details == "TimedOut" else outcome.status_details


def shortened_output(stdout: str, stderr: str, characters: int = OUTPUT_CHARACTERS) -> str:
    """Both streams as the agent joins them for the service: it cuts the END of the longer one."""
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

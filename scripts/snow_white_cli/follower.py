"""Following a run until it ends, with retries when AWS cannot be reached."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from snow_white.aws.errors import code_of
from snow_white_cli.access import Access
from snow_white_cli.aws_errors import AwsError, ErrorKind, error_kind, explain
from snow_white_cli.exit_codes import RunStateUnknown, WrongUsage
from snow_white_cli.program import shell_line
from snow_white_cli.runs import Ended, FollowedRun
from snow_white_cli.showing.progress import RunProgress

_RUNNING: Final = "RUNNING"
_MIN_POLL_SECONDS: Final = 1.0
_MAX_POLL_SECONDS: Final = 15.0
_POLL_SHARE_OF_ELAPSED: Final = 0.02
_MAX_RETRY_SECONDS: Final = 30.0
LOGIN_TIMEOUT_SECONDS: Final = 30 * 60.0
"""How long the follower waits for the user to log in again."""


class ProgressDisplay(Protocol):
    """Shows a run's progress to the user."""

    def show(self, progress: RunProgress) -> None:
        """Show the newest progress."""

    def print_message(self, message: str) -> None:
        """Print a message that stays on the screen."""


@dataclass
class Follower:
    """Follows one execution.

    Throttling, internal errors of AWS and a lost connection are retried without a limit. Expired credentials are read
    again until the user has logged in, for at most LOGIN_TIMEOUT_SECONDS. The user sees one message when such errors
    begin and one when they end.
    """

    access: Access
    arn: str
    display: ProgressDisplay
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _client: Any = None
    _lease: str = ""
    _failing_with: ErrorKind | None = None
    _failing_since: float = 0.0
    _retries: int = 0

    def until_end(self) -> Ended:
        """Show the progress until the execution has ended.

        Raises:
            RunStateUnknown: AWS denied access or returned an unexpected error, or the user did not log in again.
            WrongUsage: there is no such execution.
            KeyboardInterrupt: the user pressed Ctrl-C. The method may be called again.
        """
        while True:
            try:
                ended, seconds = self._poll()
            except AwsError as error:
                seconds = self._handle_error(error)
            else:
                self._report_recovery()
                if ended:
                    return ended
            self.sleep(seconds)

    def _poll(self) -> tuple[Ended | None, float]:
        """The run's end, or None while it goes on; and the seconds until the next poll."""
        run = self._run()
        described = run.describe()
        if described["status"] != _RUNNING:
            return run.end(), 0.0
        _, state = run.newest_state()
        progress = RunProgress.read(state, described["startDate"], self.now())
        if progress.lease and progress.lease != self._lease:
            self._lease = progress.lease
            self.display.print_message(progress.lease)
        self.display.show(progress)
        wait = progress.elapsed.total_seconds() * _POLL_SHARE_OF_ELAPSED
        return None, min(max(wait, _MIN_POLL_SECONDS), _MAX_POLL_SECONDS)

    def _run(self) -> FollowedRun:
        if self._client is None:
            self._client = self.access.client("stepfunctions")
        return FollowedRun(self._client, self.arn)

    def _handle_error(self, error: Exception) -> float:
        """Report the error unless it was reported before; the seconds until the next try."""
        kind = error_kind(error)
        if isinstance(error, ClientError) and code_of(error) in ("ExecutionDoesNotExist", "InvalidArn"):
            raise WrongUsage(f"There is no run {self.arn}.") from error
        if kind in (ErrorKind.ACCESS_DENIED, ErrorKind.OTHER):
            raise RunStateUnknown(f"{explain(error)} {self._how_to_follow_again()}") from error
        if kind is ErrorKind.CREDENTIALS:
            self._renew_credentials(error)
        if kind is not self._failing_with:
            self._failing_with, self._failing_since, self._retries = kind, self.clock(), 0
            self.display.print_message(f"{explain(error)} {_WHILE_FAILING[kind]}")
        self._retries += 1
        return float(min(2**self._retries, _MAX_RETRY_SECONDS))

    def _renew_credentials(self, error: Exception) -> None:
        waited = self.clock() - self._failing_since if self._failing_with is ErrorKind.CREDENTIALS else 0.0
        if waited > LOGIN_TIMEOUT_SECONDS or not self.access.can_be_renewed:
            raise RunStateUnknown(f"{explain(error)} {self._how_to_follow_again()}") from error
        self.access.renew()
        self._client = None

    def _report_recovery(self) -> None:
        if self._failing_with is not None:
            self.display.print_message("AWS answers again.")
        self._failing_with = None

    def _how_to_follow_again(self) -> str:
        name = self.arn.rpartition(":")[2]
        line = shell_line("follow", name, *self.access.options)
        return f"The run goes on in AWS. Follow it again with: {line}"


_WHILE_FAILING: Final = {
    ErrorKind.NETWORK: "The run goes on. Retrying until AWS can be reached.",
    ErrorKind.TRANSIENT: "The run goes on. Retrying less often.",
    ErrorKind.CREDENTIALS: "The run goes on. Log in again to see it here.",
}

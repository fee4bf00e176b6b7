"""Following a run to its end, whatever happens on the way to AWS: the run itself goes on there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from snow_white.aws.errors import code_of
from snow_white_cli.access import Access
from snow_white_cli.aws_errors import AwsError, Trouble, sentence, trouble_of
from snow_white_cli.ends import LostSight, WrongUsage
from snow_white_cli.news import News
from snow_white_cli.runs import Ended, FollowedRun

_RUNNING: Final = "RUNNING"
_SHORTEST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 15.0
_SHARE_OF_ELAPSED: Final = 0.02
_LONGEST_BETWEEN_TRIES: Final = 30.0
LOGIN_PATIENCE_SECONDS: Final = 30 * 60.0
"""How long a person has to log in again before the run is lost sight of."""


class View(Protocol):
    """Where news are shown."""

    def show(self, news: News) -> None:
        """The run goes on."""

    def say(self, words: str) -> None:
        """Something else has to be said, once."""


@dataclass
class Follower:
    """Follows one execution.

    Throttling and a lost connection are waited out without an end, expired credentials until somebody has logged
    in again: each is said once, and so is its end.

    Attributes:
        started: when the execution started, as far as it is known yet.
    """

    access: Access
    arn: str
    view: View
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _client: Any = None
    _trouble: Trouble | None = None
    _since: float = 0.0
    _tries: int = 0

    def until_end(self) -> Ended:
        """Show news until the execution has ended.

        Raises:
            LostSight: AWS refuses to say more, or nobody logged in again.
            WrongUsage: there is no such execution.
            KeyboardInterrupt: it may be called again after it.
        """
        while True:
            try:
                ended, seconds = self._look()
            except AwsError as error:
                seconds = self._put_up_with(error)
            else:
                self._all_is_well()
                if ended:
                    return ended
            self.sleep(seconds)

    def _look(self) -> tuple[Ended | None, float]:
        """The end, if it has come; else how many seconds to wait before the next look."""
        run = self._run()
        described = run.describe()
        if described["status"] != _RUNNING:
            return run.end(), 0.0
        _, state = run.newest_state()
        news = News.read(state, described["startDate"], self.now())
        self.view.show(news)
        wait = news.elapsed.total_seconds() * _SHARE_OF_ELAPSED
        return None, min(max(wait, _SHORTEST_SECONDS), _LONGEST_SECONDS)

    def _run(self) -> FollowedRun:
        if self._client is None:
            self._client = self.access.client("stepfunctions")
        return FollowedRun(self._client, self.arn)

    def _put_up_with(self, error: Exception) -> float:
        """Say what is wrong if that is news; returns the seconds until the next try."""
        trouble = trouble_of(error)
        if isinstance(error, ClientError) and code_of(error) in ("ExecutionDoesNotExist", "InvalidArn"):
            raise WrongUsage(f"There is no run {self.arn}.") from error
        if trouble in (Trouble.REFUSED, Trouble.OTHER):
            raise LostSight(f"{sentence(error)} {self._still_there()}") from error
        if trouble is Trouble.CREDENTIALS:
            self._wait_for_login(error)
        if trouble is not self._trouble:
            self._trouble, self._since, self._tries = trouble, self.clock(), 0
            self.view.say(f"{sentence(error)} {_MEANWHILE[trouble]}")
        self._tries += 1
        return float(min(2**self._tries, _LONGEST_BETWEEN_TRIES))

    def _wait_for_login(self, error: Exception) -> None:
        late = self._trouble is Trouble.CREDENTIALS and self.clock() - self._since > LOGIN_PATIENCE_SECONDS
        if late or not self.access.can_be_renewed:
            raise LostSight(f"{sentence(error)} {self._still_there()}") from error
        self.access.renew()
        self._client = None

    def _all_is_well(self) -> None:
        if self._trouble is not None:
            self.view.say("AWS answers again.")
        self._trouble = None

    def _still_there(self) -> str:
        name = self.arn.rpartition(":")[2]
        return f"The run goes on without being watched. Watch it again with: snow-white follow {name}"


_MEANWHILE: Final = {
    Trouble.NETWORK: "The run goes on there; trying again until it can be reached.",
    Trouble.BUSY: "The run goes on; trying again, less often.",
    Trouble.CREDENTIALS: "The run goes on; once you have logged in again, it is shown here again.",
}

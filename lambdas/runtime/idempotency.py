"""Work that is done once, although its step is retried or its event is delivered twice.

Powertools' Idempotency keeps a record of each piece of work in a DynamoDB table: in progress, then completed with the
result. A copy that comes later gets that result. The table is no need: when it cannot be used, a warning is logged and
the work is done as if there were no table.

Work that ends without a result (its process died) is done again after the time that it may take. So what it did
between its last effect and its record, a moment, is done twice rather than never.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    BaseError,
    IdempotencyAlreadyInProgressError,
)

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from botocore.client import BaseClient

Json = dict[str, Any]

# Longer than the events of an execution's end are delivered again, and longer than any step is retried.
_KEPT_SECONDS: Final = 86_400
_PAUSE_SECONDS: Final = 2


class InProgress(Exception):
    """Another copy of the function is doing the same work, and did not end in the time that could be waited for it."""


@dataclass(frozen=True)
class RunOccasions:
    """The keys of one run's work.

    Attributes:
        execution: the ARN.
        redrives: how often the execution was redriven, for each redrive ends once more. None: that is not known, as in
            executions of a state machine of before this was asked; their work has no key and is done each time.
    """

    execution: str
    redrives: int | None

    def key(self, work: str, **more: Any) -> Json | None:
        """The key of a piece of work; `more` tells it from other work of the same name."""
        if self.redrives is None:
            return None
        return {"execution": self.execution, "redrives": self.redrives, "work": work, **more}

    @property
    def end(self) -> Json | None:
        """Of telling the run's end, which the run itself and close_run share."""
        return self.key("end")


@dataclass(frozen=True)
class Limits:
    """Seconds.

    Attributes:
        work: how long the work may take. A record that is in progress for longer is of a copy that died.
        wait: how long to wait for another copy that is at the same work.
    """

    work: float
    wait: float


# A retry waits for it long enough to know whether the other copy has died.
_COUNTING: Final = Limits(work=30, wait=34)


class Once:
    """Does a piece of work once, whoever comes with it.

    Args:
        table: the DynamoDB table's name; "" for none.
        client: of DynamoDB.
    """

    def __init__(self, table: str, client: BaseClient, logger: Logger) -> None:
        self._logger = logger
        self._store = DynamoDBPersistenceLayer(table, boto3_client=client) if table else None

    def do(self, key: Json | None, work: Callable[[], Json], limits: Limits) -> Json:
        """The work's result, from whoever has done it.

        Args:
            key: as `RunOccasions` makes them; None: the work is done each time.
            work: its result must be JSON and not empty. An error of it is raised, and no record is left.

        Raises InProgress.
        """
        if key is None:
            return work()
        pauses_left = int(limits.wait / _PAUSE_SECONDS)
        while True:
            attempt = _Attempt(work)
            try:
                return self._try(key, attempt, limits)
            except InProgress:
                # Work that was done here may itself have waited for another copy, and in vain.
                if attempt.was_made or pauses_left <= 0:
                    raise
            pauses_left -= 1
            time.sleep(_PAUSE_SECONDS)

    def counting(self, run: RunOccasions) -> Callable[[Callable[[], Json]], Json]:
        """`do` for counting and announcing the run's end, which is recorded before Slack takes its time."""
        return partial(self.do, run.key("counted"), limits=_COUNTING)

    def _try(self, key: Json, attempt: _Attempt, limits: Limits) -> Json:
        try:
            result: Json = self._recorded(attempt, limits)(key=key)
        except IdempotencyAlreadyInProgressError:
            raise InProgress(f"Another copy is doing {key['work']} of {key['execution']}.") from None
        except BaseError as error:
            self._logger.warning("the idempotency table cannot be used", extra={"failure": str(error)})
            return attempt.outcome()
        if not attempt.was_made:
            self._logger.info("was done before", extra={"work": key["work"]})
        return result

    def _recorded(self, attempt: _Attempt, limits: Limits) -> Callable[..., Json]:
        if self._store is None:
            raise BaseError("The environment variable IDEMPOTENCY_TABLE is missing.")

        def make(*, key: Json) -> Json:
            return attempt.outcome()

        recorded: Callable[..., Json] = idempotent_function(
            make,
            data_keyword_argument="key",
            persistence_store=self._store,
            config=IdempotencyConfig(
                expires_after_seconds=_KEPT_SECONDS,
                hash_function="sha256",
                lambda_context=_Remaining(limits.work),  # type: ignore[arg-type]
            ),
            # The same in both functions, for they share keys.
            key_prefix="run",
        )
        return recorded


@dataclass(frozen=True)
class _Remaining:
    """What Powertools asks of a Lambda context: when a record in progress expires."""

    seconds: float

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class _Attempt:
    """The work, done at most once: its outcome stays also when the table fails afterwards."""

    def __init__(self, work: Callable[[], Json]) -> None:
        self._work = work
        self._result: Json | None = None
        self._error: Exception | None = None

    @property
    def was_made(self) -> bool:
        return self._result is not None or self._error is not None

    def outcome(self) -> Json:
        """The result, or the error raised."""
        if self._error is not None:
            raise self._error
        if self._result is None:
            try:
                self._result = self._work()
            except Exception as error:
                self._error = error
                raise
        return self._result

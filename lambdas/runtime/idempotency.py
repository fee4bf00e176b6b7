"""Work that is done once, although its step is retried or its event is delivered twice.

Powertools' Idempotency keeps a record of each piece of work in a DynamoDB table: in progress, then completed with its
result. A later invocation gets that result. If the table cannot be used, a warning is logged and the work is done as
if there were no table.

An invocation that dies leaves its record in progress. The work is done again when that record expires, so an effect is
repeated if the invocation died between the effect and the record of it.
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
    IdempotencyItemAlreadyExistsError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from botocore.client import BaseClient

Json = dict[str, Any]

# Events are not delivered again, and steps are not retried, after that time.
_KEPT_SECONDS: Final = 86_400
_PAUSE_SECONDS: Final = 2


class InProgress(Exception):
    """Another invocation does the same work, and did not finish while this one waited."""


@dataclass(frozen=True)
class RunKeys:
    """The keys of one run's work.

    Attributes:
        execution: the execution's ARN.
        redrives: how often the execution was redriven: each redrive has an end of its own. None if that is not known,
            as in executions of an older state machine; their work has no key and is done each time.
    """

    execution: str
    redrives: int | None

    def key(self, work: str, **more: Any) -> Json | None:
        """The key of a piece of work; `more` distinguishes it from other work of the same name."""
        if self.redrives is None:
            return None
        return {"execution": self.execution, "redrives": self.redrives, "work": work, **more}

    @property
    def end(self) -> Json | None:
        """The key for reporting the run's end, which NotifySlack and close_run share."""
        return self.key("end")


@dataclass(frozen=True)
class Limits:
    """Seconds.

    Attributes:
        work: how long the work may take. If a record is in progress for longer, its invocation has died.
        wait: how long to wait for another invocation that does the same work.
    """

    work: float
    wait: float


# The wait is longer than the work, so that an invocation that died is never waited for in vain.
_PUBLISHING: Final = Limits(work=30, wait=34)


class Once:
    """Does each piece of work once, in whichever function and invocation.

    Args:
        table: the DynamoDB table's name; "" for none.
        client: of DynamoDB.
    """

    def __init__(self, table: str, client: BaseClient, logger: Logger) -> None:
        self._logger = logger
        self._store = _Table(table, boto3_client=client) if table else None

    def do(self, key: Json | None, work: Callable[[], Json], limits: Limits) -> Json:
        """The work's result, from this invocation or from an earlier one.

        Args:
            key: from `RunKeys`; None: the work is done each time.
            work: returns JSON that is not empty. If it raises an error, its record is deleted and the error is raised.

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
                # If the work began here, it has itself waited for other work, in vain.
                if attempt.was_made or pauses_left <= 0:
                    raise
            pauses_left -= 1
            time.sleep(_PAUSE_SECONDS)

    def publishing(self, keys: RunKeys) -> Callable[[Callable[[], Json]], Json]:
        """`do` for the metrics and the event of the run's end, which have a record before Slack is notified."""
        return partial(self.do, keys.key("publish"), limits=_PUBLISHING)

    def _try(self, key: Json, attempt: _Attempt, limits: Limits) -> Json:
        try:
            result: Json = self._recorded(attempt, limits)(key=key)
        except IdempotencyAlreadyInProgressError:
            raise InProgress(f"Another invocation does {key['work']} of {key['execution']}.") from None
        except BaseError as error:
            self._logger.warning("the idempotency table cannot be used", extra={"failure": str(error)})
            return attempt.outcome()
        if not attempt.was_made:
            self._logger.info("already done", extra={"work": key["work"]})
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
            # The same in all functions, because they share keys.
            key_prefix="run",
        )
        return recorded


class _Table(DynamoDBPersistenceLayer):
    """The table. A record that is written twice, because the answer to the first attempt was lost, is no other's."""

    def _put_record(self, data_record: DataRecord) -> None:
        try:
            super()._put_record(data_record)
        except IdempotencyItemAlreadyExistsError as error:
            # The time is in milliseconds: another invocation's record has another.
            found = error.old_data_record
            own = (data_record.status, data_record.in_progress_expiry_timestamp)
            if not found or (found.status, found.in_progress_expiry_timestamp) != own:
                raise


@dataclass(frozen=True)
class _Remaining:
    """The part of a Lambda context that Powertools uses: how long a record may be in progress."""

    seconds: float

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class _Attempt:
    """Work that is done at most once. Its outcome is kept, in case the table fails afterwards."""

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

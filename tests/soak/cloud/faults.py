"""Faults of AWS's calls: for a span of time, in one region, of one operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.soak.cloud.edge import NetworkFault
from tests.soak.cloud.encoding import Call, Reply, ServiceError

# Faults of the whole call, and what is wrong with the rows of a list.
CALL_FAULTS: Final = (
    "throttled",
    "refused",
    "internal-error",
    "unavailable",
    "reset",
    "connect-timeout",
    "read-timeout",
    "html",
    "broken-html",
    "cut-short",
    "lost-answer",
    "slow",
)
ROW_FAULTS: Final = ("partial", "empty", "late", "stale", "doubled", "mixed", "small-pages", "expired-pages")
ANY: Final = "*"
_THROTTLED: Final = {
    "ec2": ("RequestLimitExceeded", 503),
    "elasticbeanstalk": ("Throttling", 400),
    "iam": ("Throttling", 400),
}
_REFUSED: Final = {
    "ec2": ("UnauthorizedOperation", 403),
    "elasticbeanstalk": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
}
_HTML: Final = b"<html><head><title>Sign in</title></head><body><p>Please sign in.</p></body></html>"
_BROKEN_HTML: Final = (
    b"<!DOCTYPE html><html><head><meta charset=utf-8><title>Sign in</title><body><br>Please sign in"
)
_LAGS: Final[Mapping[str, float]] = {"late": 4.0, "stale": 45.0}


@dataclass(frozen=True)
class ApiFault:
    """Calls of `operation` ("*": all) in `region` fail in the way of `kind`, for `seconds` from `start` on.

    `share` of the calls are hit, so that retries may come through.
    """

    kind: str
    region: str
    operation: str
    start: float
    seconds: float
    share: float = 1.0

    def hits(self, call: Call, elapsed: float) -> bool:
        return (
            self.start <= elapsed < self.start + self.seconds
            and self.region in (ANY, call.region)
            and self.operation in (ANY, call.operation)
        )


@dataclass
class Faults:
    """The faults of one scenario; `injected` counts them by kind as they hit, `hit_services` has the services."""

    planned: Sequence[ApiFault]
    random: Random
    injected: Counter[str] = field(default_factory=Counter)
    hit_services: set[str] = field(default_factory=set)

    def may_hit(self, call: Call, elapsed: float) -> bool:
        """Whether a fault is on now that means this call."""
        return bool(self.planned) and any(one.hits(call, elapsed) for one in self.planned)

    def hitting(self, call: Call, elapsed: float) -> set[str]:
        """The kinds that hit this call."""
        kinds = {
            one.kind
            for one in self.planned
            if one.hits(call, elapsed) and (one.share >= 1 or self.random.random() < one.share)
        }
        if kinds:
            self.injected.update(kinds)
            self.hit_services.add(call.service)
        return kinds


def fail_before(call: Call, kinds: set[str]) -> Reply | None:
    """Raise, or answer, what keeps the call from having any effect."""
    if "throttled" in kinds:
        code, status = _THROTTLED.get(call.service, ("ThrottlingException", 400))
        raise ServiceError(code, "Rate exceeded", status)
    if "refused" in kinds:
        code, status = _REFUSED.get(call.service, ("AccessDeniedException", 400))
        raise ServiceError(code, f"You are not authorized to perform {call.operation}.", status)
    if "not-found" in kinds:
        raise ServiceError("ResourceNotFoundException", "Requested resource not found")
    if "internal-error" in kinds:
        code = "InternalError" if call.service == "ec2" else "InternalServerError"
        raise ServiceError(code, "An internal error has occurred", 500)
    if "reset" in kinds:
        raise NetworkFault("reset", 0.2)
    if "connect-timeout" in kinds:
        raise NetworkFault("connect-timeout", 5)
    if "unavailable" in kinds:
        return Reply(503, _HTML, {"content-type": "text/html"})
    if "html" in kinds:
        return Reply(200, _HTML, {"content-type": "text/html"})
    if "broken-html" in kinds:
        return Reply(200, _BROKEN_HTML, {"content-type": "text/html"})
    return None


def fail_after(kinds: set[str], reply: Reply) -> Reply:
    """Spoil the answer of a call that has had its effect."""
    if "read-timeout" in kinds:
        raise NetworkFault("read-timeout", 10)
    if "lost-answer" in kinds:
        raise NetworkFault("reset", 1)
    if "cut-short" in kinds:
        return Reply(reply.status, reply.body[: len(reply.body) * 2 // 3], reply.headers)
    return reply


def lag_of(kinds: set[str]) -> float:
    """How old the rows are."""
    return max((_LAGS.get(kind, 0.0) for kind in kinds), default=0.0) if kinds else 0.0

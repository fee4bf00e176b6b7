"""What a request said, valid or not: anybody may start an execution with any JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snow_white.model.durations import DEFAULT_TIMEOUT_SECONDS, parse_timeout
from snow_white.model.limits import LONGEST_TEXT, bounded, cut
from snow_white.model.report import Stated
from snow_white.model.request import Request
from snow_white.model.slack_ids import is_member_id


@dataclass(frozen=True)
class StatedRequest:
    """Each key as it was stated, cut to size; a value that nobody can be told by counts as not stated.

    Attributes:
        channel: "" for none.
        slack_user: a Slack member id, or None.
        timeout_seconds: the default where none, or none that a run may have, was stated.
    """

    action: Stated = None
    application: Stated = None
    environments: Stated = None
    regions: Stated = None
    requested_by: Stated = None
    channel: str = ""
    slack_user: str | None = None
    direct_message: bool | None = None
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS

    @classmethod
    def of(cls, request: Request) -> StatedRequest:
        """A valid request, as it was stated."""
        return cls(
            action=request.action.value,
            application=request.application,
            environments=request.environments,
            regions=request.regions,
            requested_by=request.requested_by,
            channel=request.channel or "",
            slack_user=request.slack_user,
            direct_message=request.direct_message,
            timeout_seconds=request.timeout_seconds,
        )

    @classmethod
    def read(cls, raw: object) -> StatedRequest:
        """From an execution's input, or from the request of a state."""
        said = raw if isinstance(raw, Mapping) else {}
        channel, member, direct = said.get("channel"), said.get("slack_user"), said.get("direct_message")
        return cls(
            action=bounded(said.get("action")),
            application=bounded(said.get("application")),
            environments=bounded(said.get("environments")),
            regions=bounded(said.get("regions")),
            requested_by=bounded(said.get("requested_by")),
            channel=cut(channel, LONGEST_TEXT) if isinstance(channel, str) else "",
            slack_user=member if is_member_id(member) else None,
            direct_message=direct if isinstance(direct, bool) else None,
            timeout_seconds=parse_timeout(said.get("timeout_seconds")) or DEFAULT_TIMEOUT_SECONDS,
        )

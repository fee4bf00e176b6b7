"""A request as it was stated, valid or not: an execution's input may be any JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snow_white.model.durations import DEFAULT_TIMEOUT_SECONDS, parse_timeout
from snow_white.model.fleet import Fleet, fleet_name, read_tag_texts, tag_texts
from snow_white.model.limits import LONGEST_TEXT, bounded, cut
from snow_white.model.reminder import Reminder
from snow_white.model.report import Stated
from snow_white.model.request import Defaults, Request
from snow_white.model.slack_ids import is_member_id
from snow_white.model.termination import Termination


@dataclass(frozen=True)
class StatedRequest:
    """Each key as it was stated, cut to size. Invalid values that Slack would need count as not stated.

    Attributes:
        tags: texts `KEY=VALUE`.
        channel: "" for none.
        slack_user: a Slack member id, or None.
        environments_named, regions_named: whether the request names them, or the settings do.
        timeout_seconds: the default if the stated value is missing or invalid.
        only_asleep_by: whether only workers are concerned that a certain run has put to sleep.
    """

    action: Stated = None
    application: Stated = None
    environments: Stated = None
    regions: Stated = None
    requested_by: Stated = None
    auto_scaling_groups: Stated = None
    tags: Stated = None
    instances: Stated = None
    channel: str = ""
    slack_user: str | None = None
    direct_message: bool | None = None
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    environments_named: bool = False
    regions_named: bool = False
    only_asleep_by: bool = False
    reminder: Reminder | None = None
    termination: Termination | None = None

    @property
    def fleet_name(self) -> str:
        """The fleet's name for people; "" if the request names none."""
        return fleet_name(self.application, self.auto_scaling_groups, self.tags, self.instances)

    def fleet(self, defaults: Defaults) -> Fleet:
        """The fleet, as far as the request is valid."""
        application = self.application if isinstance(self.application, str) else ""
        environments = texts(self.environments) or (defaults.environments if application else ())
        groups, tags = texts(self.auto_scaling_groups), read_tag_texts(texts(self.tags))
        return Fleet(application, environments, groups, tags, texts(self.instances))

    @classmethod
    def of(cls, request: Request) -> StatedRequest:
        """The stated form of a valid request."""
        return cls(
            action=request.action.value,
            application=request.application or None,
            environments=request.environments or None,
            auto_scaling_groups=request.auto_scaling_groups or None,
            tags=tag_texts(request.tags) or None,
            instances=request.instances or None,
            regions=request.regions,
            requested_by=request.requested_by,
            channel=request.channel or "",
            slack_user=request.slack_user,
            direct_message=request.direct_message,
            timeout_seconds=request.timeout_seconds,
            environments_named=request.environments_named,
            regions_named=request.regions_named,
            only_asleep_by=request.only_asleep_by is not None,
            reminder=request.reminder,
            termination=request.termination,
        )

    @classmethod
    def read(cls, raw: object) -> StatedRequest:
        """Read an execution's input, or the request in an execution's state."""
        stated = raw if isinstance(raw, Mapping) else {}
        channel, member, direct = (
            stated.get("channel"),
            stated.get("slack_user"),
            stated.get("direct_message"),
        )
        return cls(
            action=bounded(stated.get("action")),
            application=bounded(stated.get("application")) or None,
            environments=bounded(stated.get("environments")) or None,
            auto_scaling_groups=bounded(_listed(stated.get("auto_scaling_groups"))),
            tags=bounded(_listed_tags(stated.get("tags"))),
            instances=bounded(_listed(stated.get("instances"))),
            regions=bounded(stated.get("regions")),
            requested_by=bounded(stated.get("requested_by")),
            channel=cut(channel, LONGEST_TEXT) if isinstance(channel, str) else "",
            slack_user=member if is_member_id(member) else None,
            direct_message=direct if isinstance(direct, bool) else None,
            timeout_seconds=parse_timeout(stated.get("timeout_seconds")) or DEFAULT_TIMEOUT_SECONDS,
            environments_named=_named(stated, "environments"),
            regions_named=_named(stated, "regions"),
            only_asleep_by=stated.get("only_asleep_by") not in (None, False),
            reminder=Reminder.read(stated.get("reminder")),
            termination=Termination.read(stated.get("termination")),
        )


def texts(stated: Stated) -> tuple[str, ...]:
    """The texts in a stated value, which may be one, a list of them, or anything else."""
    if isinstance(stated, str):
        return (stated,)
    return stated if isinstance(stated, tuple) else ()


def _listed(value: object) -> object:
    """A list also of a single text, None for an empty list."""
    return [value] if isinstance(value, str) else value or None


def _listed_tags(value: object) -> object:
    """Tags as texts `KEY=VALUE`; this package writes them so, a request has an object."""
    if not isinstance(value, Mapping):
        return _listed(value)
    lists = {str(key): some if isinstance(some, list) else [some] for key, some in value.items()}
    return _listed(list(tag_texts({key: map(str, some) for key, some in lists.items()})))


def _named(stated: Mapping[str, object], key: str) -> bool:
    """The state of a run says it; an execution's input that has the key names them."""
    said = stated.get(f"{key}_named")
    return said if isinstance(said, bool) else stated.get(key) is not None

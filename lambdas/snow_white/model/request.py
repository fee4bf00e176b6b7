"""The request: the execution's input, from a person, a pipeline, the command line or Slack."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from snow_white.model.action import Action
from snow_white.model.durations import DEFAULT_TIMEOUT_SECONDS
from snow_white.model.fleet import ENVIRONMENT_NAME_TAG, Fleet
from snow_white.model.reminder import Reminder
from snow_white.model.request_fields import EXAMPLE, RequestFields, json_type, show
from snow_white.model.termination import Termination

KEYS: Final = (
    "action",
    "application",
    "environments",
    "auto_scaling_groups",
    "tags",
    "instances",
    "regions",
    "timeout_seconds",
    "channel",
    "slack_user",
    "direct_message",
    "requested_by",
    "wake_after_seconds",
)
INTERNAL_KEYS: Final = ("only_asleep_by", "reminder", "termination")
"""Those that Snow White itself writes into the requests of runs that it schedules or starts."""
_MAX_SENTENCES: Final = 10


class InvalidRequest(Exception):
    """The execution's input is invalid; the message names the key and what is allowed."""


@dataclass(frozen=True)
class Limits:
    """What a request may select beside applications of Elastic Beanstalk; the functions can send to nothing else.

    Attributes:
        worker_groups: globs for the names of Auto Scaling groups.
        worker_tags: by key, globs for values; an instance that has one of these tags may be selected by it.
    """

    worker_groups: tuple[str, ...] = ()
    worker_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def for_termination(self) -> Limits:
        """The limits of a run for an instance's termination, which EC2 tells by its tags; any environment's too."""
        return replace(self, worker_tags={**self.worker_tags, ENVIRONMENT_NAME_TAG: ("*",)})


@dataclass(frozen=True)
class Defaults:
    """The settings' values for keys that a request leaves out, and the limits of what it may select.

    `regions` are all regions that Snow White is deployed to; a request cannot name others.
    """

    regions: tuple[str, ...]
    environments: tuple[str, ...]
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Request:
    """A valid request. README explains each key.

    Attributes:
        application, environments, auto_scaling_groups, tags, instances: as Fleet has them.
        timeout_seconds: counts from the first command.
        direct_message: whether the requester gets a direct message too; None leaves it to the notifier.
        environments_named, regions_named: whether the request names them, or the settings do.
        wake_after_seconds: for quiet and stop, when to wake the workers if nobody has; counts from the first command.
        only_asleep_by: for wake, the run of which only the workers that it has put to sleep are woken, as hosts
            remember it: "TIME NAME". Snow White itself writes it into the request of a wake that it schedules.
        reminder: for status, the run of which those are told that still sleep. Snow White itself writes it into the
            request of a look that it schedules.
        termination: for the quiet of one instance, why it is about to end. Snow White itself writes it into the request
            of a run that an event has started, and of the wake that such a run schedules.
    """

    action: Action
    application: str
    environments: tuple[str, ...]
    regions: tuple[str, ...]
    auto_scaling_groups: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    instances: tuple[str, ...] = ()
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    channel: str | None = None
    slack_user: str | None = None
    direct_message: bool | None = None
    requested_by: str | None = None
    environments_named: bool = False
    regions_named: bool = False
    wake_after_seconds: int | None = None
    only_asleep_by: str | None = None
    reminder: Reminder | None = None
    termination: Termination | None = None

    @property
    def is_scheduled(self) -> bool:
        """Whether Snow White has scheduled the run hours or days ago, for those of its fleet that are still there."""
        return self.only_asleep_by is not None or self.reminder is not None

    @property
    def drains_one_that_ends(self) -> bool:
        """Whether the run drains an instance that is about to end."""
        return self.termination is not None and self.action.drains

    @property
    def fleet(self) -> Fleet:
        """What the request selects."""
        return Fleet(self.application, self.environments, self.auto_scaling_groups, self.tags, self.instances)

    @property
    def names_patterns(self) -> bool:
        """Whether the request itself names all that is looked for; environments may be those of the settings."""
        return self.environments_named or not self.application

    @classmethod
    def parse(cls, raw: object, defaults: Defaults) -> Request:
        """Validate the execution's input.

        Raises:
            InvalidRequest: the input is invalid; the message has a sentence for each error.
        """
        if not isinstance(raw, Mapping):
            raise InvalidRequest(
                f"The input must be a JSON object such as {EXAMPLE}, but it is {json_type(raw)}."
            )
        wrong: list[str] = [_unknown_key(str(key)) for key in raw if key not in KEYS + INTERNAL_KEYS]
        fields = RequestFields(raw, wrong)
        action = fields.action()
        fields.demand_one_fleet()
        application = fields.text("application") or ""
        lease = fields.lease(action)
        only_asleep_by = fields.only_asleep_by(action)
        termination = fields.termination(action, may_wake=only_asleep_by is not None)
        limits = defaults.limits.for_termination() if termination else defaults.limits
        request = cls(
            action=action,
            application=application,
            environments=fields.texts("environments") or (defaults.environments if application else ()),
            auto_scaling_groups=fields.groups(limits),
            tags=fields.tags(limits),
            instances=fields.instances(),
            environments_named=raw.get("environments") is not None,
            regions_named=raw.get("regions") is not None,
            regions=fields.regions(defaults.regions),
            timeout_seconds=fields.timeout(lease),
            channel=fields.text("channel"),
            slack_user=fields.slack_user(),
            direct_message=fields.direct_message(),
            requested_by=fields.text("requested_by"),
            wake_after_seconds=lease,
            only_asleep_by=only_asleep_by,
            reminder=fields.reminder(action),
            termination=termination,
        )
        if wrong:
            more = len(wrong) - _MAX_SENTENCES
            rest = [f"There are {more} more errors."] if more > 0 else []
            raise InvalidRequest(" ".join([*wrong[:_MAX_SENTENCES], *rest]))
        return request


def _unknown_key(key: str) -> str:
    close = difflib.get_close_matches(key.lower(), KEYS, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{show(key)} is not a known key. {hint}Allowed are {', '.join(KEYS)}."

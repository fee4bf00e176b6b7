"""The request: the execution's input, from a person, a pipeline, the command line or Slack."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from snow_white.model.action import Action
from snow_white.model.durations import (
    ALLOWED_LEASES,
    ALLOWED_TIMEOUTS,
    DEFAULT_TIMEOUT_SECONDS,
    parse_lease,
    parse_timeout,
)
from snow_white.model.fleet import Fleet, tag_texts
from snow_white.model.globs import is_covered
from snow_white.model.reminder import REMEMBERED_RUN, Reminder
from snow_white.model.slack_ids import is_member_id

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
INTERNAL_KEYS: Final = ("only_asleep_by", "reminder")
"""Those that Snow White itself writes into the requests of runs that it schedules."""
_MAX_TEXT: Final = 256
_MAX_LIST: Final = 50
_MAX_TAGS: Final = 10
_INSTANCE_ID: Final = re.compile("i-([0-9a-f]{8}|[0-9a-f]{17})")
_MAX_SENTENCES: Final = 10
_FLEETS: Final = ("application", "auto_scaling_groups", "tags")


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

    @property
    def is_scheduled(self) -> bool:
        """Whether Snow White has scheduled the run hours or days ago, for those of its fleet that are still there."""
        return self.only_asleep_by is not None or self.reminder is not None

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
                f"The input must be a JSON object such as {_EXAMPLE}, but it is {_json_type(raw)}."
            )
        wrong: list[str] = [_unknown_key(str(key)) for key in raw if key not in KEYS + INTERNAL_KEYS]
        fields = _Fields(raw, wrong)
        action = fields.action()
        fields.demand_one_fleet()
        application = fields.text("application") or ""
        lease = fields.lease(action)
        request = cls(
            action=action,
            application=application,
            environments=fields.texts("environments") or (defaults.environments if application else ()),
            auto_scaling_groups=fields.groups(defaults.limits),
            tags=fields.tags(defaults.limits),
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
            only_asleep_by=fields.only_asleep_by(action),
            reminder=fields.reminder(action),
        )
        if wrong:
            more = len(wrong) - _MAX_SENTENCES
            rest = [f"There are {more} more errors."] if more > 0 else []
            raise InvalidRequest(" ".join([*wrong[:_MAX_SENTENCES], *rest]))
        return request


_EXAMPLE: Final = '{"action": "quiet", "application": "backups"}'


@dataclass(frozen=True)
class _Fields:
    """Reads the input's values, and collects a sentence in `wrong` for each invalid one."""

    raw: Mapping[str, Any]
    wrong: list[str]

    def action(self) -> Action:
        allowed = ", ".join(action.value for action in Action)
        value = self.raw.get("action")
        if value is None:
            self.wrong.append(f"'action' is missing: it must be one of {allowed}.")
        elif known := Action.known(value):
            return known
        else:
            self.wrong.append(f"'action' must be one of {allowed}, not {_show(value)}.")
        return Action.STATUS

    def demand_one_fleet(self) -> None:
        named = [key for key in _FLEETS if self.raw.get(key) is not None]
        if not named:
            self.wrong.append(
                f"'application' is missing: it must be a text, as in {_EXAMPLE}. In its place there may be "
                "'auto_scaling_groups' or 'tags'."
            )
        if len(named) > 1:
            keys = " and ".join(map(repr, named))
            self.wrong.append(f"{keys} cannot be named together: each selects a whole fleet.")
        if self.raw.get("environments") is not None and named and named[0] != "application":
            self.wrong.append(
                f"'environments' are those of an 'application', and cannot be named with '{named[0]}'."
            )

    def groups(self, limits: Limits) -> tuple[str, ...]:
        groups = self.texts("auto_scaling_groups")
        outside = [glob for glob in groups if not is_covered(glob, limits.worker_groups)]
        if outside:
            self.wrong.append(
                f"'auto_scaling_groups' names {', '.join(map(_show, outside))}, "
                f"but {_allowed('worker_groups', limits.worker_groups)}"
            )
        return groups

    def tags(self, limits: Limits) -> dict[str, tuple[str, ...]]:
        value = self.raw.get("tags")
        if value is None:
            return {}
        tags = _tags(value)
        if tags is None:
            self.wrong.append(
                f'\'tags\' must be an object of 1 to {_MAX_TAGS} tags, such as {{"Role": ["worker"]}}: keys without '
                f"'=', and for each a text or a list of texts, {_MAX_LIST} in all, not {_show(value)}."
            )
            return {}
        # One tag within the limits is enough: every other one selects some of the same instances.
        if not any(
            all(is_covered(glob, limits.worker_tags.get(key, ())) for glob in globs)
            for key, globs in tags.items()
        ):
            self.wrong.append(
                f"'tags' names {', '.join(map(_show, tag_texts(tags)))}, "
                f"but {_allowed('worker_tags', tag_texts(limits.worker_tags))}"
            )
        return tags

    def instances(self) -> tuple[str, ...]:
        instances = self.texts("instances")
        wrong = [one for one in instances if not _INSTANCE_ID.fullmatch(one)]
        if wrong:
            self.wrong.append(
                f"'instances' must be ids such as i-0123456789abcdef0, not {', '.join(map(_show, wrong))}."
            )
        return instances

    def text(self, key: str) -> str | None:
        value = self.raw.get(key)
        if value is None:
            return None
        if not _is_text(value):
            self.wrong.append(
                f"'{key}' must be a text of 1 to {_MAX_TEXT} printable characters, not {_show(value)}."
            )
            return None
        return str(value).strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw.get(key)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        if not values or len(values) > _MAX_LIST or not all(_is_text(one) for one in values):
            self.wrong.append(
                f"'{key}' must be a text or a list of 1 to {_MAX_LIST} texts of 1 to {_MAX_TEXT} "
                f"printable characters, not {_show(value)}."
            )
            return ()
        return tuple(dict.fromkeys(str(one).strip() for one in values))

    def regions(self, deployed: tuple[str, ...]) -> tuple[str, ...]:
        regions = self.texts("regions")
        unknown = [region for region in regions if region not in deployed]
        if unknown:
            self.wrong.append(
                f"'regions' names {', '.join(map(_show, unknown))}, but Snow White is deployed in "
                f"{', '.join(deployed)} only."
            )
        return regions or deployed

    def timeout(self, lease: int | None) -> int:
        """The timeout. Without one it is the usual one, or as long as the lease if that is shorter."""
        value = self.raw.get("timeout_seconds")
        if value is None:
            return min(DEFAULT_TIMEOUT_SECONDS, lease or DEFAULT_TIMEOUT_SECONDS)
        seconds = parse_timeout(value)
        if seconds is None:
            self.wrong.append(f"'timeout_seconds' must be {ALLOWED_TIMEOUTS}, not {_show(value)}.")
        elif lease is not None and lease < seconds:
            self.wrong.append(
                f"'wake_after_seconds' must not be shorter than 'timeout_seconds' ({seconds}), because the workers "
                f"have so long to finish their jobs; but it is {_show(self.raw['wake_after_seconds'])}."
            )
        return seconds or DEFAULT_TIMEOUT_SECONDS

    def lease(self, action: Action) -> int | None:
        value = self.raw.get("wake_after_seconds")
        if value is None:
            return None
        if not action.drains:
            self.wrong.append(f"'wake_after_seconds' is for quiet and stop only, not for {action.value}.")
            return None
        seconds = parse_lease(value)
        if seconds is None:
            self.wrong.append(f"'wake_after_seconds' must be {ALLOWED_LEASES}, not {_show(value)}.")
        return seconds

    def only_asleep_by(self, action: Action) -> str | None:
        value = self.raw.get("only_asleep_by")
        if value is None:
            return None
        if action is not Action.WAKE:
            self.wrong.append(f"'only_asleep_by' is for wake only, not for {action.value}.")
        elif not isinstance(value, str) or not REMEMBERED_RUN.fullmatch(value):
            self.wrong.append(
                "'only_asleep_by' must be a run as hosts remember it, such as '1764000000 quiet-ann', "
                f"not {_show(value)}."
            )
        else:
            return value
        return None

    def reminder(self, action: Action) -> Reminder | None:
        value = self.raw.get("reminder")
        if value is None:
            return None
        reminder = Reminder.read(value)
        if reminder is None or action is not Action.STATUS:
            self.wrong.append(
                "'reminder' is for Snow White itself, which writes it into a status that it schedules."
            )
        return reminder

    def slack_user(self) -> str | None:
        value = self.raw.get("slack_user")
        if value is None:
            return None
        if not is_member_id(value):
            self.wrong.append(
                f"'slack_user' must be a Slack member id such as U024BE7LH, not {_show(value)}."
            )
            return None
        return value

    def direct_message(self) -> bool | None:
        value = self.raw.get("direct_message")
        if value is None or isinstance(value, bool):
            return value
        self.wrong.append(f"'direct_message' must be true or false, not {_show(value)}.")
        return None


def _tags(value: object) -> dict[str, tuple[str, ...]] | None:
    """The tags with their values as lists; None if the value is not of that form."""
    if not isinstance(value, Mapping) or not 1 <= len(value) <= _MAX_TAGS:
        return None
    tags = {}
    for key, given in value.items():
        values = given if isinstance(given, list) else [given]
        if not _is_text(key) or "=" in key or not values or not all(_is_text(one) for one in values):
            return None
        tags[key.strip()] = tuple(dict.fromkeys(one.strip() for one in values))
    return tags if sum(map(len, tags.values())) <= _MAX_LIST else None


def _allowed(setting: str, limits: tuple[str, ...]) -> str:
    if not limits:
        return f"the setting {setting} allows none."
    return f"the setting {setting} allows only {', '.join(limits)}."


def _unknown_key(key: str) -> str:
    close = difflib.get_close_matches(key.lower(), KEYS, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{_show(key)} is not a known key. {hint}Allowed are {', '.join(KEYS)}."


def _is_text(value: object) -> bool:
    return (
        isinstance(value, str)
        and bool(value.strip())
        and len(value) <= _MAX_TEXT
        and value.strip().isprintable()
    )


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a number"

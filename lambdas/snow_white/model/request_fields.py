"""The values of a request's keys: what each may be, and the sentence for one that it may not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from snow_white.model.action import Action
from snow_white.model.durations import (
    ALLOWED_LEASES,
    ALLOWED_TIMEOUTS,
    DEFAULT_TIMEOUT_SECONDS,
    parse_lease,
    parse_timeout,
)
from snow_white.model.fleet import tag_texts
from snow_white.model.globs import is_covered
from snow_white.model.reminder import REMEMBERED_RUN, Reminder
from snow_white.model.slack_ids import is_member_id
from snow_white.model.termination import Termination

if TYPE_CHECKING:
    from snow_white.model.request import Limits

EXAMPLE: Final = '{"action": "quiet", "application": "backups"}'
_FLEETS: Final = ("application", "auto_scaling_groups", "tags")
_MAX_TEXT: Final = 256
_MAX_LIST: Final = 50
_MAX_TAGS: Final = 10
_INSTANCE_ID: Final = re.compile("i-([0-9a-f]{8}|[0-9a-f]{17})")


@dataclass(frozen=True)
class RequestFields:
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
            self.wrong.append(f"'action' must be one of {allowed}, not {show(value)}.")
        return Action.STATUS

    def demand_one_fleet(self) -> None:
        named = [key for key in _FLEETS if self.raw.get(key) is not None]
        if not named:
            self.wrong.append(
                f"'application' is missing: it must be a text, as in {EXAMPLE}. In its place there may be "
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
                f"'auto_scaling_groups' names {', '.join(map(show, outside))}, "
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
                f"'=', and for each a text or a list of texts, {_MAX_LIST} in all, not {show(value)}."
            )
            return {}
        # One tag within the limits is enough: every other one selects some of the same instances.
        if not any(
            all(is_covered(glob, limits.worker_tags.get(key, ())) for glob in globs)
            for key, globs in tags.items()
        ):
            self.wrong.append(
                f"'tags' names {', '.join(map(show, tag_texts(tags)))}, "
                f"but {_allowed('worker_tags', tag_texts(limits.worker_tags))}"
            )
        return tags

    def instances(self) -> tuple[str, ...]:
        instances = self.texts("instances")
        wrong = [one for one in instances if not _INSTANCE_ID.fullmatch(one)]
        if wrong:
            self.wrong.append(
                f"'instances' must be ids such as i-0123456789abcdef0, not {', '.join(map(show, wrong))}."
            )
        return instances

    def text(self, key: str) -> str | None:
        value = self.raw.get(key)
        if value is None:
            return None
        if not _is_text(value):
            self.wrong.append(
                f"'{key}' must be a text of 1 to {_MAX_TEXT} printable characters, not {show(value)}."
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
                f"printable characters, not {show(value)}."
            )
            return ()
        return tuple(dict.fromkeys(str(one).strip() for one in values))

    def regions(self, deployed: tuple[str, ...]) -> tuple[str, ...]:
        regions = self.texts("regions")
        unknown = [region for region in regions if region not in deployed]
        if unknown:
            self.wrong.append(
                f"'regions' names {', '.join(map(show, unknown))}, but Snow White is deployed in "
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
            self.wrong.append(f"'timeout_seconds' must be {ALLOWED_TIMEOUTS}, not {show(value)}.")
        elif lease is not None and lease < seconds:
            self.wrong.append(
                f"'wake_after_seconds' must not be shorter than 'timeout_seconds' ({seconds}), because the workers "
                f"have so long to finish their jobs; but it is {show(self.raw['wake_after_seconds'])}."
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
            self.wrong.append(f"'wake_after_seconds' must be {ALLOWED_LEASES}, not {show(value)}.")
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
                f"not {show(value)}."
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

    def termination(self, action: Action, *, may_wake: bool) -> Termination | None:
        """`may_wake`: whether a wake is one that Snow White has scheduled."""
        value = self.raw.get("termination")
        if value is None:
            return None
        termination = Termination.read(value)
        lists = [self.raw.get(key) for key in ("instances", "regions")]
        one_each = all(isinstance(some, list) and len(some) == 1 for some in lists)
        fits = action is Action.QUIET or (action is Action.WAKE and may_wake)
        if termination is None or not fits or not one_each:
            self.wrong.append(
                "'termination' is for Snow White itself, which writes it into the quiet of an instance that is about "
                "to end."
            )
        return termination

    def slack_user(self) -> str | None:
        value = self.raw.get("slack_user")
        if value is None:
            return None
        if not is_member_id(value):
            self.wrong.append(f"'slack_user' must be a Slack member id such as U024BE7LH, not {show(value)}.")
            return None
        return value

    def direct_message(self) -> bool | None:
        value = self.raw.get("direct_message")
        if value is None or isinstance(value, bool):
            return value
        self.wrong.append(f"'direct_message' must be true or false, not {show(value)}.")
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


def _is_text(value: object) -> bool:
    return (
        isinstance(value, str)
        and bool(value.strip())
        and len(value) <= _MAX_TEXT
        and value.strip().isprintable()
    )


def show(value: object) -> str:
    """The value as a sentence shows it: at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def json_type(value: object) -> str:
    """What JSON calls the value, such as `null` or `a list`."""
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

"""The request: the execution's input, from a person, a pipeline, the command line or Slack."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from snow_white.model.action import Action
from snow_white.model.durations import ALLOWED_TIMEOUTS, DEFAULT_TIMEOUT_SECONDS, parse_timeout
from snow_white.model.slack_ids import is_member_id

KEYS: Final = (
    "action",
    "application",
    "environments",
    "regions",
    "timeout_seconds",
    "channel",
    "slack_user",
    "direct_message",
    "requested_by",
)
_MAX_TEXT: Final = 256
_MAX_LIST: Final = 50
_MAX_SENTENCES: Final = 10


class InvalidRequest(Exception):
    """The execution's input is invalid; the message names the key and what is allowed."""


@dataclass(frozen=True)
class Defaults:
    """The settings' values for keys that a request leaves out.

    `regions` are all regions that Snow White is deployed to; a request cannot name others.
    """

    regions: tuple[str, ...]
    environments: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """A valid request. README explains each key.

    Attributes:
        environments: parts of names, or globs, as stated.
        timeout_seconds: counts from the first command.
        direct_message: whether the requester gets a direct message too; None leaves it to the notifier.
        environments_named, regions_named: whether the request names them, or the settings do.
    """

    action: Action
    application: str
    environments: tuple[str, ...]
    regions: tuple[str, ...]
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS
    channel: str | None = None
    slack_user: str | None = None
    direct_message: bool | None = None
    requested_by: str | None = None
    environments_named: bool = False
    regions_named: bool = False

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
        wrong: list[str] = [_unknown_key(str(key)) for key in raw if key not in KEYS]
        fields = _Fields(raw, wrong)
        action = fields.action()
        request = cls(
            action=action,
            application=fields.text("application", required=True) or "",
            environments=fields.texts("environments") or defaults.environments,
            environments_named=raw.get("environments") is not None,
            regions_named=raw.get("regions") is not None,
            regions=fields.regions(defaults.regions),
            timeout_seconds=fields.timeout(),
            channel=fields.text("channel"),
            slack_user=fields.slack_user(),
            direct_message=fields.direct_message(),
            requested_by=fields.text("requested_by"),
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

    def text(self, key: str, *, required: bool = False) -> str | None:
        value = self.raw.get(key)
        if value is None:
            if required:
                self.wrong.append(f"'{key}' is missing: it must be a text, as in {_EXAMPLE}.")
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

    def timeout(self) -> int:
        value = self.raw.get("timeout_seconds")
        if value is None:
            return DEFAULT_TIMEOUT_SECONDS
        seconds = parse_timeout(value)
        if seconds is None:
            self.wrong.append(f"'timeout_seconds' must be {ALLOWED_TIMEOUTS}, not {_show(value)}.")
        return seconds or DEFAULT_TIMEOUT_SECONDS

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

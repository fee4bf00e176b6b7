"""The request: what the person, the pipeline or the command line gives as the execution's input."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeGuard

MIN_TIMEOUT_SECONDS: Final = 60
MAX_TIMEOUT_SECONDS: Final = 172_800
DEFAULT_TIMEOUT_SECONDS: Final = 7_200
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
_SLACK_USER: Final = re.compile(r"[UW][A-Z0-9]{2,20}")


class Action(StrEnum):
    """What one run does to every worker in scope."""

    QUIET = "quiet"
    STOP = "stop"
    WAKE = "wake"
    STATUS = "status"


class InvalidRequest(Exception):
    """The execution's input cannot be carried out; the sentence names the key and what is allowed."""


@dataclass(frozen=True)
class Defaults:
    """What the settings say where a request is silent.

    `regions` are all the regions that have Snow White's documents; a request can name no others.
    """

    regions: tuple[str, ...]
    environments: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """A valid request. `environments` are patterns as written; `timeout_seconds` counts from the first sending.

    `direct_message` says whether the person is told in a conversation of their own too; None leaves it to telling.py.
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

    @classmethod
    def parse(cls, raw: object, defaults: Defaults) -> Request:
        """Validate the execution's input.

        Raises:
            InvalidRequest: with one sentence for everything that is wrong, so that it can be mended in one go.
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
            regions=fields.regions(defaults.regions),
            timeout_seconds=fields.timeout(),
            channel=fields.text("channel"),
            slack_user=fields.slack_user(),
            direct_message=fields.direct_message(),
            requested_by=fields.text("requested_by"),
        )
        if wrong:
            more = len(wrong) - _MAX_SENTENCES
            rest = [f"And {more} more are wrong."] if more > 0 else []
            raise InvalidRequest(" ".join([*wrong[:_MAX_SENTENCES], *rest]))
        return request

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Request:
        """Read back what `to_json` wrote into the run's state."""
        return cls(
            **{
                **state,
                "action": Action(state["action"]),
                "environments": tuple(state["environments"]),
                "regions": tuple(state["regions"]),
            }
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "action": self.action.value,
            "application": self.application,
            "environments": list(self.environments),
            "regions": list(self.regions),
            "timeout_seconds": self.timeout_seconds,
            "channel": self.channel,
            "slack_user": self.slack_user,
            "direct_message": self.direct_message,
            "requested_by": self.requested_by,
        }


_EXAMPLE: Final = '{"action": "quiet", "application": "backups"}'


@dataclass(frozen=True)
class _Fields:
    """Takes values out of the input one by one and collects a sentence for each that is wrong."""

    raw: Mapping[str, Any]
    wrong: list[str]

    def action(self) -> Action:
        allowed = ", ".join(action.value for action in Action)
        value = self.raw.get("action")
        if value is None:
            self.wrong.append(f"'action' is missing: it must be one of {allowed}.")
        elif not isinstance(value, str) or value not in set(Action):
            self.wrong.append(f"'action' must be one of {allowed}, not {_show(value)}.")
        else:
            return Action(value)
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
        # JSON's true is an int to Python, and 60.0 is written by some JSON writers for 60.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or not MIN_TIMEOUT_SECONDS <= value <= MAX_TIMEOUT_SECONDS
        ):
            self.wrong.append(
                f"'timeout_seconds' must be a whole number of seconds from {MIN_TIMEOUT_SECONDS} to "
                f"{MAX_TIMEOUT_SECONDS}, not {_show(value)}."
            )
            return DEFAULT_TIMEOUT_SECONDS
        return value

    def slack_user(self) -> str | None:
        value = self.raw.get("slack_user")
        if value is None:
            return None
        if not is_slack_member(value):
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


def is_slack_member(value: object) -> TypeGuard[str]:
    """Whether it is a Slack member id, which is safe to mention and to post to."""
    return isinstance(value, str) and _SLACK_USER.fullmatch(value) is not None


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

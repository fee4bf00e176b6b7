"""The grammar of the slash command: ACTION APPLICATION [ENVIRONMENT...] [region=...] [timeout=...]
[wake-after=...].

In place of application and environments there may be asg=... or tag=....
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Final

from snow_white.model.action import Action
from snow_white.model.durations import parse_duration
from snow_white.model.fleet import read_tag_texts, tag_texts
from snow_white.model.request import Defaults, Limits

ACTIONS: Final = ", ".join(f"`{action.value}`" for action in Action)
_OPTIONS_OF_ALL: Final = "[region=REGION,...] [timeout=2h] [wake-after=TIME]"
USAGE: Final = f"ACTION APPLICATION [ENVIRONMENT...] {_OPTIONS_OF_ALL}"
USAGE_OF_GROUPS: Final = f"ACTION asg=GROUP,... | tag=KEY=VALUE,... {_OPTIONS_OF_ALL}"
_OPTION: Final = re.compile(r"(?P<name>[A-Za-z_-]+)=(?P<value>.*)", re.DOTALL)
_LISTS: Final = {
    "region": "regions",
    "regions": "regions",
    "asg": "auto_scaling_groups",
    "tag": "tags",
    "instance": "instances",
}
"""The options that are lists, and the keys of the request that they are for."""
_DURATIONS: Final = {
    "timeout": "timeout_seconds",
    "wake-after": "wake_after_seconds",
    "wake_after": "wake_after_seconds",
}
# Phones and Macs replace plain quotation marks by these.
_PLAIN_QUOTES: Final = str.maketrans(dict.fromkeys("“”„‟«»", '"'))


class InvalidCommand(Exception):
    """The text is not a valid command; the message says which word is wrong, and what is allowed."""


def wants_help(text: str) -> bool:
    """Whether the text is empty or asks for help."""
    return text.strip().casefold() in ("", "help", "-h", "--help", "?")


def read_words(text: str) -> dict[str, Any]:
    """Read the text as a request, which Request.parse has yet to validate; raises InvalidCommand.

    The first two words are action and application, all others are environments. Double quotes enclose a word with
    spaces. Options may stand anywhere. Commas may also separate regions and environments.
    """
    words: list[str] = []
    lists: dict[str, list[str]] = {}
    durations: dict[str, int] = {}
    for word in _split(text):
        option = _OPTION.fullmatch(word)
        name = option["name"].lower() if option else ""
        if option and name in _LISTS:
            lists.setdefault(_LISTS[name], []).extend(_parts(option["value"]))
        elif option and name in _DURATIONS:
            if _DURATIONS[name] in durations:
                raise InvalidCommand(f"`{name}=` is given more than once.")
            durations[_DURATIONS[name]] = _seconds(name, option["value"])
        elif option and len(words) != 1:
            raise InvalidCommand(
                f"There is no option `{_shortened(option['name'])}=`. Allowed are `asg=`, `tag=`, `instance=`, "
                "`region=`, `timeout=` and `wake-after=`."
            )
        else:
            words.append(word)
    environments = [part for word in words[2:] for part in _parts(word)]
    given = {
        "action": words[0].lower() if words else None,
        "application": words[1] if len(words) > 1 else None,
        "environments": environments,
        **lists,
        **({"tags": _tags(lists["tags"])} if "tags" in lists else {}),
        **durations,
    }
    return {key: value for key, value in given.items() if value not in (None, [])}


def usage(command: str, defaults: Defaults) -> str:
    """The help text, in Slack's markup."""
    return "\n".join(
        (
            "*Snow White* puts the Sidekiq workers of an Elastic Beanstalk application to sleep, and wakes them.",
            f"`{command} {USAGE}`",
            *_usage_of_groups(command, defaults.limits),
            f"• ACTION: {ACTIONS}",
            '• APPLICATION: its name, in "double quotes" if it contains spaces',
            "• ENVIRONMENT: part of an environment's name, or a glob for the whole name; "
            f"default: {_listed(defaults.environments)}",
            "• instance: ids of the only instances that are meant",
            f"• region: one or more of {_listed(defaults.regions)}; default: all of them",
            "• timeout: how long to wait for running jobs, from `60s` to `2d`; default: `2h`",
            "• wake-after: wakes them after that time if nobody has done it before, up to `7d`; default: never",
            f"For example: `{command} quiet backups workers timeout=90m`",
        )
    )


def _usage_of_groups(command: str, limits: Limits) -> list[str]:
    """What the settings allow beside applications; nothing if that is nothing."""
    allowed = [("asg", limits.worker_groups), ("tag", tag_texts(limits.worker_tags))]
    lines = [f"• {option}: one or more of {_listed(some)}" for option, some in allowed if some]
    return [f"`{command} {USAGE_OF_GROUPS}`", *lines] if lines else []


def _split(text: str) -> list[str]:
    lexer = shlex.shlex(text.translate(_PLAIN_QUOTES), posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.quotes, lexer.escape, lexer.commenters = '"', "", ""
    try:
        return list(lexer)
    except ValueError as error:
        raise InvalidCommand("A quotation mark is not closed.") from error


def _parts(word: str) -> list[str]:
    return [part for part in word.split(",") if part]


def _tags(texts: list[str]) -> dict[str, list[str]]:
    for text in texts:
        key, _, value = text.partition("=")
        if not (key and value):
            raise InvalidCommand(f"`tag={_shortened(text)}` is no tag: write `tag=KEY=VALUE`.")
    return {key: list(values) for key, values in read_tag_texts(texts).items()}


def _seconds(option: str, duration: str) -> int:
    seconds = parse_duration(duration)
    if seconds is None:
        raise InvalidCommand(
            f"`{option}={_shortened(duration)}` is not a duration: write `90s`, `30m`, `2h`, `1d`, or `1h30m`."
        )
    return seconds


def _shortened(text: str) -> str:
    return (text if len(text) <= 40 else f"{text[:39]}…").replace("`", "'")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)

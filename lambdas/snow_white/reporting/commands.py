"""Command lines to copy, for Slack and for a shell: the same scope as a request, with another action."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

from snow_white.model.action import Action
from snow_white.model.stated_request import StatedRequest, texts

SLASH_COMMAND: Final = "/snow-white"
_WORD: Final = re.compile(r"[^\s\"“”„‟«»=]+")
_QUOTED: Final = re.compile(r"[^\"“”„‟«»=]+")


def arguments(action: Action, request: StatedRequest) -> list[str]:
    """The arguments for the command line; only what the request itself has named is named."""
    words = [action.value]
    if application := str(request.application or ""):
        words += ["-p", application] if application.startswith("-") else [application]
    for option, names in (
        ("--asg", texts(request.auto_scaling_groups)),
        ("--tag", texts(request.tags)),
        ("-e", environments(request)),
        ("-i", texts(request.instances)),
        ("-r", regions(request)),
    ):
        words += [word for name in names for word in (option, name)]
    return words


def shell_line(action: Action, request: StatedRequest) -> str:
    """For example `snow-white wake backups -e workers`."""
    return shlex.join(["snow-white", *arguments(action, request)])


def slash_text(action: Action, request: StatedRequest) -> str | None:
    """For example `wake backups workers region=eu-west-1`; None if a name cannot be written in a slash command."""
    named = texts(request.application)
    words = [_quoted(name) for name in (*named, *environments(request))]
    lists = [
        ("asg", texts(request.auto_scaling_groups)),
        ("tag", texts(request.tags)),
        ("instance", texts(request.instances)),
        ("region", regions(request)),
    ]
    words += [_option(option, names) for option, names in lists if names]
    separated = (*environments(request), *(name for _, names in lists for name in names))
    if not request.fleet_name or any("," in name for name in separated) or not all(words):
        return None
    return " ".join([action.value, *(word for word in words if word)])


def environments(request: StatedRequest) -> tuple[str, ...]:
    """The environments that the request itself has named."""
    return texts(request.environments) if request.environments_named else ()


def regions(request: StatedRequest) -> tuple[str, ...]:
    """The regions that the request itself has named."""
    return texts(request.regions) if request.regions_named else ()


def _quoted(name: str) -> str | None:
    if _WORD.fullmatch(name):
        return name
    return f'"{name}"' if _QUOTED.fullmatch(name) and name.isprintable() else None


def _option(name: str, values: Sequence[str]) -> str | None:
    """For example `tag=Role=worker`, or `tag="Role=my worker"`; None if a value cannot be written."""
    text = ",".join(values)
    quoted = _quoted(text.replace("=", ""))
    if quoted is None:
        return None
    return f'{name}="{text}"' if quoted.startswith('"') else f"{name}={text}"

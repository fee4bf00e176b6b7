"""Command lines to copy, for Slack and for a shell: the same scope as a request, with another action."""

from __future__ import annotations

import re
import shlex
from typing import Final

from snow_white.model.action import Action
from snow_white.model.report import Stated
from snow_white.model.stated_request import StatedRequest

SLASH_COMMAND: Final = "/snow-white"
_WORD: Final = re.compile(r"[^\s\"“”„‟«»=]+")
_QUOTED: Final = re.compile(r"[^\"“”„‟«»=]+")


def arguments(action: Action, request: StatedRequest) -> list[str]:
    """The arguments for the command line; only what the request itself has named is named."""
    application = str(request.application or "")
    words = [action.value, *(["-p", application] if application.startswith("-") else [application])]
    for option, names in (("-e", environments(request)), ("-r", regions(request))):
        words += [word for name in names for word in (option, name)]
    return words


def shell_line(action: Action, request: StatedRequest) -> str:
    """For example `snow-white wake backups -e workers`."""
    return shlex.join(["snow-white", *arguments(action, request)])


def slash_text(action: Action, request: StatedRequest) -> str | None:
    """For example `wake backups workers region=eu-west-1`; None if a name cannot be written in a slash command."""
    names = [str(request.application or ""), *environments(request)]
    words = [_quoted(name) for name in names]
    if any("," in name for name in names[1:]) or not all(words):
        return None
    chosen = regions(request)
    options = [f"region={','.join(chosen)}"] if chosen else []
    return " ".join([action.value, *(word for word in words if word), *options])


def environments(request: StatedRequest) -> list[str]:
    """The environments that the request itself has named."""
    return _texts(request.environments) if request.environments_named else []


def regions(request: StatedRequest) -> list[str]:
    """The regions that the request itself has named."""
    return _texts(request.regions) if request.regions_named else []


def _quoted(name: str) -> str | None:
    if _WORD.fullmatch(name):
        return name
    return f'"{name}"' if _QUOTED.fullmatch(name) and name.isprintable() else None


def _texts(stated: Stated) -> list[str]:
    return list(stated) if isinstance(stated, tuple) else [stated] if isinstance(stated, str) else []

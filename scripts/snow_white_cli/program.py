"""Command lines to copy: as the person called the program, and quoted for a shell."""

from __future__ import annotations

import os
import shlex
from typing import Final

_CALLED_AS: Final = "SNOW_WHITE_PROGRAM"
"""Set by scripts/snow-white, which may not be on PATH."""
_CALLERS_PYTHONPATH: Final = "SNOW_WHITE_CALLERS_PYTHONPATH"
"""PYTHONPATH as it was before scripts/snow-white set its own."""


def shell_line(*arguments: str) -> str:
    """For example `snow-white wake backups`."""
    return shlex.join([os.environ.get(_CALLED_AS, "snow-white"), *arguments])


def callers_environment() -> dict[str, str]:
    """The environment that the person called the program with, for a command that is run for them."""
    variables = dict(os.environ)
    variables.pop(_CALLED_AS, None)
    pythonpath = variables.pop(_CALLERS_PYTHONPATH, None)
    if pythonpath:
        variables["PYTHONPATH"] = pythonpath
    elif pythonpath is not None:
        variables.pop("PYTHONPATH", None)
    return variables

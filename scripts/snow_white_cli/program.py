"""Command lines to copy: as the person called the program, and quoted for a shell."""

from __future__ import annotations

import os
import shlex
from typing import Final

_CALLED_AS: Final = "SNOW_WHITE_PROGRAM"
"""Set by scripts/snow-white, which may not be on PATH."""


def shell_line(*arguments: str) -> str:
    """For example `snow-white wake backups`."""
    return shlex.join([os.environ.get(_CALLED_AS, "snow-white"), *arguments])

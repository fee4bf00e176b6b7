"""Output that no closed terminal, broken pipe or full disk can turn into an error."""

from __future__ import annotations

import io
import sys
from typing import Any


def keep_writing() -> None:
    """Let this process go on when nobody can read its output any more; what it then writes is lost."""
    sys.stdout, sys.stderr = _text(1), _text(2)


class _LossyFile(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            written: int | None = super().write(data)
        except OSError:
            written = None
        return memoryview(data).nbytes if written is None else written


def _text(descriptor: int) -> io.TextIOWrapper:
    file = io.BufferedWriter(_LossyFile(descriptor, "wb", closefd=False))
    return io.TextIOWrapper(file, errors="backslashreplace", line_buffering=True)

"""Another process that starts something with the project's code, to see what happens when that process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"


@contextmanager
def starter(program: str, *arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a Python program until the end of the block; yields its process and the first line that it prints.

    The program is killed at the end of the block. It should wait after that line.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", f"{program}\nimport time; time.sleep(1000)", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()

"""scripts/snow-white as a subprocess, with or without a terminal of its own."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.patience import eventually

ROOT: Final = Path(__file__).parents[2]
CTRL_C: Final = "\x03"
END_OF_INPUT: Final = "\x04"
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TIMEOUT_SECONDS: Final = 600.0  # it only ends what hangs
_READ_SECONDS: Final = 0.1


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without its AWS settings, and with the given variables."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SNOW_WHITE_", "CDK_"))
    }
    no_aws = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "SNOW_WHITE_SETTINGS_FILE": "",
    }
    return {**inherited, **no_aws, "TERM": "xterm-256color", "COLUMNS": "140", **given}


def snow_white(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/snow-white to its end without a terminal."""
    return subprocess.run(
        [ROOT / "scripts" / "snow-white", *arguments],
        env=environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )


def running(log: Path, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    """scripts/snow-white while it runs, in a session without a terminal; its output goes to the file."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [ROOT / "scripts" / "snow-white", *arguments],
            env=environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


class Terminal:
    """scripts/snow-white in a session of its own, on this pseudo-terminal."""

    def __init__(self, arguments: Sequence[str], variables: Mapping[str, str]) -> None:
        self._keyboard, terminal = pty.openpty()
        self._shown = ""
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", ROOT / "scripts" / "snow-white", *arguments],
            env=environment(variables),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        self._hung_up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def shown(self) -> str:
        """All output so far, without colours and cursor movements."""
        return _CONTROL.sub("", self._shown)

    def press(self, keys: str) -> None:
        """Press keys; the terminal turns Ctrl-C into SIGINT."""
        os.write(self._keyboard, keys.encode())

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until the text has been shown `times` times."""
        self._wait(lambda: self.shown.count(text) >= times, f"{text!r} is shown {times} times")

    def end(self) -> int:
        """Wait until the command has ended; its exit code."""
        self._wait(lambda: self._process.poll() is not None, "the command ends")
        self._reader.join(_TIMEOUT_SECONDS)
        return self._process.returncode

    def hang_up(self) -> None:
        """Close the terminal; the kernel sends SIGHUP to what runs on it."""
        if self._hung_up.is_set():
            return
        # A read that is under way would keep it open.
        self._hung_up.set()
        self._reader.join(_TIMEOUT_SECONDS)
        os.close(self._keyboard)

    def close(self) -> None:
        """Close the terminal, which ends a command that still runs on it."""
        self.hang_up()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        try:
            while not self._hung_up.is_set():
                if select.select([self._keyboard], [], [], _READ_SECONDS)[0]:
                    self._shown += os.read(self._keyboard, 4096).decode(errors="replace")
        except OSError:
            return  # the command has closed its side

    def _wait(self, holds: Callable[[], bool], what: str) -> None:
        eventually(
            holds,
            lambda: f"{what}; the last output is:\n{self.shown[-2000:]}",
            seconds=_TIMEOUT_SECONDS,
        )


@contextmanager
def terminal(*arguments: str, **variables: str) -> Iterator[Terminal]:
    """A terminal that runs the command; it is closed at the end of the block."""
    opened = Terminal(arguments, variables)
    try:
        yield opened
    finally:
        opened.close()

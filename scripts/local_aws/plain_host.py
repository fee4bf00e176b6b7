"""The fallback without root: a PID namespace instead of a whole host."""

from __future__ import annotations

from pathlib import Path

from local_aws.host import Host, HostError


class PlainHost:
    """Not made yet; asking for one is an error that says so."""

    @classmethod
    def start(cls, folder: Path, *, name: str) -> Host:
        raise HostError(f"The host {name} in {folder} needs root: the fallback is not made yet.")

"""How to reach a running local AWS: a file in its folder, for every process that uses it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from local_aws.engine.account import Credentials

KEEP_RUNNING: Final = b"keep running"
"""Written to the standard input of the local AWS, it makes the end of that input mean nothing."""

_FILE: Final = "local_aws.json"


@dataclass(frozen=True)
class Connection:
    """Where a running local AWS answers, and with which root credentials. `pid` is the server's process."""

    pid: int
    account: str
    endpoint: str
    slack_url: str
    root: Credentials

    def write(self, folder: Path) -> None:
        """Publish it in `folder`; a reader sees either nothing or all of it."""
        unfinished = folder / (_FILE + ".part")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(self)))
        unfinished.replace(folder / _FILE)

    @classmethod
    def read(cls, folder: Path) -> "Connection | None":
        """The local AWS of `folder`, or None while it is not ready."""
        try:
            published = json.loads((folder / _FILE).read_text())
        except FileNotFoundError:
            return None
        return cls(**{**published, "root": Credentials(**published["root"])})

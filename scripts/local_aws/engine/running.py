"""What a client has to know about a running local AWS, kept in its folder for others to read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

ACCOUNT: str = "111122223333"
"""The account everything lives in; AWS keeps this number free for examples."""

HOME_REGION: str = "us-east-1"
"""The region of a client that names none."""

KEEP_RUNNING: bytes = b"keep running"
"""Written to the standard input of the local AWS, it makes the end of that input mean nothing."""

_FILE = "local_aws.json"


@dataclass(frozen=True)
class Credentials:
    """Keys of the root user, of an IAM user, or of a session (then with a token)."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass(frozen=True)
class Running:
    """Where a running local AWS answers, and with which root credentials."""

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
    def read(cls, folder: Path) -> "Running | None":
        """The local AWS of `folder`, or None while it is not ready."""
        try:
            published = json.loads((folder / _FILE).read_text())
        except FileNotFoundError:
            return None
        return cls(**{**published, "root": Credentials(**published["root"])})

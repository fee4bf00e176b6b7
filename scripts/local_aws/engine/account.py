"""The one account of the local AWS, and the keys of those who use it."""

from dataclasses import dataclass
from typing import Final

ACCOUNT: Final = "111122223333"
"""The number of the account; AWS reserves it for examples."""

HOME_REGION: Final = "us-east-1"
"""The region of a client that names none."""


@dataclass(frozen=True)
class Credentials:
    """Keys of the root user, of an IAM user, or of a session (then with a token)."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

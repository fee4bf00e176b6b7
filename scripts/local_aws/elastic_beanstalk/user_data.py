"""User data that makes an instance without an environment a worker host: what would be a script on AWS.

Its first line says that it is one; the others are the environment variables of the worker, NAME=VALUE.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

_FIRST_LINE: Final = "#!worker-host"


def user_data_of_worker(variables: Mapping[str, str]) -> str:
    """The user data, not yet encoded: boto3 encodes that of RunInstances, and a launch template's is its caller's."""
    return "\n".join([_FIRST_LINE, *(f"{name}={value}" for name, value in variables.items())])


def is_worker(encoded: str) -> bool:
    """Whether the user data, as EC2 keeps it, is that of a worker host."""
    return _decoded(encoded).startswith(_FIRST_LINE)


def variables_in(encoded: str) -> dict[str, str]:
    """The variables of a worker host."""
    lines = _decoded(encoded).splitlines()[1:]
    return {name: value for name, equals, value in (line.partition("=") for line in lines) if equals}


def _decoded(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""

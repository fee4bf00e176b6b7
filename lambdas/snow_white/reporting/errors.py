"""Turning what a state's Catch gives into the words a person reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from snow_white.aws.environments import NothingMatched
from snow_white.aws.regions import RegionRefused, RegionUnavailable
from snow_white.model.limits import cut
from snow_white.model.request import InvalidRequest

# Errors whose message is already a sentence for the person who asked. Lambda names an error by its class.
OWN_ERRORS: Final = frozenset(
    error.__name__ for error in (InvalidRequest, NothingMatched, RegionRefused, RegionUnavailable)
)
_NAME: Final = 256  # Step Functions takes no longer one in a Fail state
_MESSAGE: Final = 4_000


def read_error(raw: Mapping[str, Any]) -> tuple[str, str]:
    """The error's name and a sentence, from {"Error": name, "Cause": text}.

    The cause of a failed function is JSON with errorMessage and errorType; that of a timeout, or of the service
    itself, is plain text or missing. Of one that is long the beginning is kept.
    """
    name = cut(str(raw.get("Error") or "Unknown"), _NAME)
    cause = str(raw.get("Cause") or "no cause was given")
    message = cut(_message(cause), _MESSAGE)
    if name in OWN_ERRORS:
        return name, message
    return name, f"Snow White itself failed and confirmed nothing: {name}: {message}"


def _message(cause: str) -> str:
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    return str(parsed.get("errorMessage") or cause) if isinstance(parsed, dict) else cause

"""Faults of calls that the functions cannot tell from one another, so that one of them stands for all in the matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LIKE: Final[Mapping[str, Mapping[str, str]]] = {
    "throttled": {},
    "unavailable": {"internal-error": "error 500"},
    "reset": {"connect-timeout": "no connection within 5 seconds"},
    "read-timeout": {"lost-answer": "the answer is lost", "cut-short": "the answer is cut off"},
    "html": {"broken-html": "a malformed page instead of an answer"},
}
"""In a region of workers: by the kind that stands for them, the others with their words."""
LIKE_AT_HOME: Final = {kind: LIKE[kind] for kind in ("unavailable", "reset")}
"""The same for the services of the home region."""

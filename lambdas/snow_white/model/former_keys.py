"""The keys that the JSON of the run, its report and its Slack state had in former versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from snow_white.model.ended_run import StepError
from snow_white.model.run import Run
from snow_white.model.run_so_far import RunSoFar
from snow_white.model.slack_state import Requester, SlackState
from snow_white.model.stragglers import Stragglers

FORMER_KEYS: Final[Mapping[type, Mapping[str, str]]] = {
    Run: {
        "asking": "stragglers",
        "seen": "readings",
        "proofs": "renewals",
        "proven_from": "renewed_at",
        "closing_polls": "silent_region_polls",
        "looked_up_at": "environments_read_at",
    },
    RunSoFar: {"asking": "stragglers"},
    Stragglers: {"awaited": "listed"},
    SlackState: {"invoker": "requester"},
    Requester: {"person": "member", "unknown": "why_unknown"},
    StepError: {"Error": "name", "Cause": "cause"},  # as Step Functions writes what a Catch has caught
}
"""By class, the former names of keys and their names today."""

"""The first line of a message at the end of a run: the whole news for somebody who sees only a notification."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snow_white.model.action import Action
from snow_white.model.progress import Progress
from snow_white.model.report import Problem, Report, Result
from snow_white.slack.first_line import final_line, summary, working_line
from tests.lambdas.slack.run_notifier import run
from tests.lambdas.story import request

QUIET = Report(
    result=Result.CONFIRMED,
    action="quiet",
    application="backups",
    instances=60,
    counts={"quiet": 60},
    duration_seconds=725,
)
NOT_QUIET = replace(QUIET, result=Result.NOT_CONFIRMED, error="NotConfirmed", cause="20 of 60.")


@pytest.mark.parametrize(
    ("report", "changes", "line"),
    [
        (QUIET, {}, "✅ backups: 60 workers quiet (12 min)"),
        (
            QUIET,
            {"counts": {"quiet": 58, "stopped": 1, "no_worker": 1}},
            "✅ backups: 59 workers quiet (12 min)",
        ),
        (QUIET, {"action": "stop", "counts": {"stopped": 1}}, "✅ backups: 1 worker stopped (12 min)"),
        (QUIET, {"action": "wake", "counts": {"awake": 60}}, "✅ backups: 60 workers awake (12 min)"),
        (QUIET, {"action": "status", "counts": {"reported": 60}}, "✅ backups: 60 workers reported (12 min)"),
        (NOT_QUIET, {"counts": {"quiet": 20, "busy": 40}}, "❌ backups: 20 of 60 quiet, 40 still busy"),
        (
            NOT_QUIET,
            {"counts": {"quiet": 50, "busy": 4, "unreachable": 3, "unconfirmed": 2, "no_worker": 1}},
            "❌ backups: 50 of 60 quiet, 4 still busy, 3 unreachable, 2 unconfirmed, 1 without Sidekiq",
        ),
        (
            NOT_QUIET,
            {
                "instances": 0,
                "counts": {},
                "problems": (Problem(region="eu-west-1", instance="all", verdict="unreachable"),),
            },
            "❌ backups: no instance found, 1 region unreachable",
        ),
        (
            NOT_QUIET,
            {"instances": 0, "counts": {}, "error": "NothingMatched", "cause": "No environment matches 'x'."},
            "❌ backups: quiet did not start: No environment matches 'x'.",
        ),
        (
            NOT_QUIET,
            {"instances": 0, "counts": {}, "error": "X", "cause": "It broke.", "so_far": Progress(12, 60)},
            "❌ backups: quiet failed at 12 of 60: It broke.",
        ),
        (
            NOT_QUIET,
            {
                "instances": 0,
                "counts": {},
                "error": "RunAborted",
                "so_far": Progress(12, 60),
                "stopped_by": "ann",
            },
            "⏹ backups: stopped by ann at 12 of 60",
        ),
        (
            NOT_QUIET,
            {"instances": 0, "counts": {}, "error": "RunAborted", "so_far": Progress(12, 60)},
            "⏹ backups: stopped at 12 of 60",
        ),
        (
            NOT_QUIET,
            {"instances": 0, "counts": {}, "error": "RunAborted", "stopped_by": "ann"},
            "⏹ backups: stopped by ann before anything was sent",
        ),
        (
            NOT_QUIET,
            {"instances": 0, "counts": {}, "error": "RunTimedOut", "so_far": Progress(12, 60)},
            "⏱ backups: out of time at 12 of 60",
        ),
        (
            Report(error="InvalidRequest", cause="'action' is missing."),
            {"application": "backups"},
            "❌ backups: wrong input: 'action' is missing.",
        ),
        (Report(), {}, "❌ the run did not start: no reason was given."),
    ],
)
def test_the_first_line_says_all(report: Report, changes: dict[str, Any], line: str) -> None:
    changed = replace(report, **changes)
    assert final_line(changed) == line
    assert line.endswith(f" {summary(changed)}")


@pytest.mark.parametrize("application", [None, "", " ", True, 7, ("a", "b")])
def test_what_is_no_name_is_not_shown_as_one(application: Any) -> None:
    assert final_line(replace(QUIET, application=application)) == "✅ 60 workers quiet (12 min)"


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (Action.QUIET, "⏳ shop: quieting, 2 of 3 quiet"),
        (Action.STOP, "⏳ shop: stopping, 2 of 3 stopped"),
        (Action.WAKE, "⏳ shop: waking, 2 of 3 awake"),
        (Action.STATUS, "⏳ shop: asking, 2 of 3 reported"),
    ],
)
def test_while_the_run_goes_on_the_first_line_says_how_far_it_is(action: Action, line: str) -> None:
    assert working_line(replace(run(), request=request(action), progress=Progress(2, 3))) == line

"""The buttons of a run's message. Slack sends a press to the function of the slash command, which reads `value`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from snow_white.model.action import Action
from snow_white.model.report import Report
from snow_white.model.run import Execution
from snow_white.model.stated_request import StatedRequest
from snow_white.reporting.commands import slash_text

WAKE: Final = "run_wake"
STATUS: Final = "run_status"
STOP: Final = "stop_run"
LABELS: Final[Mapping[str, str]] = {WAKE: "Wake", STATUS: "Status", STOP: "Stop this run"}
"""By action id."""
_MAX_VALUE: Final = 2_000

Block = dict[str, Any]


def working_buttons(request: StatedRequest, execution: Execution) -> list[Block]:
    """While the run goes on: ask for the status, and stop the run."""
    stop = _button(
        STOP, execution.arn, style="danger", question="Workers that sleep stay asleep until they are woken."
    )
    return _actions([*_command(STATUS, Action.STATUS, request), stop])


def final_buttons(report: Report, request: StatedRequest) -> list[Block]:
    """At the end: wake what was put to sleep, and ask for the status."""
    action = report.known_action
    if action is None or report.error == "InvalidRequest":
        return []
    told = report.instances or report.so_far
    wake = _command(WAKE, Action.WAKE, request) if action.drains and told else []
    return _actions([*wake, *_command(STATUS, Action.STATUS, request)])


def _command(action_id: str, action: Action, request: StatedRequest) -> list[Block]:
    """A button for a slash command; none if the command cannot be written, or is too long."""
    text = slash_text(action, request)
    if text is None or len(text) > _MAX_VALUE:
        return []
    if action is Action.WAKE:
        return [
            _button(action_id, text, style="primary", question="Quiet and stopped workers are started again.")
        ]
    return [_button(action_id, text)]


def _button(action_id: str, value: str, *, style: str = "", question: str = "") -> Block:
    """With a question, Slack asks before it sends the press."""
    label = LABELS[action_id]
    button: Block = {"type": "button", "action_id": action_id, "text": _plain(label), "value": value}
    if style:
        button["style"] = style
    if question:
        button["confirm"] = {
            "title": _plain(f"{label}?"),
            "text": _plain(question),
            "confirm": _plain(label),
            "deny": _plain("Cancel"),
        }
    return button


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def _actions(buttons: list[Block]) -> list[Block]:
    return [{"type": "actions", "elements": buttons}] if buttons else []

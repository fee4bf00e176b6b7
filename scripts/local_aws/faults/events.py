"""Events that EventBridge loses, or delivers twice: AWS's services send them as well as they can, and at least once."""

from __future__ import annotations

from typing import Any

from local_aws.engine.ministack import wrap
from local_aws.faults.rules import EventFault, Rules


class EventFaults:
    """The rules for events, where they are first put on a bus; what is sent on to another bus comes as often."""

    def __init__(self) -> None:
        self.rules: Rules[EventFault] = Rules()

    def install(self) -> None:
        """Put them before every rule of EventBridge."""
        from ministack.services import eventbridge

        wrap(eventbridge, "_dispatch_event", self._with_faults)

    def _with_faults(self, dispatch: Any) -> Any:
        def dispatch_with_faults(event: dict[str, Any], *more: Any) -> None:
            fault = None
            if "_DispatchPath" not in event:
                fault = self.rules.take(lambda rule: rule.matches(event), source=event["Source"])
            for _ in range({"lost": 0, "twice": 2}[fault.delivery] if fault else 1):
                dispatch(event, *more)

        return dispatch_with_faults

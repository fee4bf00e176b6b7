"""The headlines of a run, for its progress and for its result."""

from __future__ import annotations

from dataclasses import dataclass

from snow_white.model.action import Action
from snow_white.model.stated_request import StatedRequest
from snow_white_cli.showing.visible_text import visible


@dataclass(frozen=True)
class Headlines:
    """The words for one run. `request` is its input as it was stated, which may be any JSON."""

    request: StatedRequest

    @property
    def action(self) -> Action | None:
        """None if the execution's input names no known action."""
        return Action.known(self.request.action)

    @property
    def fleet(self) -> str:
        """The fleet's name as the input states it."""
        return visible(self.request.fleet_name or str(self.request.application or "(no application)"))

    @property
    def doing(self) -> str:
        """The action while it goes on, such as "Quieting"."""
        return self.action.doing if self.action else "Running"

    @property
    def done(self) -> str:
        """The word for a confirmed instance, such as "quiet"; "" for an unknown action."""
        return self.action.result if self.action else ""

    @property
    def confirmed(self) -> str:
        """The headline of a confirmed run."""
        if self.action is Action.STATUS:
            return f"All workers of {self.fleet} have reported"
        return f"The workers of {self.fleet} are confirmed {self.done}"

    @property
    def not_confirmed(self) -> str:
        """The headline of a run that is not confirmed."""
        if self.action is Action.STATUS:
            return f"NOT all workers of {self.fleet} have reported"
        return f"The workers of {self.fleet} are NOT confirmed {self.done}"

    @classmethod
    def of(cls, request: object) -> Headlines:
        """The headlines for an execution's input, which may be any JSON."""
        return cls(StatedRequest.read(request))

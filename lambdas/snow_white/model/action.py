"""The four actions, and everything that differs by action. No other module has a table by action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What a run does with every worker in scope."""

    QUIET = "quiet"
    STOP = "stop"
    WAKE = "wake"
    STATUS = "status"

    @property
    def result(self) -> str:
        """The result in a host's answer that confirms the action; also the word for a confirmed instance: "quiet"."""
        return _TRAITS[self].result

    @property
    def confirming_results(self) -> frozenset[str]:
        """All results that confirm the action: a worker that an earlier run stopped counts as quiet."""
        return _TRAITS[self].also_confirmed_by | {self.result}

    @property
    def doing(self) -> str:
        """The action in progress, to begin a headline: "Quieting"."""
        return _TRAITS[self].doing

    @property
    def purpose(self) -> str:
        """A sentence that says what the action does, for the command line's help."""
        return _TRAITS[self].purpose

    @property
    def document_name(self) -> str:
        """The name of the action's SSM Command document; the same in every region."""
        return _TRAITS[self].document_name

    @property
    def drains(self) -> bool:
        """Whether hosts wait for running jobs, which may take hours."""
        return _TRAITS[self].drains

    @property
    def confirmation_ages(self) -> bool:
        """Whether somebody else's restart of a worker undoes the result, so that an old confirmation proves nothing."""
        return _TRAITS[self].confirmation_ages

    @property
    def soonest_answer_seconds(self) -> int:
        """How long after its sending no host has proven anything yet: proving that a worker is quiet takes a while."""
        return 12 if self.drains else 5

    @property
    def waits_for_start(self) -> bool:
        """Whether a new instance without Sidekiq is asked again until its workers have had time to start."""
        return _TRAITS[self].waits_for_start

    @property
    def opposites(self) -> tuple[Action, ...]:
        """The actions that undo this one: wake undoes quiet and stop, and they undo wake."""
        return _TRAITS[self].opposites

    @classmethod
    def known(cls, value: object) -> Action | None:
        """The action with that name; None for any other value, because the console accepts any JSON."""
        return cls(value) if isinstance(value, str) and value in _VALUES else None


@dataclass(frozen=True, kw_only=True)
class _Traits:
    result: str
    doing: str
    purpose: str
    document_name: str
    drains: bool
    confirmation_ages: bool
    waits_for_start: bool = True
    also_confirmed_by: frozenset[str] = frozenset()
    opposites: tuple[Action, ...] = ()


_TRAITS: Final[Mapping[Action, _Traits]] = {
    Action.QUIET: _Traits(
        result="quiet",
        doing="Quieting",
        purpose="Let every worker finish its jobs and take no new ones; wait until all are quiet.",
        document_name="SnowWhite-QuietSidekiqWorkers",
        drains=True,
        confirmation_ages=True,
        opposites=(Action.WAKE,),
        also_confirmed_by=frozenset({"stopped"}),
    ),
    Action.STOP: _Traits(
        result="stopped",
        doing="Stopping",
        purpose="Quiet every worker, then stop it so that it stays down; wait until all are stopped.",
        document_name="SnowWhite-StopSidekiqWorkers",
        drains=True,
        confirmation_ages=True,
        opposites=(Action.WAKE,),
    ),
    Action.WAKE: _Traits(
        result="awake",
        doing="Waking",
        purpose="Restart the workers that are quiet or stopped; wait until all are awake.",
        document_name="SnowWhite-WakeSidekiqWorkers",
        drains=False,
        confirmation_ages=True,
        opposites=(Action.QUIET, Action.STOP),
    ),
    Action.STATUS: _Traits(
        result="reported",
        doing="Asking",
        purpose="List every host with its Sidekiq processes; change nothing.",
        document_name="SnowWhite-StatusSidekiqWorkers",
        drains=False,
        confirmation_ages=False,
        waits_for_start=False,
    ),
}
_VALUES: Final = frozenset(action.value for action in Action)

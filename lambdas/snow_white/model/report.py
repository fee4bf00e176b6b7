"""The report: how a run ended. Its JSON is the output of an execution, and people and scripts read it.

Shape:
    summary: a sentence on top, for whoever opens the output in the console
    result: "confirmed" or "not_confirmed"
    error, cause: null for a confirmed run; else the error's name and a sentence, as the execution's Fail state shows
    action, application, environments, regions, requested_by: what was asked, and where it was found
    instances: how many were judged; counts: {verdict: how many}; processes: {state: how many} that the hosts listed,
        and more_processes: how many they left out for the length of their answers
    problems: every instance that is not confirmed,
        [{region, environment, instance, verdict, reason, processes, more_processes}]
    more_problems: how many were left out of `problems`
    notes: instances without Sidekiq, in the same shape, and more_notes: how many were left out
    hosts: for `status` only, each host's processes, in the same shape, and more_hosts
    started_at, ended_at (ISO 8601), duration_seconds
    what_to_do: {verdict: advice} for the verdicts in `problems`
    slack: {delivered, told, not_told}, once somebody has tried to tell
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from snow_white.model.action import Action
from snow_white.model.fleet import Process

Stated: TypeAlias = str | int | float | bool | tuple[str, ...] | None
"""What a request said under one key, cut to size (limits.py). An invalid request may have said anything."""


class Result(StrEnum):
    """A run is confirmed only if every instance in scope is."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"


@dataclass(frozen=True)
class InstanceResult:
    """One instance with what is said of it; `verdict` is a Verdict's value."""

    region: str = ""
    environment: str = ""
    instance: str = ""
    verdict: str = "unconfirmed"
    reason: str = ""
    processes: tuple[Process, ...] = ()
    more_processes: int = 0


@dataclass(frozen=True)
class Problem(InstanceResult):
    """An instance that is not confirmed; of a region that did not answer, one for "all" of its instances."""

    @property
    def is_region(self) -> bool:
        """Whether it stands for all instances of a region."""
        return self.instance == ALL_INSTANCES


ALL_INSTANCES = "all"


@dataclass(frozen=True)
class Delivery:
    """Who was told of the end: `delivered` if everybody was, else the reasons are in `not_told`."""

    delivered: bool = False
    told: tuple[str, ...] = ()
    not_told: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """See the module's docstring; a key that is not in the JSON is None or empty here."""

    summary: str | None = None
    result: Result = Result.NOT_CONFIRMED
    error: str | None = None
    cause: str | None = None
    action: Stated = None
    application: Stated = None
    environments: Stated = None
    regions: Stated = None
    requested_by: Stated = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: int = 0
    instances: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    processes: Mapping[str, int] = field(default_factory=dict)
    more_processes: int = 0
    problems: tuple[Problem, ...] = ()
    more_problems: int = 0
    notes: tuple[InstanceResult, ...] = ()
    more_notes: int = 0
    hosts: tuple[InstanceResult, ...] | None = None
    more_hosts: int | None = None
    what_to_do: Mapping[str, str] | None = None
    slack: Delivery | None = None

    @property
    def confirmed(self) -> bool:
        return self.result is Result.CONFIRMED

    @property
    def known_action(self) -> Action | None:
        """None for a request that named no action there is."""
        return Action.known(self.action)

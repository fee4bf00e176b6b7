"""The report: how a run ended. Its JSON is the output of an execution, for people and for scripts.

Shape:
    summary: a sentence that says how the run ended
    result: "confirmed" or "not_confirmed"
    error, cause: null for a confirmed run; else the error's name and a sentence, as in the execution's Fail state
    action, application, environments, regions, requested_by: the request, with the environments and regions found
    auto_scaling_groups, tags: what the request selects in place of an application; left out for an application. Tags
        are texts KEY=VALUE
    instance_ids: the only instances that the request names; left out if it names none
    groups: the names of their groups that were found, by which `environment` names an instance's; left out likewise
    instances: the number of instances judged
    counts: {verdict: number of instances}
    processes: {state: number of processes} that the hosts listed
    more_processes: the number of processes that the hosts left out to keep their answers short
    problems: every instance that is not confirmed,
        [{region, environment, instance, verdict, reason, processes, more_processes}]
    more_problems: the number of instances left out of `problems`
    notes: the instances without Sidekiq, in the same shape
    more_notes: the number of instances left out of `notes`
    hosts, more_hosts: for `status` only, every host with its processes, in the same shape; where it is known, with
        asleep_by, the run that has put them to sleep, and for each process that sleeps `since` (ISO 8601)
    started_at, ended_at (ISO 8601), duration_seconds
    what_to_do: {verdict: advice} for the verdicts in `problems`
    stopped_by: who stopped the run, if somebody did and it is known
    so_far: {confirmed, instances} for a run with instances that an error, a person or its time limit ended
    lease: {wakes_at, failure} for a run with wake_after_seconds: when its workers will be woken if nobody does it
        before, or a sentence that says why they will not be
    lifecycle_action: {completed, over, failures} for an instance for which Auto Scaling waits: whether it was told that
        the instance may go, whether the action was over before, and sentences about calls that failed
    slack: {delivered, told, not_told}, once a step has tried to notify Slack
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from snow_white.model.action import Action
from snow_white.model.fleet import Process, fleet_name
from snow_white.model.lease import Lease
from snow_white.model.progress import Progress
from snow_white.model.termination import Completion

Stated: TypeAlias = str | int | float | bool | tuple[str, ...] | None
"""A value of a request as it was stated, valid or not, cut to size (limits.py)."""


class Result(StrEnum):
    """The result of a run, which is confirmed only if every instance in scope is."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"


@dataclass(frozen=True)
class InstanceResult:
    """One instance with its verdict (the value of a Verdict), the reason, and its processes.

    `asleep_by`: for `status`, the run that has put its workers to sleep; "" if none has, or they were woken since.
    """

    region: str = ""
    environment: str = ""
    instance: str = ""
    verdict: str = "unconfirmed"
    reason: str = ""
    processes: tuple[Process, ...] = ()
    more_processes: int = 0
    asleep_by: str = ""


@dataclass(frozen=True)
class Problem(InstanceResult):
    """An instance that is not confirmed, or all instances of a region that did not answer."""

    @property
    def is_region(self) -> bool:
        """Whether the problem concerns all instances of a region."""
        return self.instance == ALL_INSTANCES


ALL_INSTANCES = "all"


@dataclass(frozen=True)
class Delivery:
    """The notification of the end. `told`: the channels and members notified; `not_told`: sentences about failures.

    `delivered` is true if every place was notified.
    """

    delivered: bool = False
    told: tuple[str, ...] = ()
    not_told: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """The report; the module's docstring describes its fields. A key that the JSON lacks is None or empty."""

    summary: str | None = None
    result: Result = Result.NOT_CONFIRMED
    error: str | None = None
    cause: str | None = None
    action: Stated = None
    application: Stated = None
    environments: Stated = None
    auto_scaling_groups: Stated = None
    tags: Stated = None
    instance_ids: Stated = None
    groups: tuple[str, ...] | None = None
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
    stopped_by: str | None = None
    so_far: Progress | None = None
    lease: Lease | None = None
    lifecycle_action: Completion | None = None
    slack: Delivery | None = None

    @property
    def confirmed(self) -> bool:
        return self.result is Result.CONFIRMED

    @property
    def fleet_name(self) -> str:
        """The fleet's name for people; "" if the request names none."""
        return fleet_name(self.application, self.auto_scaling_groups, self.tags, self.instance_ids)

    @property
    def group_word(self) -> str:
        """What `environment` of an instance is called for people."""
        return "Group" if self.auto_scaling_groups or self.tags else "Environment"

    @property
    def known_action(self) -> Action | None:
        """The action; None if the request stated no known action."""
        return Action.known(self.action)

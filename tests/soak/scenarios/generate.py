"""Random scenarios from a seed. Half of them are healthy: whatever goes wrong passes, so that the run must succeed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.soak.cloud.faults import CALL_FAULTS, ROW_FAULTS, ApiFault
from tests.soak.scenarios.scenario import (
    FOREVER,
    REGIONS,
    SELECTORS,
    Delivery,
    EnvironmentSpec,
    HostEvent,
    HostSpec,
    LambdaFault,
    Scenario,
    SlackFault,
)

_LISTS: Final = (
    "DescribeEnvironments",
    "DescribeInstances",
    "DescribeInstanceInformation",
    "ListCommands",
    "ListCommandInvocations",
)
_OPERATIONS: Final = (*_LISTS, "SendCommand", "SendCommand", "*", "DescribeDocument", "CancelCommand")
_OF_SCHEDULES: Final = ("CreateSchedule", "UpdateSchedule", "GetSchedule", "DeleteSchedule")
_STEPS: Final = (
    "DiscoverInstances",
    "AnnounceStart",
    "DispatchCommand",
    "PollCommand",
    "PollCommand",
    "AnnounceProgress",
    "NotifySlack",
)
LAMBDA_FAULTS: Final = (
    "crash-before",
    "crash-after",
    "crash-during",
    "timed-out",
    "twice",
    "throttled",
    "client-timeout",
    "service-error",
)
SLACK_FAULTS: Final = (
    "down",
    "ratelimited",
    "invalid_auth",
    "channel_not_found",
    "message_not_found",
    "lost-answer",
)
LIES: Final = ("cut", "empty", "surrogate", "huge", "control", "contradiction", "other-code", "noise")
EVENTS: Final = (
    "terminate",
    "stop-start",
    "reboot",
    "reboot-unreported",
    "restart-workers",
    "agent-dies",
    "kill-script",
    "foreign-wake",
    "foreign-quiet",
)
_GAPS: Final = ("empty", "partial", "late", "stale")
_READ_FOR_THE_PLAN: Final = (*_LISTS[:3], "DescribeDocument", "*")
_PLANNED_BY: Final = 20.0  # seconds, if nothing delays that
_PLANNED_AT_LAST_BY: Final = 330.0
_MARGIN: Final = 210.0  # seconds before the deadline in which a healthy scenario stays undisturbed


def _selector(seed: int, environments: tuple[EnvironmentSpec, ...], hosts: tuple[HostSpec, ...]) -> str:
    """By random; but groups and tags are found by their instances only, so each region must have one at the start."""
    workers = {one.id for one in environments if "workers" in one.name}
    there = {one.region for one in hosts if one.environment in workers and one.launched_at <= 0}
    if there != {one.region for one in environments}:
        return "application"
    return Random(f"selector {seed}").choices(tuple(SELECTORS), (60, 20, 20))[0]  # noqa: S311


def _with_schedules(scenario: Scenario) -> Scenario:
    """The scenario with a lease or without, and with faults of Scheduler; by another random than all the rest."""
    random = Random(f"schedules {scenario.seed}")  # noqa: S311
    wake_after = None
    if scenario.action in ("quiet", "stop") and random.random() < 0.3:
        wake_after = scenario.timeout_seconds + random.randint(0, 3600)
    faults: tuple[ApiFault, ...] = ()
    if random.random() < 0.15 and (scenario.timeout_seconds >= 420 or not scenario.healthy):
        operation = random.choice(_OF_SCHEDULES)
        start, seconds = random.choice(((0.0, 60.0), (0.0, FOREVER), (random.uniform(5, 60), FOREVER)))
        kind, share = random.choice(CALL_FAULTS), random.choice((1.0, 0.5))
        faults = (ApiFault(kind, "us-east-1", operation, start, seconds, share),)
    return replace(
        scenario,
        wake_after=wake_after,
        earlier_lease=random.random() < 0.2,
        faults=(*scenario.faults, *faults),
    )


def _without_gaps_in_a_late_plan(scenario: Scenario) -> Scenario:
    """The scenario in which EC2 lists all that is there until the plan is made, although faults may delay that.

    At the start, a list without an instance is all that can be known.
    """
    delayed = any(
        one.start < _PLANNED_BY and one.kind in CALL_FAULTS and one.operation in _READ_FOR_THE_PLAN
        for one in scenario.faults
    ) or any(one.step == "DiscoverInstances" for one in scenario.lambda_faults)
    if not delayed:
        return scenario
    spared = tuple(
        replace(one, kind="doubled")
        if one.operation == "DescribeInstances" and one.kind in _GAPS and one.start < _PLANNED_AT_LAST_BY
        else one
        for one in scenario.faults
    )
    return replace(scenario, faults=spared)


@dataclass
class _Generator:
    random: Random
    healthy: bool

    def scenario(self, seed: int) -> Scenario:
        random = self.random
        action = random.choices(("quiet", "stop", "wake", "status"), (50, 20, 20, 10))[0]
        timeout = self._timeout()
        regions = random.sample(REGIONS, random.choices((1, 2, 3), (70, 22, 8))[0])
        environments = self._environments(regions, timeout)
        hosts = self._hosts(environments, action, timeout)
        named = None if random.random() < 0.1 else tuple(one for one in REGIONS if one in regions)
        scenario = Scenario(
            seed=seed,
            action=action,
            timeout_seconds=timeout,
            regions=named,
            healthy=self.healthy,
            environments=environments,
            hosts=hosts,
            events=self._events(hosts, timeout),
            faults=tuple(self._fault(regions, timeout) for _ in range(self._few(timeout >= 420))),
            deliveries=self._deliveries(hosts, timeout),
            lambda_faults=tuple(self._lambda_fault(timeout) for _ in range(random.choice((0, 0, 0, 1, 2)))),
            slack_faults=self._slack_faults(timeout),
            other_run=""
            if self.healthy or random.random() > 0.04
            else random.choice(("quiet", "stop", "wake")),
            selector=_selector(seed, environments, hosts),
        )
        return _with_schedules(_without_gaps_in_a_late_plan(scenario) if self.healthy else scenario)

    def _timeout(self) -> int:
        low, high = self.random.choices(
            ((60, 120), (300, 700), (700, 7200), (7200, 172_800)), (20, 60, 19.6, 0.4)
        )[0]
        return self.random.randint(low, high)

    def _few(self, enough_time: bool) -> int:
        if self.healthy and not enough_time:
            return 0
        return self.random.choice((0, 1, 1, 2, 3))

    def _environments(self, regions: list[str], timeout: int) -> tuple[EnvironmentSpec, ...]:
        found = []
        for region in regions:
            for letter in "ab"[: self.random.choice((1, 1, 2))]:
                found.append(EnvironmentSpec(region, f"shop-workers-{letter}", f"e-{letter}{region[:2]}"))
            found.append(EnvironmentSpec(region, "shop-web", f"e-web{region[:2]}"))
        if not self.healthy and self.random.random() < 0.1:
            later = self.random.uniform(1, timeout)
            found.append(EnvironmentSpec(regions[0], "shop-workers-c", f"e-c{regions[0][:2]}", later))
        return tuple(found)

    def _hosts(
        self, environments: tuple[EnvironmentSpec, ...], action: str, timeout: int
    ) -> tuple[HostSpec, ...]:
        most = self.random.choices((3, 60), (98, 2))[0]
        hosts: list[HostSpec] = []
        for environment in environments:
            least = 1 if environment.name == "shop-workers-a" else 0
            for _ in range(self.random.randint(least, most)):
                hosts.append(self._host(f"i-{len(hosts):04}", environment, action, timeout))
        return tuple(hosts)

    def _host(self, id_: str, environment: EnvironmentSpec, action: str, timeout: int) -> HostSpec:
        random, wild = self.random, not self.healthy
        states = ("awake", "quiet", "stopped") if action == "wake" else ("awake", "awake", "awake", "quiet")
        state = "absent" if wild and random.random() < 0.04 else random.choice(states)
        jobs = tuple(self._job(timeout) for _ in range(random.choice((1, 1, 2, 3))))
        launched_at = -259_200.0
        first = id_ == "i-0000" and not wild  # of a healthy fleet somebody is there
        if random.random() < 0.08 and (wild or timeout >= 2400) and not first:
            launched_at = random.uniform(1, timeout * (1 if wild else 0.3))
        elif wild and random.random() < 0.05:
            launched_at = -random.uniform(1, 600)
        launched_at = max(launched_at, environment.made_at + 1) if environment.made_at else launched_at
        agent = random.choices(("online", "lost", "none"), (94, 3, 3))[0] if wild else "online"
        lie = random.choice(LIES) if wild and random.random() < 0.08 else ""
        return HostSpec(id_, environment.region, environment.id, state, jobs, launched_at, agent, lie)

    def _job(self, timeout: int) -> float:
        random = self.random
        if self.healthy:
            latest = max(0.0, timeout - _MARGIN) if timeout > 300 else 10.0
            return random.uniform(0, min(latest, random.choices((60, 300, latest), (75, 20, 5))[0]))
        if random.random() < 0.03:
            return FOREVER
        return random.uniform(0, random.choices((90, timeout * 1.2), (92, 8))[0])

    def _events(self, hosts: tuple[HostSpec, ...], timeout: int) -> tuple[HostEvent, ...]:
        random = self.random
        if self.healthy:
            if timeout < 2400 or random.random() < 0.5:
                return ()
            # The first host stays, so that there is something to be confirmed.
            kinds: tuple[str, ...] = ("terminate", "reboot", "restart-workers", "kill-script")
            there = [one for one in hosts[1:] if one.launched_at < 0]
            picked = random.sample(there, min(len(there), 2))
            return tuple(
                HostEvent(
                    random.uniform(1, timeout * 0.3), one.id, random.choice(kinds), random.uniform(40, 120)
                )
                for one in picked
            )
        soon = random.choice((60.0, float(timeout)))
        return tuple(
            HostEvent(
                random.uniform(1, soon),
                random.choice(hosts).id,
                random.choice(EVENTS),
                random.choice((random.uniform(30, 180), random.uniform(180, 1800), FOREVER)),
            )
            for _ in range(random.choice((0, 0, 1, 1, 2, 3)))
        )

    def _fault(self, regions: list[str], timeout: int) -> ApiFault:
        random = self.random
        region = random.choice([*regions, "*"])
        operation = random.choice(_OPERATIONS)
        kinds = (*CALL_FAULTS, *ROW_FAULTS) if operation in _LISTS else CALL_FAULTS
        kind = random.choice(kinds)
        share = random.choice((1.0, 1.0, 0.5))
        if not self.healthy:
            start = random.uniform(0, random.choice((20.0, 120.0, float(timeout))))
            seconds = random.choices((random.uniform(5, 60), random.uniform(60, 600), FOREVER), (50, 35, 15))[
                0
            ]
            return ApiFault(kind, region, operation, start, seconds, share)
        if operation == "DescribeEnvironments" and kind in ("empty", "partial"):
            kind = "doubled"  # a list without an environment at the start is all that can be known
        seconds = random.uniform(5, 60)
        latest = max(1.0, timeout - _MARGIN - seconds)
        start = random.uniform(0, min(latest, random.choice((20.0, 120.0, latest))))
        if operation == "DescribeInstances" and kind in _GAPS:
            start = max(start, _PLANNED_BY)
        return ApiFault(kind, region, operation, start, seconds, share)

    def _deliveries(self, hosts: tuple[HostSpec, ...], timeout: int) -> tuple[Delivery, ...]:
        random = self.random
        chance = 0.1 if timeout >= 3600 or not self.healthy else 0.0
        return tuple(
            Delivery(one.id, 0 if self.healthy else random.randint(0, 2), random.choice(("lost", "twice")))
            for one in hosts[:3]
            if random.random() < chance
        )

    def _lambda_fault(self, timeout: int) -> LambdaFault:
        random = self.random
        step = random.choice(_STEPS)
        number = random.randint(0, 12) if step == "PollCommand" else random.randint(0, 1)
        kind = random.choice(LAMBDA_FAULTS)
        if self.healthy and timeout < 1200 and kind == "timed-out":
            kind = "crash-after"  # a function that hangs for five minutes takes the time that the run has
        return LambdaFault(step, number, kind, random.randint(0, 8))

    def _slack_faults(self, timeout: int) -> tuple[SlackFault, ...]:
        random = self.random
        if random.random() > 0.15:
            return ()
        seconds = random.choice((random.uniform(5, 120), FOREVER))
        return (SlackFault(random.choice(SLACK_FAULTS), random.uniform(0, timeout * 0.3), seconds),)


def generate(seed: int) -> Scenario:
    """The scenario of a seed, always the same."""
    random = Random(seed)  # noqa: S311
    return _Generator(random, healthy=random.random() < 0.5).scenario(seed)

"""The cloud that a scenario describes, with everything that is going to happen in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from snow_white.aws.schedules import fleet_key
from snow_white.model.stated_request import StatedRequest
from tests.soak.cloud.clock import START, SimulatedClock
from tests.soak.cloud.cloud import Cloud
from tests.soak.cloud.executions import MACHINE_ARN, Executions
from tests.soak.cloud.faults import Faults
from tests.soak.cloud.host import Host, State, Worker
from tests.soak.cloud.instance import Instance
from tests.soak.cloud.region import Environment, Region
from tests.soak.cloud.scheduler import ROLE, Schedule
from tests.soak.cloud.timeline import Timeline
from tests.soak.scenarios.scenario import APPLICATION, FOREVER, REGIONS, HostEvent, HostSpec, Scenario

_STARTS_IN: Final = 20.0
_REGISTERS_IN: Final = 45.0


def build(scenario: Scenario, clock: SimulatedClock, names: Iterable[str] = REGIONS) -> Cloud:
    """The cloud at the scenario's start, with regions of these names."""
    random = Random(scenario.seed)  # noqa: S311
    regions = {name: Region(name, Timeline(START), random) for name in names}
    for environment in scenario.environments:
        made_at = START + environment.made_at if environment.made_at else 0.0
        regions[environment.region].environments.append(
            Environment(APPLICATION, environment.name, environment.id, made_at)
        )
    for spec in scenario.hosts:
        _add_host(regions[spec.region], spec, random)
    for region in regions.values():
        region.run_command.deliveries = {(one.host, one.number): one.kind for one in scenario.deliveries}
        region.run_command.lies = {one.id: one.lie for one in scenario.hosts if one.lie}
    where = {spec.id: regions[spec.region] for spec in scenario.hosts}
    for event in scenario.events:
        if event.host in where:
            _plan(where[event.host], event)
    executions = Executions({"night-1": scenario.request})
    if scenario.other_run:
        executions.running["other"] = {**scenario.request, "action": scenario.other_run}
    cloud = Cloud(clock, regions, Faults(scenario.faults, random), random, executions=executions)
    if scenario.earlier_lease:
        cloud.scheduler.schedules[lease_name(scenario)] = _earlier_lease(scenario)
    return cloud


def lease_name(scenario: Scenario) -> str:
    """The name of the schedule that wakes the fleet."""
    return f"wake-{fleet_key(StatedRequest.read(scenario.request))}"


def _earlier_lease(scenario: Scenario) -> Schedule:
    request = {**scenario.request, "action": "wake", "only_asleep_by": f"{START - 7200:.0f} evening-1"}
    at = datetime.fromtimestamp(START + 7200, UTC)
    target = {"Arn": MACHINE_ARN, "RoleArn": ROLE, "Input": json.dumps(request)}
    given = {"ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})", "Target": target}
    return Schedule(given, START - 7200)


def _add_host(region: Region, spec: HostSpec, random: Random) -> None:
    timeline = region.timeline
    there = spec.launched_at <= 0
    state = State(spec.state) if there else State.ABSENT
    workers = [Worker(100 + index, state, seconds) for index, seconds in enumerate(spec.jobs)]
    for worker in workers:
        worker.last_job = float("inf") if worker.last_job >= FOREVER else worker.last_job
    instance = Instance(spec.id, spec.environment, timeline, Host(timeline, random, workers))
    if not there:
        timeline.at(START + spec.launched_at, lambda: _launch(region, instance))
        return
    region.instances[spec.id] = instance
    instance.launched.set(0.0, START + spec.launched_at)
    instance.state.set(START + spec.launched_at, "running")
    if spec.agent != "none":
        instance.agent.set(START + spec.launched_at, True)
    if spec.agent == "lost":
        instance.agent.set(START - 3600, False)
        instance.silent_since = START - 3600


def _launch(region: Region, instance: Instance) -> None:
    region.instances[instance.id] = instance
    _start(region, instance, boots_in=150.0)


def _start(region: Region, instance: Instance, boots_in: float) -> None:
    timeline = region.timeline
    instance.set_state("pending")
    instance.launched.set(timeline.now, timeline.now)
    timeline.after(_STARTS_IN, lambda: _if(instance, "pending", lambda: instance.set_state("running")))

    def registers() -> None:
        instance.host.down = False
        _connect(region, instance)

    timeline.after(_REGISTERS_IN, lambda: _if(instance, "running", registers))
    timeline.after(boots_in, lambda: _if(instance, "running", instance.host.boot))


def _connect(region: Region, instance: Instance) -> None:
    instance.connect()
    region.run_command.agent_returned(instance)


def _if(instance: Instance, state: str, happens: Callable[[], None]) -> None:
    if instance.state.now == state:
        happens()


def _plan(region: Region, event: HostEvent) -> None:
    happens = _EVENTS[event.kind]

    def now() -> None:
        instance = region.instances.get(event.host)
        if instance and instance.state.now == "running":
            happens(region, instance, event.seconds)

    region.timeline.at(START + event.at, now)


def _terminate(region: Region, instance: Instance, _seconds: float) -> None:
    instance.set_state("shutting-down")
    region.timeline.after(10, instance.disconnect)

    def ended() -> None:
        instance.host.shut_down()
        instance.set_state("terminated")

    region.timeline.after(60, ended)


def _stop_start(region: Region, instance: Instance, seconds: float) -> None:
    instance.set_state("stopping")
    region.timeline.after(10, instance.disconnect)

    def stopped() -> None:
        instance.host.shut_down()
        instance.set_state("stopped")

    region.timeline.after(40, stopped)
    if seconds < FOREVER:
        region.timeline.after(40 + seconds, lambda: _start(region, instance, boots_in=60.0))


def _reboot(region: Region, instance: Instance, seconds: float, *, reported: bool = True) -> None:
    instance.disconnect()
    instance.host.shut_down()
    region.run_command.host_went_down(instance, reported=reported)

    def back() -> None:
        instance.host.down = False
        _connect(region, instance)

    away = min(seconds, 120.0)
    region.timeline.after(away, lambda: _if(instance, "running", back))
    region.timeline.after(away + 15, lambda: _if(instance, "running", instance.host.boot))


def _agent_dies(region: Region, instance: Instance, seconds: float) -> None:
    instance.disconnect()
    if seconds < FOREVER:
        region.timeline.after(seconds, lambda: _if(instance, "running", lambda: _connect(region, instance)))


def _restart_workers(_region: Region, instance: Instance, _seconds: float) -> None:
    if not instance.host.down:
        instance.host.restart_workers()


def _foreign(document: str) -> Callable[[Region, Instance, float], None]:
    def send(region: Region, instance: Instance, seconds: float) -> None:
        """A command of another run, which is stopped after a time."""
        request: dict[str, Any] = {
            "DocumentName": document,
            "InstanceIds": [instance.id],
            "Comment": "SnowWhite another-run 0badc0de 1",
            "TimeoutSeconds": 120,
            "Parameters": {"executionTimeout": ["600"]},
        }
        if instance.is_managed(region.timeline.now):
            command = region.run_command.send(request)
            if seconds < FOREVER:
                region.timeline.after(seconds, lambda: region.run_command.cancel(command.id))

    return send


_EVENTS: Final[Mapping[str, Callable[[Region, Instance, float], None]]] = {
    "terminate": _terminate,
    "stop-start": _stop_start,
    "reboot": _reboot,
    "reboot-unreported": lambda region, instance, seconds: _reboot(region, instance, seconds, reported=False),
    "restart-workers": _restart_workers,
    "agent-dies": _agent_dies,
    "kill-script": lambda region, instance, _seconds: region.run_command.kill_scripts(instance),
    "foreign-wake": _foreign("SnowWhite-WakeSidekiqWorkers"),
    "foreign-quiet": _foreign("SnowWhite-QuietSidekiqWorkers"),
}

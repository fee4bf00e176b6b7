"""What must hold of every run, whatever went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from tests.soak.cloud.clock import START
from tests.soak.cloud.faults import ANY
from tests.soak.cloud.host import State, is_awake, is_quiet, is_stopped
from tests.soak.cloud.instance import Instance
from tests.soak.cloud.run_command import ACTIONS
from tests.soak.scenarios import world
from tests.soak.scenarios.run import NAME, Ended
from tests.soak.scenarios.scenario import FOREVER
from tests.soak.states_language.machine import MOST_BYTES, MOST_EVENTS

_FRESH_SECONDS: Final = 300.0
_LATENCY: Final = 60.0  # from a host's look at its workers to the report: delivery, lists, the last poll
_GRACE: Final = 120.0
_LAST_WAIT: Final = 10.0
_WAIT_FOR_REGIONS: Final = 300.0  # at the start, before anything is sent
_SENDINGS: Final = 24  # to one instance: lost commands, a new instance's first ten minutes, renewals
_LONGEST_RECHECK: Final = 120.0
_OWN_ERRORS: Final = (
    "NotConfirmed",
    "InvalidRequest",
    "NothingMatched",
    "RegionRefused",
    "RegionUnavailable",
    "OppositeRunUnderWay",
)
_RETRIES_OF_AN_EVENT: Final = 2
_CONFIRMING: Final = ("quiet", "stopped", "awake", "reported")
_PROVES: Final[Mapping[str, Callable[[tuple[State, ...]], bool]]] = {
    "quiet": is_quiet,
    "stopped": is_stopped,
    "awake": is_awake,
}


@dataclass(frozen=True)
class Violation:
    """An invariant's name, and what was seen instead."""

    name: str
    text: str
    kind: str = ""

    @property
    def group(self) -> str:
        """Violations of one group have one cause, as far as can be told."""
        return f"{self.name} ({self.kind})" if self.kind else self.name


def violations(ended: Ended) -> list[Violation]:
    """All that does not hold."""
    return [violation for check in _CHECKS for violation in check(ended)]


def _confirmed_is_true(ended: Ended) -> Iterator[Violation]:
    """Who is confirmed was so within the last five minutes, and nothing but a later event has changed that."""
    if not _has_judged(ended):
        return
    at = ended.reported_at
    for verdict in ended.functions.verdicts:
        said, instance = str(verdict["verdict"]), _instance(ended, str(verdict["instance"]))
        truth = instance.host.truth.between(at - _FRESH_SECONDS - _LATENCY, ended.functions.judged_at)
        proves = _PROVES.get(said)
        if proves and not any(map(proves, truth)):
            shown = ", ".join("/".join(states) for states in truth)
            yield Violation("confirmed untruly", f"{instance.id} is reported {said}, but was {shown}.")
        if (
            said == "no_worker"
            and ended.scenario.action != "status"
            and not any(set(states) <= {State.ABSENT} for states in truth)
        ):
            yield Violation(
                "confirmed untruly", f"{instance.id} is reported without Sidekiq, but has workers."
            )
    if ended.execution.status == "SUCCEEDED" and ended.scenario.action in ("wake", "quiet", "stop"):
        yield from _undone(ended)


def _undone(ended: Ended) -> Iterator[Violation]:
    """A success that another run's later command has undone before the report was made."""
    at = ended.reported_at
    opposites = {"wake": ("quiet", "stop")}.get(ended.scenario.action, ("wake",))
    for region in ended.cloud.regions.values():
        for command in region.run_command.commands:
            if ACTIONS[command.document] in opposites and command.sent_at < at - _LATENCY:
                for id_, one in command.invocations.items():
                    truth = one.instance.host.truth.at(at) or ()
                    proves = _PROVES[_CONFIRMING[("quiet", "stop", "wake").index(ended.scenario.action)]]
                    if one.started_at and not proves(truth) and _verdict(ended, id_) in _CONFIRMING:
                        yield Violation(
                            "undone by another run",
                            f"{id_} is confirmed, but a {ACTIONS[command.document]} of another run, "
                            f"{at - command.sent_at:.0f} s before the report, made it {'/'.join(truth)}.",
                        )


def _refused_is_named(ended: Ended) -> Iterator[Violation]:
    """A region that refused every call of the last poll is reported, and nobody in it is confirmed."""
    if not _has_judged(ended):
        return
    report = ended.report or {}
    named = {one["region"] for one in report["problems"] if one["instance"] == "all"}
    first = max(at for name, at in ended.execution.steps if name == "PollCommand") - START
    last = ended.functions.judged_at - START
    for fault in ended.scenario.faults:
        whole = fault.kind == "refused" and fault.operation == ANY and fault.share >= 1
        if not whole or fault.start > first or fault.start + fault.seconds <= last:
            continue
        for region in report["regions"]:
            if fault.region not in (ANY, region):
                continue
            if region not in named:
                yield Violation(
                    "refused region not named", f"{region} refused everything; it is not reported."
                )
            for one in ended.functions.verdicts:
                if one["region"] == region and one["verdict"] in _CONFIRMING:
                    text = f"{one['instance']} is {one['verdict']}, but {region} refused everything."
                    yield Violation("confirmed without an answer", text)


def _everyone_has_a_verdict(ended: Ended) -> Iterator[Violation]:
    """Who runs at the end, and was sent to or could be seen, has one verdict, or its region is reported."""
    if not _has_judged(ended):
        return
    counted = Counter(str(one["instance"]) for one in ended.functions.verdicts)
    for id_, count in counted.items():
        if count > 1:
            yield Violation("several verdicts", f"{id_} has {count} verdicts.")
    report = ended.report or {}
    silent = {one["region"] for one in report["problems"] if one["instance"] == "all"}
    at = ended.reported_at
    sent_to = {id_ for _, command in ended.own_commands() for id_ in command.invocations}
    for region in ended.cloud.regions.values():
        matching = {one.id for one in region.environments if "workers" in one.name}
        for instance in region.instances.values():
            states = {instance.state.at(at), instance.state.at(ended.functions.judged_at)}
            there = instance.environment in matching and states <= _THERE
            seen = instance.id in sent_to or instance.id in region.shown
            if there and seen and region.name not in silent and instance.id not in counted:
                state = instance.state.at(at)
                yield Violation("no verdict", f"{instance.id} is {state}, and the report says nothing of it.")


_THERE: Final = frozenset({"running", "shutting-down", "stopping"})


def _healthy_succeeds(ended: Ended) -> Iterator[Violation]:
    """Faults that pass delay a run and do not fail it."""
    execution = ended.execution
    if ended.scenario.healthy and execution.status != "SUCCEEDED":
        text = f"{execution.error}: {(execution.cause or '')[:400]}"
        yield Violation("a fault that passes fails the run", text, execution.error or execution.status)


def _ends_in_time(ended: Ended) -> Iterator[Violation]:
    """No waiting after the deadline and two minutes; retries and functions have their own time."""
    execution = ended.execution
    said = ended.state.get("dispatched_at")
    if said:
        deadline = datetime.fromisoformat(said).timestamp() + ended.scenario.timeout_seconds
    else:
        # The time of a run counts from its first sending; before that it waits for regions.
        deadline = execution.started_at + _WAIT_FOR_REGIONS
    late = 0.0
    steps = [*execution.steps, ("", execution.ended_at or 0.0)]
    for (name, entered), (_, left) in pairwise(steps):
        if name == "WaitForWorkers":
            late += max(0.0, left - max(entered, deadline))
    if late > _GRACE + _LAST_WAIT:
        yield Violation("ends too late", f"It waited {late:.0f} s after its deadline.")


def _sends_are_bounded(ended: Ended) -> Iterator[Violation]:
    sent: Counter[str] = Counter()
    for _, command in ended.own_commands():
        if ACTIONS[command.document] == ended.scenario.action:
            sent.update(command.invocations.keys())
    faults = (
        len(ended.scenario.lambda_faults) + ended.injected["lost-answer"] + ended.injected["read-timeout"]
    )
    for id_, count in sent.items():
        if count > _SENDINGS + 4 * faults:
            yield Violation("too many sendings", f"{id_} was sent {count} commands.")


def _rechecks_only_look(ended: Ended) -> Iterator[Violation]:
    """A recheck is a status command, and soon over; a host's status changes nothing."""
    for region, command in ended.own_commands():
        if not command.comment.endswith(" recheck"):
            continue
        if ACTIONS[command.document] != "status":
            yield Violation("recheck that acts", f"{command.document} was sent in {region}.")
        if command.expires_at - command.sent_at > _LONGEST_RECHECK:
            seconds = command.expires_at - command.sent_at
            yield Violation("recheck that lasts", f"One may go on for {seconds:.0f} s in {region}.")


def _leaves_nothing_that_acts(ended: Ended) -> Iterator[Violation]:
    """When all is confirmed, no command of the run goes on that could put a worker to sleep, or wake it, later."""
    if ended.execution.status != "SUCCEEDED" or ended.scenario.action == "status":
        return
    for region, command in ended.own_commands():
        for id_, one in command.invocations.items():
            ended_at = one.ended_at or float("inf")
            going = one.started_at is not None and ended_at > (ended.execution.ended_at or 0.0)
            confirmed = _verdict(ended, id_) in _CONFIRMING
            if (
                ACTIONS[command.document] != "status"
                and going
                and confirmed
                and not ended.cloud.faults.hit_services
            ):
                yield Violation("a command outlives the run", f"{command.document} on {id_} in {region}.")


def _sends_no_opposite(ended: Ended) -> Iterator[Violation]:
    for region, command in ended.own_commands():
        action = ACTIONS[command.document]
        if action not in (ended.scenario.action, "status"):
            yield Violation("opposite action", f"A {ended.scenario.action} sent {action} in {region}.")


def _leaves_an_opposite_run_alone(ended: Ended) -> Iterator[Violation]:
    """Nothing is sent while an earlier run is under way that does the opposite."""
    mine, other = ended.scenario.action, ended.scenario.other_run
    if other and mine in ("quiet", "stop", "wake") and (mine == "wake") != (other == "wake"):
        for region, command in ended.own_commands():
            yield Violation(
                "beside an opposite run", f"A {mine} sent {command.document} in {region} beside a {other}."
            )


def _keeps_limits(ended: Ended) -> Iterator[Violation]:
    execution = ended.execution
    if execution.events >= MOST_EVENTS:
        yield Violation("too many events", f"The history has {execution.events} events.")
    if execution.largest > MOST_BYTES:
        yield Violation("state too large", f"A state had {execution.largest} bytes.")
    if len(execution.cause or "") >= 32_768:
        yield Violation("cause too long", f"The cause has {len(execution.cause or '')} characters.")


def _ends_in_its_own_words(ended: Ended) -> Iterator[Violation]:
    """With a report, and never by an error of the software itself unless Lambda failed all the time."""
    execution = ended.execution
    if execution.status == "SUCCEEDED" or execution.error in _OWN_ERRORS:
        return
    if ended.scenario.stopped_at < FOREVER and (execution.status == "ABORTED" or ended.scenario.dies):
        return
    if len(ended.scenario.lambda_faults) > 3:
        return
    raised = "; ".join(f"{step}: {kind}: {text[:200]}" for step, kind, text in ended.functions.raised[-2:])
    yield Violation(
        "ends by an error of its own",
        f"{execution.status} {execution.error}: {(execution.cause or '')[:300]} [{raised}]",
        execution.error or execution.status,
    )


def _tells_once(ended: Ended) -> Iterator[Violation]:
    """Unless a function dies between Slack's answer and its record of it, or the table of records cannot be used."""
    died = sum(
        one.kind == "crash-during" and one.step == "NotifySlack" for one in ended.scenario.lambda_faults
    )
    for place, count in Counter(place for _, place in ended.slack.replies).items():
        if count > 1 + died and "dynamodb" not in ended.cloud.faults.hit_services:
            yield Violation("told twice", f"The end was told {count} times in {place}.")
    unclosed = sum(one.step == "close_run" for one in ended.scenario.lambda_faults) > _RETRIES_OF_AN_EVENT
    disturbed = ended.scenario.slack_faults or _home_faults(ended) or unclosed
    if not ended.slack.replies and not disturbed:
        yield Violation("not told", "Nobody was told the end.")


def _lease_is_true(ended: Ended) -> Iterator[Violation]:
    """What is said of the lease is so, and no earlier run's lease outlives a run that has sent something.

    Only faults of Scheduler itself may keep it from being arranged, and they are named.
    """
    sent = min((command.sent_at for _, command in ended.own_commands()), default=None)
    if ended.scenario.action not in ("quiet", "stop") or sent is None:
        return
    schedule = ended.cloud.scheduler.schedules.get(world.lease_name(ended.scenario))
    mine = bool(schedule and schedule.request["only_asleep_by"].endswith(f" {NAME}"))
    undisturbed = "scheduler" not in ended.cloud.faults.hit_services
    lease = (ended.report or {}).get("lease")
    if ended.scenario.wake_after is None:
        if lease or mine or (schedule and undisturbed):
            yield Violation("lease that nobody wanted", f"{lease}; {schedule}")
    elif ended.report and not lease:
        yield Violation("lease not told", "The report says nothing of it.")
    elif lease and lease.get("wakes_at"):
        if not mine or schedule is None or schedule.at != datetime.fromisoformat(lease["wakes_at"]):
            yield Violation("lease untrue", f"The report says {lease}, but Scheduler has {schedule}.")
        elif schedule.written_at > sent and undisturbed and not ended.scenario.lambda_faults:
            yield Violation(
                "lease too late", f"It was made {schedule.written_at - sent:.0f} s after a command."
            )
    elif lease and (undisturbed or not lease.get("failure")):
        yield Violation("lease not arranged", f"Nothing was wrong with Scheduler, but: {lease}")


def _reminds(ended: Ended) -> Iterator[Violation]:
    """After a quiet or a stop without a lease a look is scheduled, unless something at home is disturbed."""
    scenario = ended.scenario
    if scenario.action not in ("quiet", "stop") or not any(ended.own_commands()):
        return
    looks = [name for name in ended.cloud.scheduler.schedules if name.startswith("look-1-")]
    leased = ((ended.report or {}).get("lease") or {}).get("wakes_at")
    told_of_it = any(one.step in ("NotifySlack", "close_run") for one in scenario.lambda_faults)
    disturbed = _home_faults(ended) or told_of_it or "scheduler" in ended.cloud.faults.hit_services
    if leased and looks:
        yield Violation("look beside a lease", f"{looks}")
    if ended.report and not leased and not looks and not disturbed:
        yield Violation("no look", "No look was scheduled.")


def _home_faults(ended: Ended) -> bool:
    return any(one.operation == "*" for one in ended.scenario.faults)


def _has_judged(ended: Ended) -> bool:
    report = ended.report
    return bool(report and report.get("error") in (None, "NotConfirmed") and ended.functions.verdicts)


def _instance(ended: Ended, id_: str) -> Instance:
    return next(region.instances[id_] for region in ended.cloud.regions.values() if id_ in region.instances)


def _verdict(ended: Ended, id_: str) -> str:
    return next((str(one["verdict"]) for one in ended.functions.verdicts if one["instance"] == id_), "")


_CHECKS: Final = (
    _confirmed_is_true,
    _refused_is_named,
    _everyone_has_a_verdict,
    _healthy_succeeds,
    _ends_in_time,
    _sends_are_bounded,
    _rechecks_only_look,
    _leaves_nothing_that_acts,
    _sends_no_opposite,
    _leaves_an_opposite_run_alone,
    _keeps_limits,
    _ends_in_its_own_words,
    _tells_once,
    _lease_is_true,
    _reminds,
)

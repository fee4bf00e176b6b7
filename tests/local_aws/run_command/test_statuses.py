"""What a command reads, and which invocations it counts, by how they ended."""

import pytest

from local_aws.agent.result import StepStatus
from tests.local_aws.run_command.fake_agents import REGION, FakeAgent, reported
from tests.local_aws.run_command.fleet import Fleet
from tests.patience import eventually


def command_after(fleet: Fleet, *ends: str, max_errors: str = "100%") -> tuple[str, str, int, int]:
    """Status, StatusDetails, CompletedCount and ErrorCount of a command whose invocations have ended like this."""
    statuses: dict[str, tuple[StepStatus, int]] = {
        "Success": ("Success", 0),
        "Failed": ("Failed", 1),
        "ExecutionTimedOut": ("TimedOut", 137),
    }
    ids = fleet.add(
        len(ends), *[FakeAgent(result=reported(*statuses.get(each, ("Success", 0)))) for each in ends]
    )
    for instance, end in zip(ids, ends, strict=True):
        if end not in statuses:
            fleet.agent(instance).faults.end_as(end, 1)
    command = fleet.send(ids, MaxErrors=max_errors)
    eventually(lambda: list(fleet.details(command).values()) == list(ends[::-1]), "all have ended")
    shown = fleet.command(command)
    return shown["Status"], shown["StatusDetails"], shown["CompletedCount"], shown["ErrorCount"]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (["Success"], ("Success", "Success", 1, 0)),
        (["Success", "Failed"], ("Success", "Incomplete", 2, 1)),
        (["Failed", "Failed"], ("Failed", "Failed", 2, 2)),
        (["ExecutionTimedOut"], ("TimedOut", "ExecutionTimedOut", 1, 1)),
        (["ExecutionTimedOut", "Failed"], ("Failed", "Failed", 2, 2)),
        (["DeliveryTimedOut", "Success"], ("Success", "Incomplete", 2, 0)),
        (["DeliveryTimedOut", "DeliveryTimedOut"], ("TimedOut", "DeliveryTimedOut", 2, 0)),
        (["Undeliverable"] * 4 + ["Success"], ("Success", "Success", 5, 0)),
        (["Undeliverable", "Undeliverable"], ("Failed", "Failed", 2, 0)),
        (["InvalidPlatform", "Success"], ("Success", "Success", 1, 0)),
        (["AccessDenied", "AccessDenied"], ("Failed", "Failed", 0, 0)),
        (["Terminated", "Success"], ("Success", "Incomplete", 2, 0)),
        (["Cancelled", "Success"], ("Success", "Incomplete", 2, 0)),
    ],
)
def test_the_commands_own_status_is_no_verdict_on_its_invocations(
    fleet: Fleet, ends: list[str], expected: tuple[str, str, int, int]
) -> None:
    assert command_after(fleet, *ends) == expected


def test_a_forced_end_is_that_of_one_command_and_the_next_one_runs(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent(result=reported()))
    fleet.agent(instance).faults.end_as("Undeliverable", 1)
    first, second = fleet.send([instance]), fleet.send([instance])

    eventually(lambda: fleet.details(second)[instance] == "Success", "the second has ended with Success")
    assert fleet.details(first)[instance] == "Undeliverable"
    assert fleet.agent(instance).runs == 1


@pytest.mark.parametrize("details", ["LimitExceeded", "RateExceeded"])
def test_the_service_may_end_a_command_before_it_reaches_any_instance(fleet: Fleet, details: str) -> None:
    ids = fleet.add(2, *[FakeAgent(result=reported()) for _ in range(2)])
    fleet.service.refuse_next(REGION, details)
    refused, next_one = fleet.send(ids), fleet.send(ids)

    eventually(lambda: fleet.command(next_one)["Status"] == "Success", "the next one has ended with Success")
    shown = fleet.command(refused)
    assert (shown["Status"], shown["StatusDetails"], shown["CompletedCount"]) == ("Failed", details, 0)
    assert set(fleet.details(refused).values()) == {details}
    assert [fleet.agent(each).runs for each in ids] == [1, 1]

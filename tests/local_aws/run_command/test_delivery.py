"""Commands reach agents as concurrency, errors, time limits and cancelling allow."""

import time

import pytest

from local_aws.engine.service_error import ServiceError
from local_aws.run_command.delivery import CHECK_SECONDS
from tests.local_aws.run_command.fake_agents import REGION, FakeAgent, LostAgent, reported
from tests.local_aws.run_command.fleet import Fleet
from tests.patience import eventually


def test_no_more_than_max_concurrency_run_at_once(fleet: Fleet) -> None:
    ids = fleet.add(5)
    command = fleet.send(ids, MaxConcurrency="2")
    eventually(lambda: list(fleet.details(command).values()).count("InProgress") == 2, "two are in progress")
    eventually(lambda: sum(fleet.agent(each).started.is_set() for each in ids) == 2, "two have started")
    begun = [each for each in ids if fleet.agent(each).started.is_set()]

    fleet.agent(begun[0]).end(reported())
    eventually(lambda: sum(fleet.agent(each).started.is_set() for each in ids) == 3, "three have started")

    assert list(fleet.details(command).values()).count("InProgress") == 2
    for each in ids:
        fleet.agent(each).end(reported())
    eventually(lambda: fleet.command(command)["Status"] == "Success", "the command has ended with Success")


def test_fifty_run_at_once_by_default(fleet: Fleet) -> None:
    ids = fleet.add(50)
    command = fleet.send(ids)

    eventually(lambda: set(fleet.details(command).values()) == {"InProgress"}, "all are in progress")


def test_hundreds_of_instances_run_at_the_same_time(fleet: Fleet) -> None:
    ids = fleet.add(400)
    commands = [fleet.send(ids[begin : begin + 50]) for begin in range(0, 400, 50)]
    eventually(lambda: all(fleet.agent(each).started.is_set() for each in ids), "all have started")

    for each in ids:
        fleet.agent(each).end(reported())

    eventually(
        lambda: all(fleet.command(each)["Status"] == "Success" for each in commands),
        "the commands have ended with Success",
    )


def test_one_error_stops_the_sending_by_default(fleet: Fleet) -> None:
    ids = fleet.add(3)
    command = fleet.send(ids, MaxConcurrency="1")
    fleet.agent(ids[0]).end(reported("Failed", 1))

    eventually(lambda: fleet.command(command)["Status"] == "Failed", "the command has failed")

    assert sorted(fleet.details(command).values()) == ["Failed", "Terminated", "Terminated"]
    assert not fleet.agent(ids[1]).started.is_set()


def test_all_are_reached_when_all_may_fail_and_the_command_says_success(fleet: Fleet) -> None:
    ids = fleet.add(
        4, *[FakeAgent(result=reported("Failed", 2)) for _ in range(3)], FakeAgent(result=reported())
    )
    command = fleet.send(ids, MaxConcurrency="1", MaxErrors="100%")

    eventually(lambda: fleet.command(command)["CompletedCount"] == 4, "all four have ended")

    shown = fleet.command(command)
    assert (shown["Status"], shown["StatusDetails"], shown["ErrorCount"]) == ("Success", "Incomplete", 3)


def test_the_agents_time_limit_is_an_execution_timeout(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent(result=reported("TimedOut", 137)))
    command = fleet.send([instance], MaxErrors="100%")

    eventually(lambda: fleet.details(command)[instance] == "ExecutionTimedOut", "the execution has timed out")

    [invocation] = fleet.service.list_invocations(REGION, {"CommandId": command})["CommandInvocations"]
    assert invocation["Status"] == "TimedOut"


def test_an_agent_that_does_not_answer_is_delayed_until_both_time_limits_are_over(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent("ConnectionLost"))
    two_days = 172_800
    command = fleet.send([instance], TimeoutSeconds=120, Parameters={"executionTimeout": [str(two_days)]})

    for seconds in (0, 121, two_days + 110):
        fleet.seconds_ahead = seconds
        time.sleep(2 * CHECK_SECONDS)
        assert fleet.details(command)[instance] == "Delayed"
    fleet.seconds_ahead = two_days + 121
    eventually(lambda: fleet.details(command)[instance] == "DeliveryTimedOut", "the delivery has timed out")
    assert fleet.command(command)["DeliveryTimedOutCount"] == 1
    assert not fleet.agent(instance).started.is_set()


def test_the_time_that_an_agent_is_waited_for_can_be_scaled(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent("ConnectionLost"))
    command = fleet.send([instance], wait_scale=0.0001, TimeoutSeconds=30)

    eventually(lambda: fleet.details(command)[instance] == "DeliveryTimedOut", "the delivery has timed out")


def test_a_command_that_is_lost_reads_in_progress_until_both_time_limits_are_over(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent(result=reported()))
    fleet.agent(instance).faults.lose(1)
    lost, delivered = fleet.send([instance]), fleet.send([instance])

    eventually(lambda: fleet.details(delivered)[instance] == "Success", "the next one has ended with Success")
    fleet.seconds_ahead = 3600 + 7200 - 10
    time.sleep(2 * CHECK_SECONDS)
    assert fleet.details(lost)[instance] == "InProgress"
    fleet.seconds_ahead = 3600 + 7200 + 1
    eventually(lambda: fleet.details(lost)[instance] == "DeliveryTimedOut", "the delivery has timed out")
    assert fleet.agent(instance).runs == 1


def test_a_command_that_is_delivered_twice_runs_twice_and_has_one_result(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent(result=reported()))
    fleet.agent(instance).faults.deliver_twice(1)
    twice = fleet.send([instance])
    eventually(lambda: fleet.agent(instance).runs == 2, "it has run twice")
    once = fleet.send([instance])

    for command in (twice, once):
        eventually(lambda: fleet.details(command)[instance] == "Success", "it has ended")  # noqa: B023
    assert fleet.agent(instance).runs == 3


def test_an_agent_runs_five_commands_at_once_and_the_sixth_waits_in_its_queue(fleet: Fleet) -> None:
    [instance] = fleet.add(1)
    agent = fleet.agent(instance)
    commands = [fleet.send([instance]) for _ in range(6)]
    eventually(lambda: agent.runs == 5, "five run")
    time.sleep(2 * CHECK_SECONDS)

    assert agent.runs == 5
    assert {fleet.details(each)[instance] for each in commands} == {"InProgress"}
    fleet.service.cancel(REGION, {"CommandId": commands[0]})
    eventually(lambda: agent.runs == 6, "the sixth runs")


def test_what_waits_in_the_agents_queue_can_be_cancelled_and_never_runs(fleet: Fleet) -> None:
    [instance] = fleet.add(1)
    agent = fleet.agent(instance)
    commands = [fleet.send([instance]) for _ in range(6)]
    eventually(lambda: agent.runs == 5, "five run")

    fleet.service.cancel(REGION, {"CommandId": commands[5]})
    assert fleet.details(commands[5])[instance] == "Cancelled"
    agent.end(reported())
    eventually(
        lambda: {fleet.details(each)[instance] for each in commands[:5]} == {"Success"}, "the five have ended"
    )
    assert agent.runs == 5


def test_a_script_goes_on_while_its_agent_is_away_and_is_reported_when_it_is_back(fleet: Fleet) -> None:
    [instance] = fleet.add(1)
    agent = fleet.agent(instance)
    command = fleet.send([instance])
    eventually(agent.started.is_set, "it has started")

    agent.lose_connection(fleet.now())
    agent.end(reported())
    time.sleep(2 * CHECK_SECONDS)
    assert fleet.details(command)[instance] == "InProgress"

    agent.reconnect(fleet.now())
    eventually(lambda: fleet.details(command)[instance] == "Success", "the result is reported")


def test_an_agent_that_comes_back_in_time_gets_the_command(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent("ConnectionLost", reported()))
    command = fleet.send([instance])
    fleet.agent(instance).ping_status = "Online"

    eventually(lambda: fleet.details(command)[instance] == "Success", "the command has ended with Success")


def test_an_instance_that_ends_leaves_its_invocation_in_progress_until_the_command_expires(
    fleet: Fleet,
) -> None:
    [instance] = fleet.add(1, LostAgent())
    command = fleet.send([instance])
    eventually(fleet.agent(instance).started.is_set, "it has started")

    assert fleet.details(command)[instance] == "InProgress"
    shown = fleet.command(command)
    assert shown["ExpiresAfter"] - shown["RequestedDateTime"] == pytest.approx(3600 + 7200)

    fleet.seconds_ahead = 3600 + 7200 - 60
    time.sleep(2 * CHECK_SECONDS)
    assert fleet.details(command)[instance] == "InProgress"
    fleet.seconds_ahead = 3600 + 7200 + 1
    eventually(lambda: fleet.details(command)[instance] == "DeliveryTimedOut", "the delivery has timed out")


def test_cancelling_ends_what_runs_and_what_waits(fleet: Fleet) -> None:
    ids = fleet.add(3)
    command = fleet.send(ids, MaxConcurrency="2")
    eventually(lambda: list(fleet.details(command).values()).count("InProgress") == 2, "two are in progress")

    fleet.service.cancel(REGION, {"CommandId": command})

    eventually(lambda: fleet.command(command)["Status"] == "Cancelled", "it is cancelled")
    assert set(fleet.details(command).values()) == {"Cancelled"}
    fleet.service.cancel(REGION, {"CommandId": command})


def test_cancelling_one_instance_leaves_the_others(fleet: Fleet) -> None:
    one, two = fleet.add(2)
    command = fleet.send([one, two])

    fleet.service.cancel(REGION, {"CommandId": command, "InstanceIds": [one]})

    eventually(lambda: fleet.details(command)[one] == "Cancelled", "it is cancelled")
    eventually(lambda: fleet.details(command)[two] == "InProgress", "it is in progress")
    with pytest.raises(ServiceError, match="no command"):
        fleet.service.cancel("us-east-1", {"CommandId": command})

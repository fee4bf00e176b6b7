"""Lists that lag behind and repeat rows, and agents that fall silent."""

from typing import Any

import pytest

from tests.local_aws.run_command.fake_agents import REGION, FakeAgent, reported
from tests.local_aws.run_command.fleet import Fleet
from tests.patience import eventually


def information(fleet: Fleet, **request: Any) -> list[dict[str, Any]]:
    return list(fleet.instances.describe(REGION, request)["InstanceInformationList"])


def test_a_new_command_is_missing_from_the_lists_until_they_have_caught_up(fleet: Fleet) -> None:
    [instance] = fleet.add(1)
    fleet.consistency.lag_seconds = 30
    command = fleet.send([instance])

    assert fleet.service.list_commands(REGION, {"CommandId": command})["Commands"] == []
    assert fleet.details(command) == {}
    fleet.seconds_ahead = 31
    assert fleet.command(command)["CommandId"] == command


def test_a_command_reads_ended_before_its_invocations_do(fleet: Fleet) -> None:
    [instance] = fleet.add(1)
    command = fleet.send([instance])
    eventually(fleet.agent(instance).started.is_set, "it has started")
    fleet.consistency.lag_seconds = 30
    fleet.seconds_ahead = 60
    fleet.agent(instance).end(reported(stdout="done"))
    eventually(lambda: fleet.command(command)["Status"] == "Success", "the command has ended with Success")

    def listed(**filters: str) -> list[dict[str, Any]]:
        wanted = [{"key": key, "value": value} for key, value in filters.items()]
        request = {"CommandId": command, "Details": True, "Filters": wanted}
        return list(fleet.service.list_invocations(REGION, request)["CommandInvocations"])

    [late] = listed()
    assert (late["StatusDetails"], late["CommandPlugins"][0]["Output"]) == ("InProgress", "")
    assert listed(Status="Success") == []
    fleet.seconds_ahead = 91
    [caught_up] = listed()
    assert (caught_up["StatusDetails"], caught_up["CommandPlugins"][0]["Output"]) == ("Success", "done")


def test_lists_may_show_rows_twice_within_a_page_and_across_pages(fleet: Fleet) -> None:
    ids = fleet.add(7)
    command = fleet.send(ids)
    fleet.consistency.repeats_rows = True

    def all_pages(size: int) -> list[str]:
        seen: list[str] = []
        request: dict[str, Any] = {"CommandId": command, "MaxResults": size}
        while True:
            page = fleet.service.list_invocations(REGION, request)
            seen += [each["InstanceId"] for each in page["CommandInvocations"]]
            if "NextToken" not in page:
                return seen
            request["NextToken"] = page["NextToken"]

    for size in (1, 3, 50):
        assert sorted(set(all_pages(size))) == ids
        assert len(all_pages(size)) > len(ids)
    assert len(information(fleet)) == 8
    assert len(fleet.service.list_commands(REGION, {})["Commands"]) == 2
    fleet.consistency.repeats_rows = False
    assert sorted(all_pages(3)) == ids


def test_an_agent_that_dies_reads_online_until_its_next_ping_is_missing(fleet: Fleet) -> None:
    [instance] = fleet.add(1)
    agent = fleet.agent(instance)
    fleet.seconds_ahead = 3_600
    agent.lose_connection(fleet.now())
    [before] = information(fleet)
    assert before["PingStatus"] == "Online"
    assert fleet.now() - 300 <= before["LastPingDateTime"] <= fleet.now()

    fleet.seconds_ahead += 601
    [silent] = information(fleet)
    assert silent == {**before, "PingStatus": "ConnectionLost"}
    assert information(fleet, Filters=[{"Key": "PingStatus", "Values": ["Online"]}]) == []
    agent.reconnect(fleet.now())
    [back] = information(fleet, Filters=[{"Key": "PingStatus", "Values": ["Online"]}])
    assert back["LastPingDateTime"] == pytest.approx(fleet.now(), abs=5)


def test_an_agent_that_is_online_pings_every_five_minutes(fleet: Fleet) -> None:
    fleet.add(1)
    for minutes, ago in ((0, 0), (4, 4), (6, 1), (61, 1)):
        fleet.seconds_ahead = 60 * minutes
        [shown] = information(fleet)
        assert fleet.now() - shown["LastPingDateTime"] == pytest.approx(60 * ago, abs=5)


def test_an_agent_without_connection_from_the_start_has_pinged_once(fleet: Fleet) -> None:
    fleet.add(1, FakeAgent("ConnectionLost"))
    fleet.seconds_ahead = 3_600
    [shown] = information(fleet)
    assert shown["PingStatus"] == "ConnectionLost"
    assert fleet.now() - shown["LastPingDateTime"] == pytest.approx(3_600, abs=5)

"""Lists of commands, invocations and managed instances: filters and pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_aws.engine.service_error import ServiceError
from tests.local_aws.run_command.fake_agents import REGION, FakeAgent, reported
from tests.local_aws.run_command.fleet import Fleet
from tests.patience import eventually


def test_commands_are_listed_newest_first_by_region_and_filter(fleet: Fleet) -> None:
    one, two = fleet.add(2)
    first = fleet.send([one])
    between = datetime.now(UTC).isoformat()
    second = fleet.send([two])
    fleet.agent(one).end(reported())
    eventually(lambda: fleet.command(first)["Status"] == "Success", "the command has ended with Success")

    def listed(region: str = REGION, **request: Any) -> list[str]:
        return [each["CommandId"] for each in fleet.service.list_commands(region, request)["Commands"]]

    def filtered(key: str, value: str) -> list[str]:
        return listed(Filters=[{"key": key, "value": value}])

    assert listed() == [second, first]
    assert listed("us-east-1") == []
    assert listed(InstanceId=one) == [first]
    assert filtered("InvokedAfter", between) == [second]
    assert filtered("InvokedBefore", between) == [first]
    assert filtered("Status", "Success") == [first]
    assert filtered("ExecutionStage", "Executing") == [second]
    assert filtered("ExecutionStage", "Complete") == [first]
    assert filtered("DocumentName", "Work") == [second, first]
    assert (
        filtered("InvokedAfter", (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))
        == []
    )


def test_pages_neither_repeat_nor_miss_anything_while_commands_arrive(fleet: Fleet) -> None:
    [instance] = fleet.add(1)
    sent = [fleet.send([instance]) for _ in range(7)]
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = fleet.service.list_commands(REGION, {"MaxResults": 3, **token})
        seen += [each["CommandId"] for each in page["Commands"]]
        fleet.send([instance])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}

    assert seen == sent[::-1]
    with pytest.raises(ServiceError, match="token"):
        fleet.service.list_commands(REGION, {"NextToken": "nonsense!"})


def test_invocations_come_in_pages_of_fifty_at_most(fleet: Fleet) -> None:
    ids = fleet.add(50)
    command = fleet.send(ids)
    fleet.send(ids[:5])

    assert len(fleet.service.list_invocations(REGION, {})["CommandInvocations"]) == 50
    assert len(fleet.service.list_invocations(REGION, {"CommandId": command})["CommandInvocations"]) == 50
    with pytest.raises(ServiceError, match="between 1 and 50"):
        fleet.service.list_invocations(REGION, {"MaxResults": 51})


def test_managed_instances_are_listed_with_the_state_of_their_agent(fleet: Fleet) -> None:
    online, lost, none, ended = fleet.add(
        4, FakeAgent(), FakeAgent("ConnectionLost"), FakeAgent(None), FakeAgent()
    )
    fleet.ended.add(ended)

    def listed(**request: Any) -> dict[str, str]:
        answer = fleet.instances.describe(REGION, request)
        return {each["InstanceId"]: each["PingStatus"] for each in answer["InstanceInformationList"]}

    assert listed() == {online: "Online", lost: "ConnectionLost"}
    assert listed(Filters=[{"Key": "InstanceIds", "Values": [lost, none]}]) == {lost: "ConnectionLost"}
    assert listed(Filters=[{"Key": "PingStatus", "Values": ["Online"]}]) == {online: "Online"}
    assert fleet.instances.describe("us-east-1", {})["InstanceInformationList"] == []


def test_instance_information_comes_in_pages(fleet: Fleet) -> None:
    ids = fleet.add(23)
    seen: list[str] = []
    token: dict[str, str] = {}
    sizes: list[int] = []
    while token or not sizes:
        page = fleet.instances.describe(REGION, {"MaxResults": 10, **token})
        seen += [each["InstanceId"] for each in page["InstanceInformationList"]]
        sizes.append(len(page["InstanceInformationList"]))
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}

    assert sorted(seen) == sorted(ids)
    assert sizes == [10, 10, 3]

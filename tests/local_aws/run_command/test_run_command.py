"""What Run Command accepts, refuses, does with concurrency and errors, and tells of commands."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_aws.agent.result import OUTPUT_CHARACTERS, shortened_output
from local_aws.engine.service_error import ServiceError
from local_aws.run_command.documents import DocumentStore
from local_aws.run_command.service import RunCommand
from tests.local_aws.run_command.fake_agents import REGION, FakeAgent, LostAgent, reported
from tests.patience import eventually

DOCUMENT = {
    "schemaVersion": "2.2",
    "parameters": {
        "executionTimeout": {"type": "String", "default": "7200", "allowedPattern": "^[1-9][0-9]{1,5}$"},
        "names": {"type": "StringList", "default": ["a", "b"]},
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "work",
            "inputs": {"runCommand": ["true"], "timeoutSeconds": "{{ executionTimeout }}"},
        }
    ],
}


class Fleet:
    """Run Command with agents that the test holds."""

    def __init__(self) -> None:
        self.agents: dict[tuple[str, str], FakeAgent] = {}
        self.ended: set[str] = set()
        documents = DocumentStore()
        for region in (REGION, "us-east-1"):
            documents.create(region, "Work", json.dumps(DOCUMENT), "JSON", "")
        self.service = RunCommand(
            documents, self.agents, lambda _region, instance: instance not in self.ended, "111122223333"
        )

    def add(self, number: int, *agents: FakeAgent) -> list[str]:
        """Instances i-0, i-1, ... with these agents, or with ones that are online."""
        ids = [f"i-{len(self.agents) + offset}" for offset in range(number)]
        for instance, agent in zip(ids, agents or [FakeAgent() for _ in ids], strict=True):
            self.agents[REGION, instance] = agent
        return ids

    def agent(self, instance: str) -> FakeAgent:
        return self.agents[REGION, instance]

    def send(self, instances: list[str], wait_scale: float = 1.0, **request: Any) -> str:
        asked = {"DocumentName": "Work", "InstanceIds": instances, **request}
        sent: dict[str, Any] = self.service.send(REGION, asked, wait_scale=wait_scale)
        return str(sent["Command"]["CommandId"])

    def command(self, command_id: str) -> dict[str, Any]:
        [command] = self.service.list_commands(REGION, {"CommandId": command_id})["Commands"]
        return dict(command)

    def details(self, command_id: str) -> dict[str, str]:
        """StatusDetails by instance."""
        listed = self.service.list_invocations(REGION, {"CommandId": command_id})["CommandInvocations"]
        return {each["InstanceId"]: each["StatusDetails"] for each in listed}


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    yield fleet
    fleet.service.close()


def test_a_command_goes_from_pending_over_in_progress_to_success(fleet: Fleet) -> None:
    one, two = fleet.add(2)
    command = fleet.send([one, two], Comment="round 1")
    eventually(lambda: set(fleet.details(command).values()) == {"InProgress"}, "all are in progress")
    going_on = fleet.command(command)

    fleet.agent(one).end(reported(stdout="fine\n"))
    fleet.agent(two).end(reported())
    eventually(lambda: fleet.command(command)["Status"] == "Success", "the command has ended with Success")

    assert (going_on["Status"], going_on["CompletedCount"], going_on["TargetCount"]) == ("InProgress", 0, 2)
    ended = fleet.command(command)
    assert (ended["CompletedCount"], ended["ErrorCount"], ended["DeliveryTimedOutCount"]) == (2, 0, 0)
    assert (ended["InstanceIds"], ended["Comment"]) == ([one, two], "round 1")
    details = fleet.service.list_invocations(
        REGION, {"CommandId": command, "InstanceId": one, "Details": True}
    )
    [plugin] = details["CommandInvocations"][0]["CommandPlugins"]
    assert (plugin["Name"], plugin["ResponseCode"], plugin["Output"]) == ("work", 0, "fine\n")


def test_the_document_gets_its_parameters_with_defaults(fleet: Fleet) -> None:
    [instance] = fleet.add(1)
    fleet.send([instance], Parameters={"executionTimeout": ["600"]})
    eventually(fleet.agent(instance).started.is_set, "it has started")

    assert fleet.agent(instance).parameters == {"executionTimeout": "600", "names": ["a", "b"]}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"DocumentName": "Missing"}, "InvalidDocument"),
        ({"DocumentVersion": "7"}, "InvalidDocumentVersion"),
        ({"Parameters": {"executionTimeout": ["2; reboot"]}}, "InvalidParameters"),
        ({"Parameters": {"executionTimeout": ["60", "61"]}}, "InvalidParameters"),
        ({"Parameters": {"unknown": ["1"]}}, "InvalidParameters"),
        ({"InstanceIds": [f"i-{n}" for n in range(51)]}, "ValidationException"),
        ({"InstanceIds": []}, "ValidationException"),
        ({"InstanceIds": ["i-0", "i-0"]}, "DuplicateInstanceId"),
        ({"InstanceIds": ["i-0", "i-no-agent"]}, "InvalidInstanceId"),
        ({"InstanceIds": ["i-0", "i-unknown"]}, "InvalidInstanceId"),
        ({"InstanceIds": ["i-0", "i-ended"]}, "InvalidInstanceId"),
        ({"Comment": "x" * 101}, "ValidationException"),
        ({"TimeoutSeconds": 29}, "ValidationException"),
        ({"TimeoutSeconds": 2592001}, "ValidationException"),
        ({"MaxConcurrency": "0"}, "ValidationException"),
        ({"MaxConcurrency": "101%"}, "ValidationException"),
        ({"MaxErrors": "-1"}, "ValidationException"),
    ],
)
def test_it_refuses_what_the_service_refuses_and_sends_nothing(
    fleet: Fleet, request_: dict[str, Any], code: str
) -> None:
    fleet.add(1)
    fleet.agents[REGION, "i-no-agent"] = FakeAgent(None)
    fleet.agents[REGION, "i-ended"] = FakeAgent()
    fleet.ended.add("i-ended")

    with pytest.raises(ServiceError) as refused:
        fleet.service.send(REGION, {"DocumentName": "Work", "InstanceIds": ["i-0"], **request_})

    assert refused.value.code == code
    assert fleet.service.list_commands(REGION, {})["Commands"] == []


def test_no_more_than_max_concurrency_run_at_once(fleet: Fleet) -> None:
    ids = fleet.add(5)
    command = fleet.send(ids, MaxConcurrency="2")
    eventually(lambda: list(fleet.details(command).values()).count("InProgress") == 2, "two are in progress")
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


def test_an_agent_that_does_not_answer_is_delayed_and_then_given_up(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent("ConnectionLost"))
    command = fleet.send([instance], wait_scale=0.02, TimeoutSeconds=30)

    assert fleet.details(command)[instance] == "Delayed"
    eventually(lambda: fleet.details(command)[instance] == "DeliveryTimedOut", "the delivery has timed out")
    assert fleet.command(command)["DeliveryTimedOutCount"] == 1
    assert not fleet.agent(instance).started.is_set()


def test_an_agent_that_comes_back_in_time_gets_the_command(fleet: Fleet) -> None:
    [instance] = fleet.add(1, FakeAgent("ConnectionLost", reported()))
    command = fleet.send([instance])
    fleet.agent(instance).ping_status = "Online"

    eventually(lambda: fleet.details(command)[instance] == "Success", "the command has ended with Success")


def test_an_instance_that_goes_away_leaves_its_invocation_in_progress_until_it_expires(fleet: Fleet) -> None:
    [instance] = fleet.add(1, LostAgent())
    command = fleet.send([instance])
    eventually(fleet.agent(instance).started.is_set, "it has started")

    assert fleet.details(command)[instance] == "InProgress"
    shown = fleet.command(command)
    assert shown["ExpiresAfter"] - shown["RequestedDateTime"] == pytest.approx(3600 + 7200)


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


def test_managed_instances_are_told_with_their_agents_state(fleet: Fleet) -> None:
    online, lost, none, ended = fleet.add(
        4, FakeAgent(), FakeAgent("ConnectionLost"), FakeAgent(None), FakeAgent()
    )
    fleet.ended.add(ended)

    def listed(**request: Any) -> dict[str, str]:
        answer = fleet.service.instance_information(REGION, request)
        return {each["InstanceId"]: each["PingStatus"] for each in answer["InstanceInformationList"]}

    assert listed() == {online: "Online", lost: "ConnectionLost"}
    assert listed(Filters=[{"Key": "InstanceIds", "Values": [lost, none]}]) == {lost: "ConnectionLost"}
    assert listed(Filters=[{"Key": "PingStatus", "Values": ["Online"]}]) == {online: "Online"}
    assert fleet.service.instance_information("us-east-1", {})["InstanceInformationList"] == []


def test_instance_information_comes_in_pages(fleet: Fleet) -> None:
    ids = fleet.add(23)
    seen: list[str] = []
    token: dict[str, str] = {}
    sizes: list[int] = []
    while token or not sizes:
        page = fleet.service.instance_information(REGION, {"MaxResults": 10, **token})
        seen += [each["InstanceId"] for each in page["InstanceInformationList"]]
        sizes.append(len(page["InstanceInformationList"]))
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}

    assert sorted(seen) == sorted(ids)
    assert sizes == [10, 10, 3]


def test_output_is_cut_at_the_end_when_it_is_too_long() -> None:
    assert shortened_output("out", "") == "out"
    assert shortened_output("out", "err") == "out\n----------ERROR-------\nerr"
    for stdout, stderr in (("o" * 9000, ""), ("o" * 9000, "e" * 9000), ("o" * 9000, "e"), ("o", "e" * 9000)):
        cut = shortened_output(stdout, stderr)
        assert len(cut) <= OUTPUT_CHARACTERS
        assert cut.startswith("o")
        assert "truncated" in cut

"""What Run Command accepts and refuses, and what it reports of a command from its start to its end."""

import json
from typing import Any

import pytest

from local_aws.engine.service_error import ServiceError
from tests.local_aws.run_command.fake_agents import REGION, FakeAgent, reported
from tests.local_aws.run_command.fleet import DOCUMENT, Fleet
from tests.patience import eventually


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


@pytest.mark.parametrize(("version", "ran"), [("", "old"), ("$DEFAULT", "old"), ("$LATEST", "new")])
def test_the_default_version_runs_unless_the_latest_is_named(fleet: Fleet, version: str, ran: str) -> None:
    [instance] = fleet.add(1, FakeAgent(result=reported()))
    old, new = (json.dumps({**DOCUMENT, "description": text}) for text in ("old", "new"))
    fleet.documents.create(REGION, "Changed", old, "JSON", "")
    fleet.documents.add_version(REGION, "Changed", new, "JSON")

    fleet.send([instance], DocumentName="Changed", DocumentVersion=version)

    eventually(fleet.agent(instance).started.is_set, "it has started")
    assert fleet.agent(instance).document["description"] == ran


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

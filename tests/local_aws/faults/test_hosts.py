"""Agents, commands and hosts go wrong on real hosts, and are right afterwards."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from demonstration.customer import Application
from local_aws import LocalAws
from local_aws.faults.client import FaultSwitches
from local_aws.hosts.choice import attach_host
from local_aws.run_command.command import UNFINISHED
from tests.patience import eventually

REGION = "eu-west-1"


class Host:
    """An environment of one host without Sidekiq."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.ssm = aws.client("ssm", REGION)
        self.application = Application(aws, f"shop{secrets.token_hex(4)}", "redis://127.0.0.1:1/0")
        self.environment = self.application.add_environment("workers", REGION, Workers="none")
        eventually(self.application.is_ready, "the environment is ready")
        (self.instance,) = self.application.instances(self.environment, REGION)
        step = {
            "action": "aws:runShellScript",
            "name": "mark",
            "inputs": {"runCommand": ["echo x >>/root/marks"]},
        }
        self.document = f"{self.application.name}-mark"
        self.ssm.create_document(
            Name=self.document,
            Content=json.dumps({"schemaVersion": "2.2", "mainSteps": [step]}),
            DocumentType="Command",
        )

    def marks(self) -> int:
        """How often the document has run on the host."""
        host = attach_host(self.aws.folder / "hosts" / self.instance)
        return len(host.run(["cat", "/root/marks"]).stdout.splitlines())

    def send(self) -> str:
        sent = self.ssm.send_command(DocumentName=self.document, InstanceIds=[self.instance])
        return str(sent["Command"]["CommandId"])

    def status(self, command: str) -> str:
        [listed] = self.ssm.list_command_invocations(CommandId=command)["CommandInvocations"]
        return str(listed["StatusDetails"])

    def ended(self, command: str) -> str:
        eventually(lambda: self.status(command) not in UNFINISHED, "it has ended")
        return self.status(command)

    def information(self) -> list[dict[str, Any]]:
        wanted = [{"Key": "InstanceIds", "Values": [self.instance]}]
        listed: list[dict[str, Any]] = self.ssm.describe_instance_information(Filters=wanted)[
            "InstanceInformationList"
        ]
        return listed


@pytest.fixture(scope="module")
def host(aws: LocalAws) -> Iterator[Host]:
    host = Host(aws)
    yield host
    host.application.terminate()


def test_an_agent_dies_and_comes_back(host: Host, faults: FaultSwitches) -> None:
    faults.agent_dies(REGION, host.instance, silent_seconds=660)
    [silent] = host.information()
    waiting = host.send()

    assert silent["PingStatus"] == "ConnectionLost"
    assert host.status(waiting) == "Delayed"
    faults.agent_returns(REGION, host.instance)
    [back] = host.information()
    assert back["PingStatus"] == "Online"
    assert (back["LastPingDateTime"] - silent["LastPingDateTime"]).total_seconds() > 600
    assert host.ended(waiting) == "Success"


def test_an_agent_may_come_back_by_itself(host: Host, faults: FaultSwitches) -> None:
    faults.agent_dies(REGION, host.instance, for_seconds=10)
    waiting = host.send()
    assert host.status(waiting) == "Delayed"
    assert host.ended(waiting) == "Success"


def test_a_command_is_lost_and_the_next_one_arrives(host: Host, faults: FaultSwitches) -> None:
    before = host.marks()
    faults.commands_lost(REGION, host.instance)
    lost, delivered = host.send(), host.send()

    assert host.ended(delivered) == "Success"
    assert host.status(lost) == "InProgress"
    assert host.marks() == before + 1


def test_a_command_is_delivered_twice(host: Host, faults: FaultSwitches) -> None:
    before = host.marks()
    faults.commands_delivered_twice(REGION, host.instance)
    assert host.ended(host.send()) == "Success"
    eventually(lambda: host.marks() == before + 2, "it has run twice")
    assert host.ended(host.send()) == "Success"
    assert host.marks() == before + 3


def test_the_service_ends_commands_by_itself(host: Host, faults: FaultSwitches) -> None:
    before = host.marks()
    faults.commands_end_as(REGION, host.instance, "Undeliverable")
    assert host.ended(host.send()) == "Undeliverable"
    faults.commands_refused(REGION, "LimitExceeded")
    assert host.ended(host.send()) == "LimitExceeded"
    assert host.ended(host.send()) == "Success"
    assert host.marks() == before + 1


def test_clearing_ends_what_has_not_happened_yet(host: Host, faults: FaultSwitches) -> None:
    faults.commands_lost(REGION, host.instance, 5)
    faults.commands_refused(REGION, "RateExceeded", 5)
    faults.lists(lag_seconds=600, repeats_rows=True)
    faults.clear()
    assert host.ended(host.send()) == "Success"


def test_the_lists_lag_behind_and_repeat_rows(host: Host, faults: FaultSwitches) -> None:
    faults.lists(lag_seconds=10)
    command = host.send()
    assert host.ssm.list_commands(CommandId=command)["Commands"] == []
    eventually(lambda: host.ssm.list_commands(CommandId=command)["Commands"], "the list has caught up")
    faults.lists(repeats_rows=True, for_seconds=10)
    assert len(host.ssm.list_commands(CommandId=command)["Commands"]) == 2
    eventually(lambda: len(host.ssm.list_commands(CommandId=command)["Commands"]) == 1, "it is over")


def test_an_instance_loses_its_agent_and_is_replaced_by_one_that_has_one(
    host: Host, faults: FaultSwitches
) -> None:
    faults.agent_removed(REGION, host.instance)
    assert host.information() == []
    faults.replaced(REGION, host.instance)

    def others() -> list[str]:
        return [
            each for each in host.application.instances(host.environment, REGION) if each != host.instance
        ]

    eventually(others, "another instance is launched")
    (host.instance,) = others()
    eventually(host.information, "its agent has registered")
    assert host.ended(host.send()) == "Success"

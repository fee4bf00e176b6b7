"""Run Command with agents that a test holds."""

import json
import time
from typing import Any

from local_aws.run_command.documents import DocumentStore
from local_aws.run_command.listing import Consistency
from local_aws.run_command.managed_instances import ManagedInstances
from local_aws.run_command.service import RunCommand
from tests.local_aws.run_command.fake_agents import REGION, FakeAgent

DOCUMENT: dict[str, Any] = {
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
    """Run Command with fake agents. Its clock is `seconds_ahead` of the real one."""

    def __init__(self) -> None:
        self.seconds_ahead = 0.0
        self.agents: dict[tuple[str, str], FakeAgent] = {}
        self.ended: set[str] = set()
        self.documents = documents = DocumentStore()
        self.consistency = Consistency()
        for region in (REGION, "us-east-1"):
            documents.create(region, "Work", json.dumps(DOCUMENT), "JSON", "")
        self.instances = ManagedInstances(
            self.agents,
            lambda _region, instance: instance not in self.ended,
            self.now,
            self.consistency,
        )
        self.service = RunCommand(documents, self.instances, "111122223333", self.now, self.consistency)

    def now(self) -> float:
        """The time of the service, in seconds since the epoch."""
        return time.time() + self.seconds_ahead

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

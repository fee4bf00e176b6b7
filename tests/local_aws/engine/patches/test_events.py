"""Rules of EventBridge send events across regions, with roles, as on AWS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from tests.local_aws.workbench import Workbench, allowing, trusting
from tests.patience import eventually

HOME, AWAY, THIRD = "us-east-1", "eu-west-1", "us-west-2"
TEMPLATE: Final = '{"action": "quiet", "instances": ["<instance>"], "region": "<region>"}'
PATHS: Final = {"instance": "$.detail.EC2InstanceId", "region": "$.region"}


@dataclass(frozen=True)
class Routes:
    """Rules on events of one source, which is only this test's."""

    aws: LocalAws
    workbench: Workbench
    source: str

    def bus(self, region: str) -> str:
        return f"arn:aws:events:{region}:{self.aws.account}:event-bus/default"

    def role(self, action: str, resource: str, service: str = "events", trust: str = "") -> str:
        """A role that a service may use for this."""
        iam, name = self.aws.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust or trusting(service))["Role"][
            "Arn"
        ]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=allowing(action, resource))
        return str(arn)

    def rule(self, region: str, target: str, role: str = "", **target_fields: Any) -> None:
        """In the region, send the events to the target; several rules of a test have one name in all regions."""
        events, name = self.aws.client("events", region), f"rule-{self.source}-{target.split(':')[3]}"
        events.put_rule(Name=name, EventPattern=json.dumps({"source": [self.source]}))
        with_role = {"RoleArn": role} if role else {}
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target, **with_role, **target_fields}])

    def forward(self, from_region: str, to_region: str) -> None:
        """Send the events on to the default bus of another region."""
        bus = self.bus(to_region)
        self.rule(from_region, bus, self.role("events:PutEvents", bus))

    def queue(self, region: str) -> Callable[[], list[dict[str, Any]]]:
        """What comes to a queue in the region from then on."""
        sqs, name = self.aws.client("sqs", region), f"queue-{self.source}"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        self.rule(region, f"arn:aws:sqs:{region}:{self.aws.account}:{name}")
        come: list[dict[str, Any]] = []

        def events() -> list[dict[str, Any]]:
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            come.extend(json.loads(message["Body"]) for message in messages)
            return come

        return events

    def put(self, region: str, **detail: str) -> str:
        """Put an event on the region's bus; returns its id."""
        entry = {"Source": self.source, "DetailType": "Terminating", "Detail": json.dumps(detail)}
        answer = self.aws.client("events", region).put_events(Entries=[entry])
        return str(answer["Entries"][0]["EventId"])

    def inputs(self, machine: str) -> list[Any]:
        """The inputs of the machine's executions."""
        states = self.aws.client("stepfunctions")
        executions = states.list_executions(stateMachineArn=machine)["executions"]
        return [
            json.loads(states.describe_execution(executionArn=one["executionArn"])["input"])
            for one in executions
        ]


@pytest.fixture
def routes(aws: LocalAws, workbench: Workbench) -> Routes:
    return Routes(aws, workbench, f"test.{uuid.uuid4().hex[:8]}")


def test_an_event_of_another_region_starts_a_machine_at_home_with_an_input_that_a_template_makes(
    routes: Routes,
) -> None:
    machine = routes.workbench.machine({"Work": {"Type": "Succeed"}})
    routes.forward(AWAY, HOME)
    transformer = {"InputPathsMap": PATHS, "InputTemplate": TEMPLATE}
    routes.rule(HOME, machine, routes.role("states:StartExecution", machine), InputTransformer=transformer)

    routes.put(AWAY, EC2InstanceId="i-0123456789abcdef0")
    eventually(lambda: routes.inputs(machine), "the machine has started")
    assert routes.inputs(machine) == [
        {"action": "quiet", "instances": ["i-0123456789abcdef0"], "region": AWAY}
    ]


def test_the_event_keeps_its_id_and_its_region(routes: Routes) -> None:
    come_away, come_home = routes.queue(AWAY), routes.queue(HOME)
    routes.forward(AWAY, HOME)
    sent = routes.put(AWAY, at="away")

    (here,), (there,) = eventually(come_away, "it is there"), eventually(come_home, "it has come")
    assert here == there
    assert (there["id"], there["region"], there["detail"]) == (sent, AWAY, {"at": "away"})


def test_it_is_sent_to_no_third_region_and_not_back(routes: Routes) -> None:
    come = {region: routes.queue(region) for region in (HOME, AWAY, THIRD)}
    for begin, end in ((AWAY, HOME), (HOME, AWAY), (HOME, THIRD)):
        routes.forward(begin, end)
    routes.put(AWAY, at="away")
    home = routes.put(HOME, at="home")

    eventually(lambda: len(come[HOME]()) == 2, "both are at home")
    eventually(lambda: len(come[AWAY]()) == 2, "both are away")
    eventually(come[THIRD], "the one from home is in the third region")
    assert [event["id"] for event in come[THIRD]()] == [home]


def test_without_a_role_that_may_put_events_nothing_comes(routes: Routes) -> None:
    come, bus = routes.queue(HOME), routes.bus(HOME)
    roles = {
        AWAY: routes.role("events:PutEvents", routes.bus(THIRD)),
        THIRD: routes.role("events:PutEvents", bus, service="states"),
    }
    for region, role in roles.items():
        routes.rule(region, bus, role)
        routes.put(region, at=region)
    routes.forward("ap-south-1", HOME)
    routes.put("ap-south-1", at="allowed")

    eventually(come, "the allowed one has come")
    assert [event["detail"]["at"] for event in come()] == ["allowed"]
    with pytest.raises(ClientError, match="RoleArn is required"):
        routes.rule("eu-north-1", bus)


def test_a_machine_is_started_by_a_role_for_the_rule_and_only_in_the_rules_region(routes: Routes) -> None:
    machine = routes.workbench.machine({"Work": {"Type": "Succeed"}})
    name = f"rule-{routes.source}-{HOME}"
    trust = json.loads(trusting("events"))
    condition = {"StringEquals": {"aws:SourceArn": f"arn:aws:events:{HOME}:{routes.aws.account}:rule/{name}"}}
    trust["Statement"][0]["Condition"] = condition
    for_this_rule = routes.role("states:StartExecution", machine, trust=json.dumps(trust))
    for_another = routes.role("states:StartExecution", machine + "-other")

    for region, role, at in (
        (AWAY, routes.role("states:StartExecution", machine), "away"),
        (HOME, for_another, "denied"),
        (HOME, "", "no role"),
        (HOME, for_this_rule, "allowed"),
    ):
        routes.rule(region, machine, role, InputPath="$.detail")
        routes.put(region, at=at)
    eventually(lambda: routes.inputs(machine), "the machine has started")
    assert routes.inputs(machine) == [{"at": "allowed"}]

"""A function that does what its event says, and state machines around it, for tests of the local AWS."""

import io
import json
import uuid
import zipfile
from typing import Any, Self

from local_aws import LocalAws
from tests.patience import eventually

_CODE = """
import importlib, json, os, time

class WorkerBusy(Exception):
    pass

invocations = 0

def handler(event, context):
    global invocations
    invocations += 1
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "raise" in event:
        raise WorkerBusy(event["raise"])
    if "environment" in event:
        return {"environment": dict(os.environ)}
    if "import" in event:
        importlib.import_module(event["import"])
    if "marks" in event:
        with open(event["marks"], "a") as marks:
            marks.write(f"{time.time()}\\n")
        raise WorkerBusy("marked")
    given = json.loads(event.get("detail", {}).get("input", "{}"))
    if "event_file" in given:
        with open(given["event_file"], "a") as file:
            file.write(event["detail"]["status"] + "\\n")
    if "then" in given:
        raise WorkerBusy("on an event")
    return {"invocations": invocations, "pid": os.getpid(), "text": "x" * event.get("characters", 0)}
"""


def trusting(service: str) -> str:
    """The trust policy of a role for a service."""
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allowing(action: str, resource: str = "*", **conditions: Any) -> str:
    """A policy with one statement."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **conditions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Workbench:
    """The function `workbench`, and machines that may invoke it."""

    def __init__(self, aws: LocalAws, function_arn: str, machine_role: str) -> None:
        self.aws = aws
        self.function_arn = function_arn
        self.machine_role = machine_role
        self.states = aws.client("stepfunctions")

    @classmethod
    def build(cls, aws: LocalAws) -> Self:
        iam, functions = aws.client("iam"), aws.client("lambda")
        role = iam.create_role(RoleName="workbench", AssumeRolePolicyDocument=trusting("lambda"))["Role"][
            "Arn"
        ]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("index.py", _CODE)
        arn = functions.create_function(
            FunctionName="workbench",
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": code.getvalue()},
            Timeout=10,
        )["FunctionArn"]
        machine = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=trusting("states"))["Role"][
            "Arn"
        ]
        iam.put_role_policy(
            RoleName="machine", PolicyName="invoke", PolicyDocument=allowing("lambda:InvokeFunction", arn)
        )
        return cls(aws, arn, machine)

    def task(self, **fields: Any) -> dict[str, Any]:
        """A state that invokes the function with its input."""
        invoke = {"FunctionName": self.function_arn, "Payload.$": "$"}
        resource = "arn:aws:states:::lambda:invoke"
        return {
            "Type": "Task",
            "Resource": resource,
            "Parameters": invoke,
            "OutputPath": "$.Payload",
            **fields,
        }

    def machine(self, states: dict[str, Any], role: str | None = None, **fields: Any) -> str:
        """Create a state machine that starts at the first state; returns its ARN."""
        definition = {"StartAt": next(iter(states)), "States": states, **fields}
        created = self.states.create_state_machine(
            name=f"machine-{uuid.uuid4().hex[:12]}",
            definition=json.dumps(definition),
            roleArn=role or self.machine_role,
        )
        return str(created["stateMachineArn"])

    def start(self, machine: str, given: Any = None) -> str:
        started = self.states.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))
        return str(started["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """The description of an execution once it has ended."""

        def description() -> dict[str, Any] | None:
            described: dict[str, Any] = self.states.describe_execution(executionArn=execution)
            return described if described["status"] != "RUNNING" else None

        return eventually(description, f"{execution} ends") or {}

    def run(self, states: dict[str, Any], given: Any = None, **fields: Any) -> dict[str, Any]:
        """Run a new machine of these states to its end."""
        return self.ended(self.start(self.machine(states, **fields), given))

    def events(self, execution: str) -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = self.states.get_execution_history(
            executionArn=execution, maxResults=1000
        )["events"]
        return history

"""The slash command's function with Step Functions and Secrets Manager replaced."""

from __future__ import annotations

import base64
import importlib
import json
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from local_aws.slack.commands import signed
from snow_white.slash.form import TypedCommand
from snow_white.slash.start import Answer, SlashCommands
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:SnowWhite"
CHANNEL = "C0COMMANDS"


class Exceptions:
    class ExecutionAlreadyExists(ClientError):
        pass


def refusal(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "StartExecution",
    )


@dataclass
class FakeStepFunctions(FakeClient, services=("stepfunctions",)):
    """Starts executions as Step Functions does: the same name and input return the running execution."""

    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: list[dict[str, str]] = field(default_factory=list)
    ended: bool = False
    failure: Exception | None = None
    exceptions = Exceptions

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        assert stateMachineArn == MACHINE
        if self.failure:
            raise self.failure
        known = self.executions.setdefault(name, json.loads(input))
        if self.ended or known != json.loads(input):
            raise Exceptions.ExecutionAlreadyExists(
                {"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution"
            )
        arn = f"{MACHINE.replace('stateMachine', 'execution')}:{name}"
        return {"executionArn": arn, "startDate": START}

    def stop_execution(self, **call: str) -> dict[str, Any]:
        if self.failure:
            raise self.failure
        self.stopped.append(call)
        return {"stopDate": START}


class Secrets:
    """Secrets Manager with this signing secret, or None for no value."""

    def __init__(self, value: str | None) -> None:
        self.value = value
        self.reads = 0

    def get(self, name: str, max_age: int) -> str:
        assert (name, max_age) == ("signing-secret", 300)
        self.reads += 1
        if self.value is None:
            raise GetParameterError("there is no value")
        return self.value


def load(monkeypatch: pytest.MonkeyPatch, **more: str) -> ModuleType:
    """The function as Lambda loads it."""
    environment = {
        "DEFAULT_REGIONS": "us-east-1",
        "DEFAULT_ENVIRONMENTS": "workers",
        "STATE_MACHINE_ARN": MACHINE,
        "SLACK_SIGNING_SECRET": "signing-secret",
        "SLASH_COMMAND_USERS": "",
        "SLASH_COMMAND_CHANNELS": "",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "snow-white",
        **more,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    module = importlib.reload(importlib.import_module("slash_command"))
    assert module.commands.users == module.commands.channels == frozenset(), "the default must be nobody"
    return module


class Context:
    function_name = "slash_command"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:slash_command"
    aws_request_id = "1"


def call(function: ModuleType, body: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = function.handler(
        {
            "headers": {name.lower(): value for name, value in (headers or signed(body)).items()},
            "requestContext": {"http": {"method": "POST"}},
            "body": base64.b64encode(body.encode()).decode(),
            "isBase64Encoded": True,
        },
        Context(),
    )
    return answer


def ask(commands: SlashCommands, text: str, user: str = "U0ANN", channel: str = CHANNEL) -> Answer:
    return commands.answer(TypedCommand("/snow-white", text, user, channel, "ann.lee"), "slack-1")

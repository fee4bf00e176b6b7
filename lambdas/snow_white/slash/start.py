"""Carrying out a slash command: checking the permission, starting the execution, and answering the person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from snow_white.aws.console import execution_url
from snow_white.model.request import Defaults, InvalidRequest, Request
from snow_white.requester.caller import slack_user
from snow_white.slack.text import escaped
from snow_white.slash.form import TypedCommand
from snow_white.slash.grammar import InvalidCommand, read_words, usage, wants_help

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EVERY_CHANNEL: Final = "*"
_MAX_TEXT: Final = 3_000
_SERVER_ERROR: Final = 500


@dataclass(frozen=True)
class Answer:
    """The answer to the person, in Slack's markup, and details for the log.

    Attributes:
        outcome: help, not_allowed, invalid, started, repeated, or failed.
        execution: the ARN of the execution that was started; "" for none.
        cause: the error message of AWS, for the log only.
    """

    outcome: str
    text: str
    execution: str = ""
    cause: str = ""


@dataclass(frozen=True)
class SlashCommands:
    """Carries out slash commands whose signature is verified.

    Attributes:
        users: ids of the Slack members who may start runs.
        channels: ids of the conversations in which they may start them; "*" allows every conversation.
    """

    step_functions: SFNClient
    state_machine_arn: str
    defaults: Defaults
    users: frozenset[str]
    channels: frozenset[str]

    def answer(self, typed: TypedCommand, name: str) -> Answer:
        """Carry out the command. `name` is the execution's name, the same one for a replay of the same request."""
        if wants_help(typed.text):
            return Answer("help", usage(escaped(typed.command, 50), self.defaults))
        if refusal := self._refusal(typed):
            return Answer("not_allowed", refusal)
        try:
            stated = {
                **read_words(typed.text),
                "channel": typed.channel,
                "slack_user": typed.user,
                "requested_by": slack_user(typed.user, typed.user_name),
            }
            request = Request.parse(stated, self.defaults)
        except (InvalidCommand, InvalidRequest) as wrong:
            hint = f"Nothing was started. `{escaped(typed.command, 50)} help` shows the syntax."
            return Answer("invalid", f"{escaped(wrong, _MAX_TEXT)}\n{hint}")
        return self._start(request, json.dumps(stated, sort_keys=True), name)

    def _refusal(self, typed: TypedCommand) -> str:
        hint = "Nothing was started. To allow it, add"
        if typed.user not in self.users:
            return f"You may not start runs. {hint} `{typed.user}` to the setting `slash_command_users`."
        if not self.channels & {typed.channel, EVERY_CHANNEL}:
            return f"Runs may not be started here. {hint} `{typed.channel}` to the setting `slash_command_channels`."
        return ""

    def _start(self, request: Request, execution_input: str, name: str) -> Answer:
        try:
            started = self.step_functions.start_execution(
                stateMachineArn=self.state_machine_arn, name=name, input=execution_input
            )
        except self.step_functions.exceptions.ExecutionAlreadyExists:
            return Answer("repeated", "This command was already carried out. Nothing was started.")
        except (ClientError, BotoCoreError) as error:
            return _failed(error)
        arn = started["executionArn"]
        what = f"`{request.action.value}` for *{escaped(request.application, _MAX_TEXT)}*"
        return Answer("started", f"Started: {what}. <{execution_url(arn)}|Open the execution>", arn)


def _failed(error: ClientError | BotoCoreError) -> Answer:
    """The answer for a failed start. A refused call has started nothing; an unanswered one may have."""
    if (
        isinstance(error, ClientError)
        and error.response["ResponseMetadata"]["HTTPStatusCode"] < _SERVER_ERROR
    ):
        text = f"Nothing was started: AWS refused it ({error.response['Error']['Code']})."
    else:
        text = (
            "AWS did not answer in time, so it is not known whether the run was started. "
            "If no message about the run appears, type the command again."
        )
    return Answer("failed", text, cause=str(error))

"""Carrying out slash commands and presses of buttons: checking the permission, starting or stopping an execution, and
answering the person.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from snow_white.aws.console import execution_url
from snow_white.model.request import Defaults, InvalidRequest, Request
from snow_white.model.stopping import STOPPED_BY_PERSON, stopped_in_slack
from snow_white.reporting.commands import SLASH_COMMAND
from snow_white.requester.caller import slack_user
from snow_white.slack.buttons import LABELS, STOP
from snow_white.slack.text import escaped
from snow_white.slash.form import TypedCommand
from snow_white.slash.grammar import InvalidCommand, read_words, usage, wants_help
from snow_white.slash.press import PressedButton

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EVERY_CHANNEL: Final = "*"
_MAX_TEXT: Final = 3_000
_SERVER_ERROR: Final = 500


@dataclass(frozen=True)
class Answer:
    """The answer to the person, in Slack's markup, and details for the log.

    Attributes:
        outcome: help, not_allowed, invalid, started, stopped, repeated, or failed.
        execution: the ARN of the execution that was started or stopped; "" for none.
        cause: the error message of AWS, for the log only.
        for_everybody: whether the conversation sees the answer, or the person only.
    """

    outcome: str
    text: str
    execution: str = ""
    cause: str = ""
    for_everybody: bool = False


@dataclass(frozen=True)
class SlashCommands:
    """Carries out slash commands, and presses of buttons, whose signature is verified.

    Attributes:
        users: ids of the Slack members who may start and stop runs.
        channels: ids of the conversations in which they may do it; "*" allows every conversation.
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

    def press(self, pressed: PressedButton, name: str) -> Answer:
        """Do what the button says. An answer that something was done is for everybody, and says who pressed it."""
        if pressed.action_id == STOP:
            answer = self._stop(pressed)
        else:
            typed = TypedCommand(
                SLASH_COMMAND, pressed.value, pressed.user, pressed.channel, pressed.user_name
            )
            answer = self.answer(typed, name)
        if answer.outcome not in ("started", "stopped"):
            return answer
        label = LABELS.get(pressed.action_id, "a button")
        return replace(answer, text=f"<@{pressed.user}> pressed *{label}*. {answer.text}", for_everybody=True)

    def _stop(self, pressed: PressedButton) -> Answer:
        if refusal := self._refusal(pressed):
            return Answer("not_allowed", refusal)
        if not pressed.value.startswith(
            f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:"
        ):
            return Answer("invalid", "That is no run of this Snow White. Nothing was stopped.")
        who = slack_user(pressed.user, pressed.user_name)
        try:
            self.step_functions.stop_execution(
                executionArn=pressed.value, error=STOPPED_BY_PERSON, cause=stopped_in_slack(who)
            )
        except (ClientError, BotoCoreError) as error:
            return _failed(error, "stopped")
        return Answer("stopped", "Unless it has ended, the run stops. Running jobs go on.", pressed.value)

    def _refusal(self, typed: TypedCommand | PressedButton) -> str:
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
            return _failed(error, "started")
        arn = started["executionArn"]
        what = f"`{request.action.value}` for *{escaped(request.fleet.name, _MAX_TEXT)}*"
        return Answer("started", f"Started: {what}. <{execution_url(arn)}|Open the execution>", arn)


def _failed(error: ClientError | BotoCoreError, done: str) -> Answer:
    """The answer for a failed start or stop. A refused call has done nothing; an unanswered one may have."""
    if (
        isinstance(error, ClientError)
        and error.response["ResponseMetadata"]["HTTPStatusCode"] < _SERVER_ERROR
    ):
        text = f"Nothing was {done}: AWS refused it ({error.response['Error']['Code']})."
    else:
        text = (
            f"AWS did not answer in time, so it is not known whether the run was {done}. "
            "If no message shows it, try again."
        )
    return Answer("failed", text, cause=str(error))

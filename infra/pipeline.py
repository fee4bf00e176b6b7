"""Snow White in a pipeline of one's own: ready actions that quiet workers before a deploy and wake them after it.

    workers = PipelineActions(state_machine=machine, pipeline="backups-deploy", application="backups")
    pipeline.add_stage(
        stage_name="Deploy",
        actions=[workers.quiet(run_order=1), deploy_with_run_order_2, workers.wake(run_order=3)],
    )

CodePipeline waits for such an action as long as seven days, and it fails when the run does: then the actions after
it in the pipeline do not run, so nothing is deployed under workers that are not confirmed quiet.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import Token
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_stepfunctions as sfn

LONGEST_INPUT: Final = 1_000
"""CodePipeline takes no longer value in an action's configuration."""
LONGEST_PREFIX: Final = 43
"""With a hyphen and the action execution's id of 36 characters it is the name of an execution, at most 80."""
_LONGEST_REQUESTED_BY: Final = 256
_TIMEOUT_SECONDS: Final = range(60, 172_801)
_LENGTH_OF_AN_ID: Final = 36
_PREFIX: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_PREFIX}}}")


class InvalidPipelineAction(ValueError):
    """What was asked for cannot be an action of a pipeline; the message says what is wrong and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class PipelineActions:
    """The actions for one application in one pipeline.

    Attributes:
        state_machine: Snow White's, for example from StateMachine.from_state_machine_arn.
        pipeline: the pipeline's name, for the message in Slack. In its own configuration a pipeline cannot refer
            to itself, so it is plain text.
        application: the Elastic Beanstalk application, as plain text.
        environments: texts contained in the environments' names, or globs; none for the settings' default.
        regions: of the workers; none for all that Snow White is deployed to.
        timeout_seconds: how long workers may drain, 60 to 172,800; None for two hours.
        channel, slack_user: ids in Slack of whom to tell; None for the settings' channel, and for nobody.
        direct_message: whether that person is told in a conversation of their own too; None if there is a `slack_user`.
    """

    state_machine: sfn.IStateMachine
    pipeline: str
    application: str
    environments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    timeout_seconds: int | None = None
    channel: str | None = None
    slack_user: str | None = None
    direct_message: bool | None = None

    def quiet(self, *, name: str = "QuietWorkers", run_order: int | None = None) -> _Action:
        """Let every worker finish its jobs and take no new ones. Before a deploy."""
        return self._build("quiet", name, run_order)

    def stop(self, *, name: str = "StopWorkers", run_order: int | None = None) -> _Action:
        """Quiet every worker, and stop it so that it stays down. Before a deploy that must not start any."""
        return self._build("stop", name, run_order)

    def wake(self, *, name: str = "WakeWorkers", run_order: int | None = None) -> _Action:
        """Start what is quiet or stopped. After a deploy; what the deploy restarted already is awake at once."""
        return self._build("wake", name, run_order)

    def execution_input(self, action: str) -> str:
        """The execution's input as JSON, with a variable that CodePipeline replaces by its execution's id.

        Raises:
            InvalidPipelineAction: it is too long, or has a part that is known at deploy time only.
        """
        given: dict[str, Any] = {
            "action": action,
            "application": self.application,
            "environments": list(self.environments),
            "regions": list(self.regions),
            "timeout_seconds": self.timeout_seconds,
            "channel": self.channel,
            "slack_user": self.slack_user,
            "direct_message": self.direct_message,
            "requested_by": self._requested_by(),
        }
        said = {key: value for key, value in given.items() if value not in (None, "", [])}
        text = json.dumps(said, separators=(",", ":"))
        if Token.is_unresolved(text):
            raise InvalidPipelineAction(
                "Everything but the state machine must be plain text: CodePipeline takes "
                f"{LONGEST_INPUT:,} characters of input, and the length of {text} is not known yet."
            )
        length = _length(text)
        if length > LONGEST_INPUT:
            raise InvalidPipelineAction(
                f"The input of the action {action!r} has {length:,} characters, but CodePipeline takes "
                f"{LONGEST_INPUT:,}. Name fewer environments or regions: a glob such as '*workers*' matches several."
            )
        return text

    def _requested_by(self) -> str:
        text = f"pipeline {self.pipeline} (execution {_EXECUTION_ID})"
        if _length(text) > _LONGEST_REQUESTED_BY:
            raise InvalidPipelineAction(f"The pipeline's name {self.pipeline!r} is longer than AWS allows.")
        return text

    def _build(self, action: str, name: str, run_order: int | None) -> _Action:
        if self.timeout_seconds is not None and self.timeout_seconds not in _TIMEOUT_SECONDS:
            raise InvalidPipelineAction(
                f"'timeout_seconds' is {self.timeout_seconds}, but must be {_TIMEOUT_SECONDS[0]} to "
                f"{_TIMEOUT_SECONDS[-1]}."
            )
        return actions.StepFunctionInvokeAction(
            action_name=name,
            run_order=run_order,
            state_machine=self.state_machine,
            state_machine_input=actions.StateMachineInput.literal(json.loads(self.execution_input(action))),
            execution_name_prefix=execution_name_prefix(action, self.application),
        )


_Action = actions.StepFunctionInvokeAction
# The one variable that every execution has; a commit's message, for example, could break the JSON with a quote.
_EXECUTION_ID: Final = codepipeline.GlobalVariables.EXECUTION_ID


def execution_name_prefix(action: str, application: str) -> str:
    """What the names of the pipeline's runs begin with: letters, digits, - and _, as short as AWS wants it."""
    prefix = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{action}-{application}")[:LONGEST_PREFIX].strip("-")
    assert _PREFIX.fullmatch(prefix)
    return prefix


def _length(text: str) -> int:
    """The length as it is written and as it becomes, whichever is greater."""
    return max(len(text), len(text.replace(_EXECUTION_ID, "0" * _LENGTH_OF_AN_ID)))

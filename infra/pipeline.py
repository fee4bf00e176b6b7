"""Actions for your own CodePipeline: quiet the workers before a deploy, and wake them after it.

    workers = PipelineActions(state_machine=machine, pipeline="backups-deploy", application="backups")
    pipeline.add_stage(
        stage_name="Deploy",
        actions=[workers.quiet(run_order=1), deploy_with_run_order_2, workers.wake(run_order=3)],
    )

CodePipeline waits up to seven days for such an action. The action fails if the run fails. Then later actions of the
pipeline do not run, so nothing is deployed while a worker is not confirmed quiet. The wake action does not run either:

    workers.wake_on_failure(stack)

wakes the workers when the pipeline's execution ends without it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aws_cdk import Token
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.wake_on_failure import WakeOnFailure
from snow_white.model.durations import MAX_TIMEOUT_SECONDS, MIN_TIMEOUT_SECONDS
from snow_white.model.fleet import fleet_name, tag_texts

MAX_INPUT_LENGTH: Final = 1_000
"""Characters; CodePipeline accepts no longer value in an action's configuration."""
MAX_PREFIX_LENGTH: Final = 43
"""Characters; the name of an execution, at most 80, is the prefix, a hyphen and an id of 36 characters."""
QUIET: Final = "QuietWorkers"
STOP: Final = "StopWorkers"
WAKE: Final = "WakeWorkers"
_MAX_REQUESTED_BY_LENGTH: Final = 256
_ID_LENGTH: Final = 36
_PREFIX: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_PREFIX_LENGTH}}}")


class InvalidPipelineAction(ValueError):
    """The values cannot make an action of a pipeline; the message says what is wrong and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class PipelineActions:
    """The actions for one application, or for groups or tagged instances, in one pipeline.

    Attributes:
        state_machine: Snow White's, for example from StateMachine.from_state_machine_arn.
        pipeline: the pipeline's name, for the message in Slack; plain text, as a pipeline's configuration cannot
            refer to the pipeline itself.
        application: the Elastic Beanstalk application, as plain text; "" if one of the next two is given in its place.
        auto_scaling_groups: names or globs.
        tags: by key, the values of which an instance must have one, for every key.
        environments: texts contained in the environments' names, or globs; empty: the default of the settings.
        regions: regions of the workers; empty: all regions that Snow White is deployed to.
        timeout_seconds: how long workers may drain, 60 to 172,800; None: two hours.
        channel: id of the Slack channel to notify; None: the channel of the settings.
        slack_user: Slack member id of the person to notify; None: nobody.
        direct_message: whether that person also gets a direct message; None: yes if there is a `slack_user`.
    """

    state_machine: sfn.IStateMachine
    pipeline: str
    application: str = ""
    auto_scaling_groups: tuple[str, ...] = ()
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    environments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    timeout_seconds: int | None = None
    channel: str | None = None
    slack_user: str | None = None
    direct_message: bool | None = None

    def quiet(self, *, name: str = QUIET, run_order: int | None = None) -> _Action:
        """Wait until every worker has finished its jobs and takes no new ones. Goes before a deploy."""
        return self._build("quiet", name, run_order)

    def stop(self, *, name: str = STOP, run_order: int | None = None) -> _Action:
        """Quiet and stop every worker; it stays down until it is woken. Goes before a deploy."""
        return self._build("stop", name, run_order)

    def wake(self, *, name: str = WAKE, run_order: int | None = None) -> _Action:
        """Start every worker that is quiet or stopped. Goes after a deploy."""
        return self._build("wake", name, run_order)

    def wake_on_failure(
        self,
        scope: Construct,
        construct_id: str = "WakeOnFailure",
        *,
        quieting_actions: Sequence[str] = (QUIET, STOP),
        waking_action: str = WAKE,
    ) -> WakeOnFailure:
        """Wake the workers when an execution of the pipeline fails, is stopped or canceled after it has quieted them.

        It is one for each pipeline, and belongs into a stack of the pipeline's region.

        Args:
            scope: the stack, or another construct.
            construct_id: a name that is unique in the scope.
            quieting_actions: the names of the pipeline's actions that quiet or stop these workers.
            waking_action: the name of the action that wakes them.
        """
        wake_input = json.loads(self.execution_input("wake"))
        del wake_input["requested_by"]  # the state machine has the execution's id from the event
        return WakeOnFailure(
            scope,
            construct_id,
            pipeline=self.pipeline,
            snow_white=self.state_machine,
            wake_input=wake_input,
            wake_prefix=execution_name_prefix("wake", self._fleet),
            quieting_prefixes=[execution_name_prefix(action, self._fleet) for action in ("quiet", "stop")],
            quieting_actions=quieting_actions,
            waking_action=waking_action,
        )

    def execution_input(self, action: str) -> str:
        """The execution's input as JSON, with a variable that CodePipeline replaces with its execution's id.

        Raises:
            InvalidPipelineAction: it is too long, or a part is known only at deploy time.
        """
        given: dict[str, Any] = {
            "action": action,
            "application": self.application,
            "auto_scaling_groups": list(self.auto_scaling_groups),
            "tags": {key: list(values) for key, values in self.tags.items()},
            "environments": list(self.environments),
            "regions": list(self.regions),
            "timeout_seconds": self.timeout_seconds,
            "channel": self.channel,
            "slack_user": self.slack_user,
            "direct_message": self.direct_message,
            "requested_by": self._requested_by(),
        }
        present = {key: value for key, value in given.items() if value not in (None, "", [], {})}
        text = json.dumps(present, separators=(",", ":"))
        if Token.is_unresolved(text):
            raise InvalidPipelineAction(
                "Everything but the state machine must be plain text: CodePipeline accepts "
                f"{MAX_INPUT_LENGTH:,} characters of input, and the length of {text} is not known yet."
            )
        length = _length(text)
        if length > MAX_INPUT_LENGTH:
            raise InvalidPipelineAction(
                f"The input of the action {action!r} has {length:,} characters, but CodePipeline accepts "
                f"{MAX_INPUT_LENGTH:,}. Name fewer environments or regions: a glob such as '*workers*' matches several."
            )
        return text

    def __post_init__(self) -> None:
        if sum(map(bool, (self.application, self.auto_scaling_groups, self.tags))) != 1:
            raise InvalidPipelineAction(
                "One of 'application', 'auto_scaling_groups' and 'tags' must be given, and no more: each selects a "
                "whole fleet."
            )

    @property
    def _fleet(self) -> str:
        return fleet_name(self.application, self.auto_scaling_groups, tag_texts(self.tags))

    def _requested_by(self) -> str:
        text = f"pipeline {self.pipeline} (execution {_EXECUTION_ID})"
        if _length(text) > _MAX_REQUESTED_BY_LENGTH:
            raise InvalidPipelineAction(f"The pipeline's name {self.pipeline!r} is longer than AWS allows.")
        return text

    def _build(self, action: str, name: str, run_order: int | None) -> _Action:
        seconds = self.timeout_seconds
        if seconds is not None and not MIN_TIMEOUT_SECONDS <= seconds <= MAX_TIMEOUT_SECONDS:
            raise InvalidPipelineAction(
                f"'timeout_seconds' is {seconds}, but must be {MIN_TIMEOUT_SECONDS} to {MAX_TIMEOUT_SECONDS}."
            )
        return actions.StepFunctionInvokeAction(
            action_name=name,
            run_order=run_order,
            state_machine=self.state_machine,
            state_machine_input=actions.StateMachineInput.literal(json.loads(self.execution_input(action))),
            execution_name_prefix=execution_name_prefix(action, self._fleet),
        )


_Action = actions.StepFunctionInvokeAction
# Every execution has this variable. Others are not safe in JSON: a commit message may contain a quote.
_EXECUTION_ID: Final = codepipeline.GlobalVariables.EXECUTION_ID


def execution_name_prefix(action: str, fleet: str) -> str:
    """How the names of the pipeline's runs begin: letters, digits, - and _, at most MAX_PREFIX_LENGTH."""
    prefix = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{action}-{fleet}")[:MAX_PREFIX_LENGTH].strip("-")
    assert _PREFIX.fullmatch(prefix)
    return prefix


def _length(text: str) -> int:
    """The length with the variable or with the id in its place, whichever is greater."""
    return max(len(text), len(text.replace(_EXECUTION_ID, "0" * _ID_LENGTH)))

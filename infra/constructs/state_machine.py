"""The state machine: its states, retries, time limits and role. docs/architecture.md has the diagram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.access.roles import Grant, build_role
from infra.constructs.functions import FUNCTION_TIMEOUT
from infra.constructs.log_groups import build_log_group
from snow_white.model.durations import DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS, MIN_TIMEOUT_SECONDS

MACHINE_NAME: Final = "SnowWhite"
MAX_DRAIN: Final = Duration.seconds(MAX_TIMEOUT_SECONDS)
# Leaves time for discovery, notification and the final checks around the longest drain that can be requested.
RUN_TIMEOUT: Final = MAX_DRAIN.plus(Duration.hours(3))
# Longer than the function's own timeout, so that Lambda reports a timeout first.
TASK_TIMEOUT: Final = sfn.Timeout.duration(FUNCTION_TIMEOUT.plus(Duration.seconds(20)))

LAMBDA_ERRORS: Final = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
)
TRANSIENT_ERRORS: Final = (
    *LAMBDA_ERRORS,
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    "States.Timeout",
    "RegionUnavailable",
)
COMMENT: Final = (
    "Quiets or stops Sidekiq workers (quiet, stop), wakes them (wake) or reports their state (status). "
    'Input to start with: {"action": "quiet", "application": "NAME"}. Optional: "environments": "workers", '
    '"regions": ["us-east-1"], '
    f'"timeout_seconds": {DEFAULT_TIMEOUT_SECONDS} ({MIN_TIMEOUT_SECONDS} to {MAX_TIMEOUT_SECONDS}), '
    '"wake_after_seconds": 10800 (quiet and stop), "channel": "C0123456789", '
    '"slack_user": "U0123456789", "direct_message": true, "requested_by": "ann". In place of an application: '
    '"auto_scaling_groups": ["NAME-*"], or "tags": {"Role": "worker"}. Of what these select, only some: '
    '"instances": ["i-0123456789abcdef0"]'
)
UNREPORTED: Final = (
    "The run ended without a report, so nothing is confirmed. The last failed step in this execution's "
    "history says why; the logs of its function have more."
)


class SnowWhiteStateMachine(Construct):
    """The state machine `SnowWhite`, in `state_machine`. One execution is one run."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: Mapping[str, lambda_.Function],
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._functions = functions
        self._invoked: dict[str, lambda_.Function] = {}
        self.state_machine = self._build_machine(log_retention_days)

    def _build_states(self) -> sfn.IChainable:
        """The first state, with all others connected to it."""
        receive_request = self._build_receive_request()
        discover = self._build_step("DiscoverInstances", "discover_instances")
        announce_start = self._build_step("AnnounceStart", "notify_slack")
        dispatch = self._build_step("DispatchCommand", "dispatch_command")
        wait = sfn.Wait(self, "WaitForWorkers", time=sfn.WaitTime.seconds_path("$.wait_seconds"))
        poll = self._build_step("PollCommand", "poll_command")
        announce_progress = self._build_step("AnnounceProgress", "notify_slack")
        notify = self._build_step("NotifySlack", "notify_slack")
        outcome = sfn.Choice(self, "Outcome")
        confirmed = sfn.Choice(self, "Confirmed")
        done = sfn.Succeed(self, "Done", output_path="$.report")
        not_confirmed = sfn.Fail(
            self, "NotConfirmed", error_path="$.report.error", cause_path="$.report.cause"
        )
        read_cause = sfn.Pass(
            self,
            "ReadCause",
            parameters={"cause": sfn.JsonPath.string_to_json(sfn.JsonPath.string_at("$.error.Cause"))},
            result_path="$.caught",
        )
        failed = sfn.Fail(
            self, "Failed", error_path="$.error.Error", cause_path="$.caught.cause.errorMessage"
        )
        broken = sfn.Fail(self, "Broken", error_path="$.error.Error", cause_path="$.error.Cause")
        unreported = sfn.Fail(self, "Unreported", error="Unreported", cause=UNREPORTED)

        for step in (discover, dispatch, poll):
            _STEP_RETRIES.add_to(step)
            step.add_catch(notify, errors=["States.ALL"], result_path="$.error")
        # Slack never fails a run: after any error of a notification the run continues.
        for step, following in ((announce_start, dispatch), (announce_progress, wait), (notify, confirmed)):
            _SLACK_RETRIES.add_to(step)
            step.add_catch(following, errors=["States.ALL"], result_path="$.slack_error")

        receive_request.next(discover).next(announce_start).next(dispatch).next(wait).next(poll).next(outcome)
        outcome.when(_outcome_is("working"), wait)
        outcome.when(_outcome_is("progress"), announce_progress)
        outcome.when(_outcome_is("send"), dispatch)
        outcome.when(_outcome_is("finished"), notify)
        outcome.otherwise(unreported)
        announce_progress.next(wait)
        notify.next(confirmed)
        read_cause.next(failed)
        confirmed.when(_is_confirmed(), done)
        confirmed.when(_has_a_cause(), not_confirmed)
        # NotifySlack has failed too, or the report would name the error that a step ended with.
        confirmed.when(_has_caught_a_sentence(), read_cause)
        confirmed.when(_has_caught_an_error(), broken)
        confirmed.otherwise(unreported)
        return receive_request

    def _build_receive_request(self) -> sfn.Pass:
        return sfn.Pass(
            self,
            "ReceiveRequest",
            parameters={
                "request": sfn.JsonPath.entire_payload,
                "execution": {
                    "arn": sfn.JsonPath.execution_id,
                    "name": sfn.JsonPath.execution_name,
                    "started_at": sfn.JsonPath.execution_start_time,
                },
            },
        )

    def _build_step(self, state: str, function: str) -> tasks.LambdaInvoke:
        """A task that passes the whole state of the run to a function and takes the new state from it."""
        self._invoked[function] = self._functions[function]
        return tasks.LambdaInvoke(
            self,
            state,
            lambda_function=self._functions[function],
            payload=sfn.TaskInput.from_object(
                {
                    "step": sfn.JsonPath.state_name,
                    "run": sfn.JsonPath.entire_payload,
                    # An execution that is redriven goes on, and ends once more.
                    "redrives": sfn.JsonPath.number_at("$$.Execution.RedriveCount"),
                }
            ),
            output_path="$.Payload",
            task_timeout=TASK_TIMEOUT,
            retry_on_service_exceptions=False,
        )

    def _build_machine(self, log_retention_days: int) -> sfn.StateMachine:
        log_group = build_log_group(
            self, "Logs", retention_days=log_retention_days, name=f"/aws/vendedlogs/states/{MACHINE_NAME}"
        )
        states = self._build_states()
        return sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=MACHINE_NAME,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_chainable(states),
            comment=COMMENT,
            timeout=RUN_TIMEOUT,
            tracing_enabled=True,
            # The data of each step are in the execution's history for 90 days; in the log they would cost more than
            # all functions.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            role=self._build_role(),
        )

    def _build_role(self) -> iam.IRole:
        """Allows invoking the functions of the steps built so far, so the steps are built first."""
        steps = tuple(function.function_arn for function in self._invoked.values())
        return build_role(
            self,
            "Role",
            service="states.amazonaws.com",
            grants=[Grant(("lambda:InvokeFunction",), steps), _DELIVER_LOGS_AND_TRACES],
        )


_DELIVER_LOGS_AND_TRACES: Final = Grant(
    (
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
    ),
    ("*",),
    wildcard_reason="IAM has no resource for delivering a state machine's logs and traces.",
)


def _outcome_is(outcome: str) -> sfn.Condition:
    return sfn.Condition.string_equals("$.outcome", outcome)


# Comparing a missing value ends an execution at once, so its presence is checked first.
def _is_confirmed() -> sfn.Condition:
    return sfn.Condition.and_(
        sfn.Condition.is_present("$.report.result"),
        sfn.Condition.string_equals("$.report.result", "confirmed"),
    )


def _has_a_cause() -> sfn.Condition:
    return sfn.Condition.and_(*_are_texts("$.report.error", "$.report.cause"))


def _has_caught_a_sentence() -> sfn.Condition:
    """The cause of an error that a function has raised is JSON; that of any other error is plain text."""
    is_json = sfn.Condition.string_matches("$.error.Cause", '{*"errorMessage":*}')
    return sfn.Condition.and_(*_are_texts("$.error.Error", "$.error.Cause"), is_json)


def _has_caught_an_error() -> sfn.Condition:
    return sfn.Condition.and_(*_are_texts("$.error.Error", "$.error.Cause"))


def _are_texts(*paths: str) -> list[sfn.Condition]:
    return [
        condition
        for path in paths
        for condition in (sfn.Condition.is_present(path), sfn.Condition.is_string(path))
    ]


@dataclass(frozen=True)
class _Retries:
    """Retries of a failed step, with random pauses that double from `first` up to `longest`."""

    errors: tuple[str, ...]
    first: Duration
    longest: Duration
    attempts: int

    def add_to(self, step: sfn.TaskStateBase) -> None:
        step.add_retry(
            errors=list(self.errors),
            interval=self.first,
            backoff_rate=2,
            max_attempts=self.attempts,
            max_delay=self.longest,
            jitter_strategy=sfn.JitterType.FULL,
        )


_STEP_RETRIES: Final = _Retries(TRANSIENT_ERRORS, Duration.seconds(2), Duration.seconds(60), attempts=6)
_SLACK_RETRIES: Final = _Retries(
    (*LAMBDA_ERRORS, "Runtime.ExitError"), Duration.seconds(1), Duration.seconds(10), attempts=3
)

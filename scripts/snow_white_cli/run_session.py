"""One run on the command line: start or find it, follow it, print its result."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import click
from botocore.exceptions import ClientError
from rich.console import Console

from snow_white.aws.console import execution_url
from snow_white.aws.errors import code_of
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stopping import STOPPED_BY_PERSON, stopped_on_command_line
from snow_white.model.termination import is_of_termination
from snow_white_cli import interrupt
from snow_white_cli.access import Access
from snow_white_cli.aws_errors import AwsError, explain
from snow_white_cli.exit_codes import CommandError, ExitCode, RunStateUnknown, WrongUsage
from snow_white_cli.follower import Follower
from snow_white_cli.program import shell_line
from snow_white_cli.runs import Ended, FollowedRun
from snow_white_cli.showing.headlines import Headlines
from snow_white_cli.showing.layout import output_console
from snow_white_cli.showing.output import as_json, exit_code, print_end
from snow_white_cli.showing.progress_display import open_display
from snow_white_cli.showing.run_list import read_request

_RUNS_LOOKED_AT: Final = 1_000
"""A page of Step Functions; an update of a large environment starts hundreds of runs for instances that end."""


@dataclass
class RunSession:
    """One execution that the user follows. `json_wanted`: print the result as JSON."""

    access: Access
    arn: str
    headlines: Headlines
    json_wanted: bool

    def __post_init__(self) -> None:
        self._messages = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.arn.rpartition(":")[2]

    @classmethod
    def start(
        cls,
        access: Access,
        request: Mapping[str, Any],
        *,
        json_wanted: bool = False,
        name: str | None = None,
    ) -> RunSession:
        """Start an execution with this input, and print its name and its address in the console.

        With a `name`, which is unique, the call can be repeated until AWS has answered.

        Raises:
            CommandError: AWS refused the call; nothing was started.
            RunStateUnknown: the execution may or may not have been started.
        """
        machine = access.state_machine()
        name = name or new_name(request)
        client = _step_functions(access)
        try:
            # The name makes the call idempotent: if the answer is lost, a retry starts no second execution.
            started = FollowedRun.start(client, machine, request, name)
        except ClientError as error:
            if code_of(error) != "ExecutionAlreadyExists":
                raise CommandError(_not_started(error, machine)) from error
            started = FollowedRun.of_name(client, machine, name)
        except AwsError as error:
            raise RunStateUnknown(
                f"{explain(error)} The run may have been started; if so, `snow-white runs` lists {name}."
            ) from error
        except KeyboardInterrupt:
            raise RunStateUnknown(
                f"Interrupted. The run may have been started; if so, `snow-white runs` lists {name}."
            ) from None
        session = cls(access, started.arn, Headlines.of(request), json_wanted)
        session._messages.print(f"Started {name}: {execution_url(session.arn)}", markup=False)
        return session

    @classmethod
    def find(cls, access: Access, name: str, *, json_wanted: bool) -> RunSession:
        """The run with that name or ARN.

        Raises:
            WrongUsage: there is no such run.
            CommandError: AWS refused the call or cannot be reached.
        """
        client = _step_functions(access)
        machine = access.state_machine()
        run = FollowedRun(client, name) if ":" in name else FollowedRun.of_name(client, machine, name)
        try:
            request = read_request(run.describe().get("input"))
        except ClientError as error:
            if code_of(error) in ("ExecutionDoesNotExist", "InvalidArn", "ValidationException"):
                raise WrongUsage(f"There is no run {name}. `snow-white runs` lists the runs.") from error
            raise CommandError(explain(error)) from error
        except AwsError as error:
            raise CommandError(explain(error)) from error
        return cls(access, run.arn, Headlines.of(request), json_wanted)

    @classmethod
    def find_newest(cls, access: Access, *, json_wanted: bool) -> RunSession:
        """The run that somebody has started last; its name is printed. Those for instances that end do not count.

        Raises:
            WrongUsage: there is no run yet.
            CommandError: AWS refused the call or cannot be reached.
        """
        client, machine = _step_functions(access), access.state_machine()
        try:
            listed = client.list_executions(stateMachineArn=machine, maxResults=_RUNS_LOOKED_AT)["executions"]
        except AwsError as error:
            raise CommandError(explain(error)) from error
        found = [one for one in listed if not is_of_termination(one["name"])]
        if not found:
            raise WrongUsage("There are no runs yet.")
        session = cls.find(access, found[0]["executionArn"], json_wanted=json_wanted)
        session._messages.print(f"Following {session.name}", markup=False)
        return session

    def follow(self) -> ExitCode:
        """Show the run until it ends or the user leaves it."""
        while True:
            try:
                return self._print_result(self.watch())
            except KeyboardInterrupt:
                choice = interrupt.ask() if interrupt.can_ask() else interrupt.Choice.LEAVE
            match choice:
                case interrupt.Choice.LEAVE:
                    return self.leave()
                case interrupt.Choice.STOP:
                    self.stop()
                case interrupt.Choice.WATCH:
                    pass

    def leave(self) -> ExitCode:
        """Print how to follow the run later."""
        if self.json_wanted:
            click.echo(as_json(self.arn, "RUNNING"))
        line = shell_line("follow", self.name, *self.access.options)
        self._messages.print(f"The run goes on in AWS. Follow it with: {line}", markup=False)
        return ExitCode.UNKNOWN

    def watch(self) -> Ended:
        """Show the run's progress until it ends.

        Raises:
            RunStateUnknown, WrongUsage: see Follower.until_end.
        """
        with open_display(self._messages, self.headlines) as display:
            return Follower(self.access, self.arn, display).until_end()

    def _print_result(self, ended: Ended) -> ExitCode:
        """Print how the run has ended."""
        if self.json_wanted:
            click.echo(as_json(self.arn, ended.status, ended))
        else:
            print_end(output_console(), ended, self.headlines, self.access.options)
        return exit_code(ended)

    def stop(self) -> None:
        """Stop the run; the caller then follows it to its end."""
        try:
            run = FollowedRun(self.access.client("stepfunctions"), self.arn)
            run.stop(STOPPED_BY_PERSON, stopped_on_command_line(self.access.caller()))
        except (*AwsError, CommandError) as error:
            reason = error.message if isinstance(error, CommandError) else explain(error)
            self._messages.print(f"The run was not stopped. {reason}", markup=False)
            return
        self._messages.print(
            "The run was stopped. Its commands are cancelled; running jobs go on.",
            markup=False,
        )


def _step_functions(access: Access) -> Any:
    try:
        return access.client("stepfunctions")
    except AwsError as error:
        raise CommandError(explain(error)) from error


def new_name(request: Mapping[str, Any]) -> str:
    """A name with action, fleet and time, at most 80 characters, all of which Step Functions accepts."""
    fleet = re.sub(r"[^A-Za-z0-9-]+", "-", StatedRequest.read(request).fleet_name).strip("-")[:40]
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return "-".join(part for part in (request["action"], fleet, moment, secrets.token_hex(3)) if part)


def _not_started(error: ClientError, machine: str) -> str:
    if code_of(error) == "StateMachineDoesNotExist":
        return f"There is no state machine {machine}. Probably its region or its name is another one."
    return f"{explain(error)} Nothing was started."

"""One run from its start, or from when it was found, to its end."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click
from botocore.exceptions import ClientError
from rich.console import Console

from snow_white.aws.console import execution_url
from snow_white.aws.errors import code_of
from snow_white_cli import interrupt
from snow_white_cli.access import Access
from snow_white_cli.answers import answering, as_json, exit_code, print_end
from snow_white_cli.aws_errors import AwsError, sentence
from snow_white_cli.ends import CommandError, ExitCode, LostSight, WrongUsage
from snow_white_cli.following import Follower
from snow_white_cli.news import Wording
from snow_white_cli.recent import read_request
from snow_white_cli.runs import Ended, FollowedRun
from snow_white_cli.views import showing


@dataclass
class OneRun:
    """An execution and the person who looks at it."""

    access: Access
    arn: str
    wording: Wording
    json_wanted: bool

    def __post_init__(self) -> None:
        self._talk = Console(stderr=True, highlight=False, soft_wrap=True)

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.arn.rpartition(":")[2]

    @classmethod
    def start(cls, access: Access, request: Mapping[str, Any], *, json_wanted: bool) -> OneRun:
        """Start an execution with this input, and say where it can be seen."""
        machine = access.state_machine()
        name = _new_name(request)
        client = _step_functions(access)
        try:
            # With a name of ours, a call that is repeated because its answer got lost starts nothing twice.
            started = FollowedRun.start(client, machine, request, name)
        except ClientError as error:
            if code_of(error) != "ExecutionAlreadyExists":
                raise CommandError(_not_started(error, machine)) from error
            started = FollowedRun.of_name(client, machine, name)
        except AwsError as error:
            raise LostSight(
                f"{sentence(error)} Whether the run was started is not known: if so, `snow-white runs` shows {name}."
            ) from error
        except KeyboardInterrupt:
            raise LostSight(
                f"Interrupted while starting; if the run was started, `snow-white runs` shows {name}."
            ) from None
        run = cls(access, started.arn, Wording.of(request), json_wanted)
        run._talk.print(f"Started {name}: {execution_url(run.arn)}", markup=False)
        return run

    @classmethod
    def find(cls, access: Access, name: str, *, json_wanted: bool) -> OneRun:
        """The run of that name or ARN."""
        client = _step_functions(access)
        machine = access.state_machine()
        run = FollowedRun(client, name) if ":" in name else FollowedRun.of_name(client, machine, name)
        try:
            request = read_request(run.describe().get("input"))
        except ClientError as error:
            if code_of(error) in ("ExecutionDoesNotExist", "InvalidArn", "ValidationException"):
                raise WrongUsage(
                    f"There is no run {name}; `snow-white runs` shows those there are."
                ) from error
            raise CommandError(sentence(error)) from error
        except AwsError as error:
            raise CommandError(sentence(error)) from error
        return cls(access, run.arn, Wording.of(request), json_wanted)

    def follow(self) -> ExitCode:
        """Show it until it ends, or until the person has enough of that."""
        while True:
            try:
                return self._watch()
            except KeyboardInterrupt:
                choice = interrupt.ask() if interrupt.can_ask() else interrupt.Choice.LEAVE
            match choice:
                case interrupt.Choice.LEAVE:
                    return self.leave()
                case interrupt.Choice.STOP:
                    self._stop()
                case interrupt.Choice.WATCH:
                    pass

    def leave(self) -> ExitCode:
        """Say how to find it again."""
        if self.json_wanted:
            click.echo(as_json(self.arn, "RUNNING"))
        self._talk.print(f"It goes on in AWS. Watch it with: snow-white follow {self.name}", markup=False)
        return ExitCode.UNKNOWN

    def _watch(self) -> ExitCode:
        with showing(self._talk, self.wording) as view:
            ended = Follower(self.access, self.arn, view).until_end()
        return self._answer(ended)

    def _answer(self, ended: Ended) -> ExitCode:
        if self.json_wanted:
            click.echo(as_json(self.arn, ended.status, ended))
        else:
            print_end(answering(), ended, self.wording)
        return exit_code(ended)

    def _stop(self) -> None:
        """Stop it; whatever comes of that, watching it again shows."""
        try:
            run = FollowedRun(self.access.client("stepfunctions"), self.arn)
            run.stop("StoppedByPerson", f"Stopped on the command line by {self.access.caller()}.")
        except (*AwsError, CommandError) as error:
            said = error.message if isinstance(error, CommandError) else sentence(error)
            self._talk.print(f"It was not stopped. {said}", markup=False)
            return
        self._talk.print(
            "Stopped. What it sent to the hosts is cancelled; no job is ended by that. "
            "Workers that are quiet stay so until somebody wakes them.",
            markup=False,
        )


def _step_functions(access: Access) -> Any:
    try:
        return access.client("stepfunctions")
    except AwsError as error:
        raise CommandError(sentence(error)) from error


def _new_name(request: Mapping[str, Any]) -> str:
    """A name that says in a list what the run is about: at most 80 characters, of those that a name may have."""
    application = re.sub(r"[^A-Za-z0-9-]+", "-", str(request["application"])).strip("-")[:40]
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return "-".join(part for part in (request["action"], application, moment, secrets.token_hex(3)) if part)


def _not_started(error: ClientError, machine: str) -> str:
    if code_of(error) == "StateMachineDoesNotExist":
        return f"There is no state machine {machine}."
    return f"{sentence(error)} Nothing was started."

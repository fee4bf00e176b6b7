"""The commands of the command line, and their options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from snow_white.model.action import Action
from snow_white.model.fleet import read_tag_texts
from snow_white.version import VERSION
from snow_white_cli.access import Access
from snow_white_cli.bracketed_command import CannotRun, demand_executable
from snow_white_cli.exit_codes import CommandError, CommandExitCode
from snow_white_cli.option_types import DURATION, INSTANCE, LEASE, REGION, SLACK_USER, TAG, TEXT

if TYPE_CHECKING:
    from snow_white_cli.run_session import RunSession

EXIT_CODES: Final = """\
\b
Exit codes:
  0  the run has ended, and everything is confirmed
  1  the run failed, or could not be started or found
  2  wrong usage: an argument or the request is invalid
  3  unknown: the run goes on (--no-wait, Ctrl-C), or its state could not be read"""

BRACKET_EXIT_CODES: Final = """\
\b
With -- COMMAND, the exit code is the command's own (128+N if signal N has ended it), or
  124  the command was run, but the workers are not confirmed awake
  125  the command was not run, because the workers are not confirmed asleep
  126  the command was not run, because it cannot be executed
  127  the command was not run, because it is not found"""

_Command = Callable[..., Any]


class _WithCommand(click.Command):
    """A command whose arguments after `--` are another program's, which it gets as `command`.

    Its wrong usage then ends with NOT_RUN: 2 would be taken for the other program's.
    """

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage, with the other command at its end."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what is before `--`."""
        if "--" not in args:
            return super().parse_args(ctx, args)
        end = args.index("--")
        command = ctx.meta[_COMMAND_AFTER] = tuple(args[end + 1 :])
        with _not_run(ctx):
            rest = super().parse_args(ctx, args[:end])
            if not command:
                ctx.fail("There is no command after '--'.")
            return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        if _COMMAND_AFTER not in ctx.meta:
            return super().invoke(ctx)
        with _not_run(ctx):
            return super().invoke(ctx)


@contextmanager
def _not_run(context: click.Context) -> Iterator[None]:
    """Turn what ends this program before the other command has begun into an exit code of that command's."""
    try:
        yield
    except click.ClickException as error:
        error.show()
        context.exit(error.exit_code if isinstance(error, CannotRun) else CommandExitCode.NOT_RUN)
    except KeyboardInterrupt:
        click.echo("Interrupted. Nothing was started.", err=True)
        context.exit(CommandExitCode.NOT_RUN)


_COMMAND_AFTER: Final = "snow_white_cli.command_after"


def _access_options(command: _Command) -> _Command:
    """Add the options of every command that calls AWS, and pass them to the command as `access`."""

    def with_access(
        profile: str | None, home_region: str | None, state_machine_arn: str | None, **options: Any
    ) -> Any:
        return command(access=Access(profile, home_region, state_machine_arn), **options)

    with_access.__doc__ = command.__doc__
    with_access.__name__ = command.__name__
    with_access.__dict__.update(command.__dict__)
    for option in (
        click.option(
            "--json", "json_wanted", is_flag=True, help="Print the result as JSON on standard output."
        ),
        click.option(
            "--state-machine-arn",
            envvar="SNOW_WHITE_STATE_MACHINE_ARN",
            show_envvar=True,
            help="ARN of the state machine (default: the stack's output).",
        ),
        click.option(
            "--home-region",
            type=REGION,
            envvar="SNOW_WHITE_HOME_REGION",
            show_envvar=True,
            help="Region that Snow White's state machine is in (default: home_region of the settings in this checkout; "
            "if it is installed without one, the region of your AWS configuration).",
        ),
        click.option(
            "--profile", help="Profile of your AWS configuration (default: the same as for the AWS CLI)."
        ),
    ):
        with_access = option(with_access)
    return with_access


def _request_options(command: _Command) -> _Command:
    """Add the options of the four actions."""
    for option in (
        click.option(
            "--no-wait",
            is_flag=True,
            help="Start the run and return at once, with exit code 3: nothing is confirmed yet.",
        ),
        click.option(
            "--direct-message/--no-direct-message",
            default=None,
            help="Whether to send the person a direct message too (default: yes with --slack-user or without a "
            "channel, else no).",
        ),
        click.option("--slack-user", type=SLACK_USER, help="Slack member id of the person to notify."),
        click.option(
            "--channel", type=TEXT, help="Slack channel to notify (default: the channel in the settings)."
        ),
        click.option(
            "--timeout",
            type=DURATION,
            help="Time that the workers have to finish their jobs: 60 seconds to 2 days, such as 900, 30m, 1h30m "
            "or 48h (default: 2h).",
        ),
        click.option(
            "-r",
            "--region",
            "regions",
            multiple=True,
            type=REGION,
            help="Region of the workers; may be repeated (default: every region that Snow White is deployed to).",
        ),
        click.option(
            "-e",
            "--environment",
            "environments",
            multiple=True,
            type=TEXT,
            help="Part of an environment's name, or a glob for the whole name; may be repeated (default: from the "
            "settings).",
        ),
        click.option(
            "-i",
            "--instance",
            "instances",
            multiple=True,
            type=INSTANCE,
            help="Id of an instance: of all that are selected, only those that are named; may be repeated.",
        ),
        click.option(
            "--tag",
            "tags",
            multiple=True,
            type=TAG,
            metavar="KEY=VALUE",
            help="In place of APPLICATION: the instances with this tag, whose value may be a glob; may be repeated. An "
            "instance must have all of the keys, and of the values of each key one.",
        ),
        click.option(
            "--asg",
            "groups",
            multiple=True,
            type=TEXT,
            metavar="GROUP",
            help="In place of APPLICATION: the instances of this Auto Scaling group, or of all that match this glob; "
            "may be repeated.",
        ),
        click.option("-p", "--application", "option", type=TEXT, help="The same as APPLICATION."),
        click.argument("application", required=False, type=TEXT),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES)
@click.version_option(VERSION, message="snow-white %(version)s")
def snow_white() -> None:
    """Put the Sidekiq workers of an Elastic Beanstalk application, or of other instances, to sleep, and wake them."""


def _add_action(action: Action) -> None:
    brackets = action.drains
    help_text = action.purpose
    epilog = EXIT_CODES
    if brackets:
        help_text += (
            f"\n\nWith -- COMMAND: run the command if the workers are confirmed {action.result}, and then wake them, "
            "whatever happened."
        )
        epilog += f"\n\n{BRACKET_EXIT_CODES}"

    @snow_white.command(
        action.value,
        cls=_WithCommand if brackets else click.Command,
        help=help_text,
        short_help=action.purpose,
        epilog=epilog,
    )
    @_request_options
    @_access_options
    @click.pass_context
    def command(
        context: click.Context, /, access: Access, application: str | None, option: str | None, **options: Any
    ) -> None:
        if application and option and application != option:
            raise click.UsageError(
                f"Two applications are named: {application!r} and {option!r}. An environment is named with -e."
            )
        named = application or option
        if not (named or options["groups"] or options["tags"]):
            raise click.UsageError(
                "Missing argument 'APPLICATION': the Elastic Beanstalk application. In its place there may be --asg or "
                "--tag."
            )
        context.exit(_start(action, access, context.meta.get(_COMMAND_AFTER), application=named, **options))

    if brackets:
        command.params += [_WAKE_AFTER, _NO_WAKE_IF_FAILED]


_WAKE_AFTER: Final = click.Option(
    ["--wake-after"],
    type=LEASE,
    help="Wake the workers after that time if nobody has done it before: up to 7 days, such as 90m or 2d, and not "
    "shorter than --timeout, which is otherwise that long at the most (default: leave them asleep).",
)
_NO_WAKE_IF_FAILED: Final = click.Option(
    ["--no-wake-if-failed"],
    is_flag=True,
    help="If COMMAND fails, leave the workers asleep, and print the line that wakes them.",
)


def _start(
    action: Action,
    access: Access,
    command: tuple[str, ...] | None,
    *,
    application: str | None,
    groups: tuple[str, ...],
    tags: tuple[str, ...],
    environments: tuple[str, ...],
    instances: tuple[str, ...],
    regions: tuple[str, ...],
    timeout: int | None,
    channel: str | None,
    slack_user: str | None,
    direct_message: bool | None,
    no_wait: bool,
    json_wanted: bool,
    wake_after: int | None = None,
    no_wake_if_failed: bool = False,
) -> int:
    if command and no_wait:
        raise click.UsageError("--no-wait contradicts a command after '--', which waits for the workers.")
    if no_wake_if_failed and not command:
        raise click.UsageError("--no-wake-if-failed needs a command after '--'.")
    if command:
        demand_executable(command)
    given = {
        "action": action.value,
        "application": application,
        "environments": list(environments),
        "auto_scaling_groups": list(groups),
        "tags": {key: list(values) for key, values in read_tag_texts(tags).items()},
        "instances": list(instances),
        "regions": list(regions),
        "timeout_seconds": timeout,
        "wake_after_seconds": wake_after,
        "channel": channel,
        "slack_user": slack_user,
        "direct_message": direct_message,
        "requested_by": access.caller(),
    }
    request = {key: value for key, value in given.items() if value not in (None, [], {})}
    if command:
        return _bracket(access, request, command, json_wanted, wake_if_failed=not no_wake_if_failed)
    session = _run_session().start(access, request, json_wanted=json_wanted)
    return session.leave() if no_wait else session.follow()


def _bracket(
    access: Access,
    request: dict[str, Any],
    command: tuple[str, ...],
    json_wanted: bool,
    *,
    wake_if_failed: bool,
) -> int:
    from snow_white_cli.bracket import Bracket
    from snow_white_cli.signals import Signals
    from snow_white_cli.unbreakable_output import keep_writing

    keep_writing()
    with Signals() as signals:
        return Bracket(access, request, command, json_wanted, wake_if_failed, signals).run()


for _action in Action:
    _add_action(_action)


@snow_white.command(epilog=EXIT_CODES)
@click.argument("run", required=False, type=TEXT)
@_access_options
@click.pass_context
def follow(context: click.Context, /, access: Access, run: str | None, json_wanted: bool) -> None:
    """Follow the run named RUN (default: the newest one) until it ends; `runs` lists the names."""
    sessions = _run_session()
    if run:
        session = sessions.find(access, run, json_wanted=json_wanted)
    else:
        session = sessions.find_newest(access, json_wanted=json_wanted)
    context.exit(session.follow())


@snow_white.command()
@click.option(
    "-n", "--count", type=click.IntRange(1, 100), default=10, show_default=True, help="How many runs to show."
)
@_access_options
def runs(access: Access, count: int, json_wanted: bool) -> None:
    """List the newest runs of all users."""
    from snow_white_cli.aws_errors import AwsError, explain
    from snow_white_cli.showing.layout import output_console
    from snow_white_cli.showing.run_list import print_runs, recent_runs, runs_json

    try:
        found = recent_runs(access.client("stepfunctions"), access.state_machine(), count)
    except AwsError as error:
        raise CommandError(explain(error)) from error
    if json_wanted:
        click.echo(runs_json(found))
    elif found:
        print_runs(output_console(), found, datetime.now(UTC))
    else:
        click.echo("There are no runs yet.")


def _run_session() -> type[RunSession]:
    # Imported here: the help and the check of a command's options need neither boto3 nor rich.
    from snow_white_cli.run_session import RunSession

    return RunSession

"""A command between quiet (or stop) and wake: run only when that is confirmed, and the workers woken in any case."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import click
from rich.console import Console

from snow_white.model.action import Action
from snow_white.model.verdict import Verdict
from snow_white_cli import bracketed_command, interrupt
from snow_white_cli.access import Access
from snow_white_cli.aws_errors import ErrorKind, error_kind
from snow_white_cli.bracketed_command import CannotRun
from snow_white_cli.exit_codes import CommandError, CommandExitCode, ExitCode
from snow_white_cli.follower import LOGIN_TIMEOUT_SECONDS
from snow_white_cli.run_session import RunSession, new_name
from snow_white_cli.runs import Ended
from snow_white_cli.showing.headlines import Headlines
from snow_white_cli.showing.layout import output_console
from snow_white_cli.showing.next_steps import wake_line
from snow_white_cli.showing.output import exit_code, print_end, run_facts
from snow_white_cli.signals import Interrupted, Signals

_OPPOSITE: Final = "OppositeRunUnderWay"
# The errors of a run that ended before anything was sent. After any other end, hosts may have been reached.
_NOTHING_SENT: Final = frozenset({"InvalidRequest", "NothingMatched", _OPPOSITE})
_RETRY_SECONDS: Final = 10.0
# A cancelled script holds its host for some seconds more, in which wake does nothing.
_WAKES_OF_CANCELLED_HOSTS: Final = 3
# Each wake is a message in Slack.
_MAX_PAUSE_SECONDS: Final = 600.0
_PASSING: Final = frozenset({ErrorKind.NETWORK, ErrorKind.TRANSIENT, ErrorKind.CREDENTIALS})


@dataclass
class Bracket:
    """Quiet or stop as in `request`, run `command`, and wake.

    Standard output belongs to the command. With `json_wanted`, standard output gets one JSON object at the end, and the
    command's output goes to standard error, as this program's own always does.
    """

    access: Access
    request: Mapping[str, Any]
    command: tuple[str, ...]
    json_wanted: bool
    wake_if_failed: bool
    signals: Signals
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _quieting: RunSession | None = None
    _wakes_of_cancelled_hosts: int = 0
    _facts: dict[str, Any] = field(default_factory=dict)

    def run(self) -> int:
        """The exit code: the command's own, or one of CommandExitCode.

        Raises:
            CommandError: nothing was started.
        """
        self._messages = Console(stderr=True, highlight=False, soft_wrap=True)
        ended, interrupted = self._quiet()
        confirmed = ended is not None and exit_code(ended) is ExitCode.CONFIRMED
        if confirmed and not interrupted:
            code, was_run = self._run_command()
        else:
            code, was_run = CommandExitCode.NOT_RUN, False
            self._wakes_of_cancelled_hosts = _WAKES_OF_CANCELLED_HOSTS
            self._say(f"NOT run, because the workers are not confirmed {self._result}: {self._command_line}.")
        if not was_run and ended and ended.error in _NOTHING_SENT:
            self._say("Nothing was sent to any worker, so nothing is woken.")
        elif was_run and code and not self.wake_if_failed:
            self._say("The workers are left asleep, as --no-wake-if-failed says.")
            self._say_how_to_wake()
        elif not self._wake() and was_run:
            code = CommandExitCode.NOT_AWAKE
        if self.json_wanted:
            click.echo(json.dumps(self._result_as_json(code), indent=2))
        return code

    def _quiet(self) -> tuple[Ended | None, bool]:
        """How the run ended, None if that is not known; and whether a signal has asked not to run the command."""
        self._quieting = session = self._start(self.request, frozenset({ErrorKind.NETWORK}))
        interrupted, ended = False, None
        try:
            ended = self._watch_until_stopped(session)
            if ended is None:
                interrupted = True
                session.stop()
                with self.signals.raised():
                    ended = session.watch()
        except Interrupted:
            interrupted = True
        except CommandError as error:
            self._say(error.message)
            session.stop()
        self._note(session, ended)
        return ended, interrupted or self.signals.came

    def _watch_until_stopped(self, session: RunSession) -> Ended | None:
        """The run's end; None if it is to be stopped, as a signal or the person says."""
        while True:
            try:
                with self.signals.raised():
                    return session.watch()
            except Interrupted as signal:
                if not (signal.from_keyboard and interrupt.can_ask()):
                    return None
            try:
                with self.signals.raised():
                    if interrupt.ask_before_a_command() is interrupt.Choice.STOP:
                        return None
            except Interrupted:
                return None

    def _run_command(self) -> tuple[int, bool]:
        """The exit code, and whether the command was run."""
        self._say(f"Running: {self._command_line}")
        try:
            code = bracketed_command.run(self.command, self.signals, output_to_stderr=self.json_wanted)
        except CannotRun as error:
            self._say(error.message)
            return error.exit_code, False
        self._facts["command"] = code
        self._say(f"Exit code {code}: {self._command_line}")
        return code, True

    def _wake(self) -> bool:
        """Whether the workers are confirmed awake."""
        self.signals.forget()
        request = {key: value for key, value in self.request.items() if key != "wake_after_seconds"}
        request["action"] = Action.WAKE.value
        session, ended = None, None
        try:
            pauses = self._pauses_between_wakes()
            while True:
                session, ended = self._start(request, _PASSING), None
                with self.signals.raised():
                    ended = session.watch()
                    why = self._what_passes(ended)
                    seconds = next(pauses)
                    if why is None or seconds is None:
                        break
                    self._say(f"{why} Waking again in {seconds:.0f} seconds. Ctrl-C gives up.")
                    self.sleep(seconds)
        except Interrupted:
            if session and not ended:
                session.leave()
        except CommandError as error:
            self._say(error.message)
        self._note(session, ended)
        if ended and exit_code(ended) is ExitCode.CONFIRMED:
            return True
        self._say("The workers are NOT confirmed awake.")
        self._say_how_to_wake()
        return False

    def _what_passes(self, ended: Ended) -> str | None:
        """Why the wake failed, as a sentence, if that passes by itself."""
        counts = ended.report.counts
        if ended.error == _OPPOSITE and self._quieting and self._quieting.name in (ended.cause or ""):
            return "AWS still lists the run that has just ended."
        if counts.get(Verdict.BUSY.value):
            # Never restarted while they do, so that no job is lost.
            return "Workers that were told to be quiet still finish their jobs."
        if counts.get(Verdict.UNCONFIRMED.value) and self._wakes_of_cancelled_hosts:
            self._wakes_of_cancelled_hosts -= 1
            return "The commands of the run that was not confirmed may still be ending on their hosts."
        return None

    def _pauses_between_wakes(self) -> Iterator[float | None]:
        """Growing pauses, for as long as the workers had to finish their jobs; then None."""
        since, pause = self.clock(), _RETRY_SECONDS
        limit = Headlines.of(self.request).request.timeout_seconds
        while self.clock() - since < limit:
            yield pause
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)
        yield None

    def _start(self, request: Mapping[str, Any], retried: frozenset[ErrorKind]) -> RunSession:
        """Start a run, as often as it takes while the errors are of these kinds.

        Raises:
            CommandError: another error, or nobody has logged in again.
            Interrupted: a signal came while it waited.
        """
        name, since, said = new_name(request), self.clock(), False
        while True:
            try:
                return RunSession.start(self.access, request, name=name)
            except CommandError as error:
                cause = error.__cause__
                kind = error_kind(cause) if isinstance(cause, Exception) else ErrorKind.OTHER
                if kind not in retried or (kind is ErrorKind.CREDENTIALS and self._nobody_logs_in(since)):
                    raise
                if not said:
                    self._say(f"{error.message} Trying again until it succeeds. Ctrl-C gives up.")
                    said = True
            if self.access.can_be_renewed:
                self.access.renew()
            with self.signals.raised():
                self.sleep(_RETRY_SECONDS)

    def _nobody_logs_in(self, since: float) -> bool:
        return not self.access.can_be_renewed or self.clock() - since > LOGIN_TIMEOUT_SECONDS

    def _note(self, session: RunSession | None, ended: Ended | None) -> None:
        """Print how a run has ended, and keep it for the JSON."""
        if session is None:
            return
        status = ended.status if ended else "UNKNOWN"
        self._facts[str(session.headlines.request.action)] = run_facts(session.arn, status, ended)
        if ended:
            print_end(output_console(stderr=True), ended, session.headlines, None)

    def _result_as_json(self, code: int) -> dict[str, Any]:
        action = str(self.request["action"])
        return {
            action: self._facts.get(action),
            "command": list(self.command),
            "command_exit_code": self._facts.get("command"),
            "wake": self._facts.get(Action.WAKE.value),
            "exit_code": int(code),
        }

    @property
    def _result(self) -> str:
        return Action(self.request["action"]).result

    @property
    def _command_line(self) -> str:
        return bracketed_command.in_words(self.command)

    def _say_how_to_wake(self) -> None:
        line = wake_line(Headlines.of(self.request).request, self.access.options)
        self._say(f"To wake them: {line}")

    def _say(self, message: str) -> None:
        self._messages.print(message, markup=False)

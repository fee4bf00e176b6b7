"""Ctrl-C asks the user what to do with the run; without a terminal it leaves the run going."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from snow_white_cli import interrupt
from snow_white_cli.follower import Follower
from snow_white_cli.interrupt import Choice
from snow_white_cli.run_session import RunSession
from snow_white_cli.runs import Ended
from snow_white_cli.showing.headlines import Headlines
from tests.snow_white_cli.fake_step_functions import ARN, REPORT, FakeAccess


@pytest.mark.parametrize(
    ("typed", "choice"),
    [
        ("l\n", Choice.LEAVE),
        ("s\n", Choice.STOP),
        ("w\n", Choice.WATCH),
        ("\n", Choice.LEAVE),
        ("", Choice.LEAVE),
    ],
)
def test_the_choice_is_one_of_three_and_leaving_is_the_default(
    typed: str, choice: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert interrupt.ask() is choice


def test_after_an_invalid_choice_the_question_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\ns\n"))
    assert interrupt.ask() is Choice.STOP


def test_without_a_terminal_an_interrupt_leaves_the_run_going(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Follower) -> Ended:
        raise KeyboardInterrupt

    monkeypatch.setattr(Follower, "until_end", interrupted)
    run = RunSession(
        FakeAccess(), ARN, Headlines.of({"action": "quiet", "application": "backups"}), json_wanted=True
    )
    assert run.follow() == 3
    printed = capsys.readouterr()
    assert json.loads(printed.out)["status"] == "RUNNING"
    assert "snow-white follow quiet-backups-1" in printed.err


def test_a_run_that_ended_during_the_question_is_shown_with_its_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends: Iterator[Ended | KeyboardInterrupt] = iter(
        [KeyboardInterrupt(), Ended("SUCCEEDED", None, None, REPORT)]
    )

    def until_end(_: Follower) -> Ended:
        end = next(ends)
        if isinstance(end, Ended):
            return end
        raise end

    monkeypatch.setattr(Follower, "until_end", until_end)
    monkeypatch.setattr(interrupt, "can_ask", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("w\n"))
    run = RunSession(
        FakeAccess(), ARN, Headlines.of({"action": "quiet", "application": "backups"}), json_wanted=False
    )
    assert run.follow() == 0
    assert "The workers of backups are confirmed quiet" in capsys.readouterr().out

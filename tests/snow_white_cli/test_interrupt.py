"""Ctrl-C: the person is asked what shall become of the run, and nobody is asked where nobody is."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from snow_white_cli import interrupt
from snow_white_cli.following import Follower
from snow_white_cli.interrupt import Choice
from snow_white_cli.news import Wording
from snow_white_cli.one_run import OneRun
from snow_white_cli.runs import Ended
from tests.snow_white_cli.fake_machine import ARN, REPORT, FakeAccess


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
def test_the_answer_is_one_of_three_and_leaving_is_what_nothing_means(
    typed: str, choice: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert interrupt.ask() is choice


def test_another_answer_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\ns\n"))
    assert interrupt.ask() is Choice.STOP


def test_without_a_terminal_an_interrupt_leaves_the_run_going(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Follower) -> Ended:
        raise KeyboardInterrupt

    monkeypatch.setattr(Follower, "until_end", interrupted)
    run = OneRun(
        FakeAccess(), ARN, Wording.of({"action": "quiet", "application": "backups"}), json_wanted=True
    )
    assert run.follow() == 3
    said = capsys.readouterr()
    assert json.loads(said.out)["status"] == "RUNNING"
    assert "snow-white follow quiet-backups-1" in said.err


def test_a_run_that_has_ended_while_it_was_asked_is_shown_as_it_ended(
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
    run = OneRun(
        FakeAccess(), ARN, Wording.of({"action": "quiet", "application": "backups"}), json_wanted=False
    )
    assert run.follow() == 0
    assert "The workers of backups are confirmed quiet" in capsys.readouterr().out

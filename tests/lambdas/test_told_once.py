"""A run's news is told once: when a step is retried, when an event is delivered twice, and whoever notices the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from local_aws.slack.server import SlackServer
from runtime.idempotency import InProgress, Limits, Once
from snow_white.model.progress import Progress
from snow_white.model.serialisation import to_json
from tests.lambdas.aws.test_execution_history import entered
from tests.lambdas.idempotency_table import IdempotencyTable
from tests.lambdas.loaded import Context, load
from tests.lambdas.runtime.test_run_end import FAILED
from tests.lambdas.slack.run_notifier import ARN, LATER, messages, run
from tests.lambdas.test_close_run import CONFIRMED_REPORT, NoRegions, close

Json = dict[str, Any]
LIMITS = Limits(work=10, wait=0)
ALL_CALLS = frozenset({"GetItem", "PutItem", "UpdateItem", "DeleteItem"})
ASKED = run(slack_user="U0BEN", direct_message=False, requested_by="pipeline night")


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch, table: IdempotencyTable) -> list[float]:
    """Seconds of the product's sleeps; they pass for the table's records only."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        # botocore sleeps less than a second before it repeats a call.
        if seconds >= 1:
            slept.append(seconds)
            table.pass_time(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    return slept


@pytest.fixture
def table() -> IdempotencyTable:
    return IdempotencyTable()


Loader = Callable[[str], ModuleType]


@pytest.fixture
def copy_of(
    monkeypatch: pytest.MonkeyPatch, server: SlackServer, table: IdempotencyTable, sleeps: list[float]
) -> Loader:
    """Starts a copy of a function, which knows nothing of others but what the table says.

    The copies of one function share a module, and with it the bus of their events.
    """
    loaded: dict[str, ModuleType] = {}

    def start(name: str) -> ModuleType:
        if name not in loaded:
            loaded[name] = load(monkeypatch, server, name, table)
            monkeypatch.setattr(loaded[name], "regions", NoRegions(), raising=False)
        function = loaded[name]
        monkeypatch.setattr(function, "once", Once(table.name, table.client, function.logger))
        return function

    return start


def call(function: ModuleType, step: str, state: Json, *, redrives: int | None = 0) -> Json:
    event: Json = {"step": step, "run": state} | ({} if redrives is None else {"redrives": redrives})
    after: Json = function.handler(event, Context(300))
    return after


def finished(report: Json = CONFIRMED_REPORT) -> Json:
    """The state of a run that is to tell its end."""
    return {**to_json(ASKED), "plan": [], "report": report}


def end(
    function: ModuleType,
    state: Json,
    *,
    status: str = "SUCCEEDED",
    redrives: int = 0,
    stopped: datetime = LATER,
) -> Json:
    return close(function, status, entered("Done", state), stopped=stopped, redrives=redrives)


def replies(server: SlackServer) -> list[Json]:
    return [one for one in messages(server) if one.get("thread_ts")]


def posts(server: SlackServer) -> list[Json]:
    return [one for one in messages(server) if not one.get("thread_ts")]


def mentions(server: SlackServer) -> int:
    return sum("<@U0BEN>" in one["text"] for one in replies(server))


def counted(capsys: pytest.CaptureFixture[str]) -> int:
    """Runs in the metrics that were written."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    return sum(len(line["Runs"]) for line in lines if "Runs" in line)


def fail(*_: Any) -> Json:
    raise KeyError("nothing")


class ProcessEnded(BaseException):
    """Nothing catches it, as nothing runs on when a process is killed."""


def end_process(*_: Any, **__: Any) -> None:
    raise ProcessEnded


@pytest.mark.parametrize("step", ["AnnounceStart", "AnnounceProgress"])
def test_an_announcement_that_is_repeated_posts_once_and_gives_the_same_state(
    copy_of: Loader, server: SlackServer, step: str
) -> None:
    first = call(copy_of("notify_slack"), step, to_json(ASKED))
    again = call(copy_of("notify_slack"), step, to_json(ASKED))
    assert again == first
    assert first["slack"]["posts"]
    assert len(messages(server)) == 1


def test_the_next_progress_is_shown_and_a_repetition_of_it_is_not(
    copy_of: Loader, server: SlackServer
) -> None:
    state = call(copy_of("notify_slack"), "AnnounceStart", to_json(ASKED))
    for finished_jobs in (1, 2):
        state = {**state, "progress": to_json(Progress(finished_jobs, 3))}
        once = call(copy_of("notify_slack"), "AnnounceProgress", state)
        calls = len(server.workspace.recorded()["calls"])
        twice = call(copy_of("notify_slack"), "AnnounceProgress", state)
        assert twice == once
        assert len(server.workspace.recorded()["calls"]) == calls
        assert f"{finished_jobs} of 3" in json.dumps(messages(server)[0])
        state = once


def test_the_same_numbers_at_another_time_are_other_news(copy_of: Loader, table: IdempotencyTable) -> None:
    function = copy_of("notify_slack")
    state = call(function, "AnnounceProgress", to_json(ASKED))
    after = call(function, "AnnounceProgress", state)
    assert after["announced_at"] != state["announced_at"]
    assert len(table.records()) == 2


@pytest.mark.parametrize("report", [CONFIRMED_REPORT, FAILED])
def test_an_end_that_is_told_again_posts_mentions_counts_and_announces_once(
    copy_of: Loader, server: SlackServer, report: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    told = call(copy_of("notify_slack"), "NotifySlack", finished(report))
    again = copy_of("notify_slack")
    assert call(again, "NotifySlack", finished(report)) == told
    assert told["report"]["slack"]["told"] == ["C0LOCAL"]
    assert (len(posts(server)), len(replies(server)), mentions(server)) == (1, 1, 1)
    assert counted(capsys) == 1
    assert len(again.events.entries) == 1


def test_the_table_s_lost_answer_is_no_other_invocation_that_has_to_be_waited_for(
    copy_of: Loader, server: SlackServer, table: IdempotencyTable, sleeps: list[float]
) -> None:
    table.loses_first_answer_of = ALL_CALLS
    told = call(copy_of("notify_slack"), "NotifySlack", finished())
    assert told["report"]["slack"]["told"] == ["C0LOCAL"]
    assert table.calls.count("PutItem") == 4  # two records, twice each
    assert sleeps == []
    assert call(copy_of("notify_slack"), "NotifySlack", finished()) == told
    assert len(replies(server)) == 1


def test_an_end_after_a_redrive_is_told_with_its_own_report(copy_of: Loader, server: SlackServer) -> None:
    function = copy_of("notify_slack")
    call(function, "NotifySlack", finished(FAILED))
    again = call(function, "NotifySlack", finished(CONFIRMED_REPORT), redrives=1)
    assert again["report"]["result"] == "confirmed"
    assert len(replies(server)) == 2


def test_an_execution_of_an_older_state_machine_never_gets_the_report_of_another_end(
    copy_of: Loader, server: SlackServer
) -> None:
    function = copy_of("notify_slack")
    call(function, "NotifySlack", finished(CONFIRMED_REPORT), redrives=None)
    again = call(function, "NotifySlack", finished(FAILED), redrives=None)
    assert again["report"]["result"] == "not_confirmed"


def test_a_function_that_died_after_its_effect_and_is_retried_tells_nothing_again(
    copy_of: Loader,
    server: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The answer was lost: Lambda says so with Runtime.ExitError, and Step Functions retries."""
    call(copy_of("notify_slack"), "NotifySlack", finished())
    retried = call(copy_of("notify_slack"), "NotifySlack", finished())
    assert retried["report"]["slack"]["told"] == ["C0LOCAL"]
    assert len(replies(server)) == 1
    assert counted(capsys) == 1


def test_a_function_that_died_while_slack_was_told_does_not_count_and_announce_again(
    copy_of: Loader,
    server: SlackServer,
    table: IdempotencyTable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dying = copy_of("notify_slack")
    with monkeypatch.context() as patch:
        patch.setattr("snow_white.slack.notifier.Notifier.announce_end", end_process)
        with pytest.raises(ProcessEnded):
            call(dying, "NotifySlack", finished())
    assert (len(dying.events.entries), replies(server)) == (1, [])
    table.pass_time(301)
    closing = copy_of("close_run")
    assert end(closing, finished())["slack"]["told"] == ["C0LOCAL"]
    assert closing.events.entries == []
    assert counted(capsys) == 1
    assert (len(replies(server)), mentions(server)) == (1, 1)


def test_close_run_waits_for_a_notification_that_may_still_end_and_then_tells(
    copy_of: Loader, server: SlackServer, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = copy_of("notify_slack")
    with monkeypatch.context() as patch:
        patch.setattr(dying, "announce_end", end_process)
        with pytest.raises(ProcessEnded):
            dying.handler({"step": "NotifySlack", "run": finished(), "redrives": 0}, Context(100))
    began = time.monotonic()
    assert end(copy_of("close_run"), finished())["slack"]["told"] == ["C0LOCAL"]
    assert sum(sleeps) + time.monotonic() - began >= 98
    assert sum(sleeps) <= 106
    assert len(replies(server)) == 1


def test_close_run_leaves_an_end_to_lambda_s_retry_that_it_cannot_wait_for(
    copy_of: Loader, server: SlackServer, table: IdempotencyTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = copy_of("notify_slack")
    with monkeypatch.context() as patch:
        patch.setattr(dying, "announce_end", end_process)
        with pytest.raises(ProcessEnded):
            call(dying, "NotifySlack", finished())
    with pytest.raises(InProgress, match="end of arn"):
        end(copy_of("close_run"), finished())
    assert messages(server) == []
    table.pass_time(70)
    end(copy_of("close_run"), finished())
    assert len(replies(server)) == 1


@pytest.mark.parametrize("step", ["AnnounceStart", "NotifySlack"])
def test_a_step_waits_half_a_minute_for_a_copy_that_may_have_died_and_then_lets_the_run_go_on(
    copy_of: Loader, sleeps: list[float], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    dying = copy_of("notify_slack")
    with monkeypatch.context() as patch:
        patch.setattr(dying, "announce", end_process)
        patch.setattr(dying, "announce_end", end_process)
        with pytest.raises(ProcessEnded):
            call(dying, step, finished())
    with pytest.raises(InProgress):
        call(copy_of("notify_slack"), step, finished())
    assert sum(sleeps) == 30


def test_an_end_that_two_copies_of_close_run_get_is_told_and_counted_once(
    copy_of: Loader, server: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    done = end(copy_of("close_run"), finished())
    again = copy_of("close_run")
    assert end(again, finished()) == done
    assert len(again.events.entries) == 1
    assert (len(posts(server)), len(replies(server)), mentions(server)) == (1, 1, 1)
    assert counted(capsys) == 1


def test_what_the_run_told_without_being_able_to_say_so_is_not_told_by_close_run(
    copy_of: Loader, server: SlackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    call(copy_of("notify_slack"), "NotifySlack", finished())
    closing = copy_of("close_run")
    done = end(closing, finished())
    assert (done["told"], done["slack"]["told"]) == (False, ["C0LOCAL"])
    assert (len(replies(server)), closing.events.entries, counted(capsys)) == (1, [], 1)


def test_what_close_run_told_is_not_told_by_the_run(copy_of: Loader, server: SlackServer) -> None:
    end(copy_of("close_run"), finished())
    told = call(copy_of("notify_slack"), "NotifySlack", finished())
    assert told["report"]["slack"]["told"] == ["C0LOCAL"]
    assert len(replies(server)) == 1


def test_whom_the_run_could_not_reach_is_told_once_by_close_run(copy_of: Loader, server: SlackServer) -> None:
    server.workspace.fail_next(calls=1_000, answer="error")
    told = call(copy_of("notify_slack"), "NotifySlack", finished())
    assert told["slack"]["unreached"] == ["C0LOCAL"]
    server.workspace.fail_next(calls=0, answer="error")
    for _ in range(2):
        done = end(copy_of("close_run"), finished())
        assert done["slack"]["told"] == ["C0LOCAL"]
    assert len(replies(server)) == 1


@pytest.mark.parametrize("redrives", [[0, 1], [0, 0, 1, 1]])
def test_close_run_tells_each_end_of_a_run_that_is_redriven(
    copy_of: Loader, server: SlackServer, redrives: list[int]
) -> None:
    state = {**to_json(ASKED), "plan": []}
    for redrive in redrives:
        end(
            copy_of("close_run"),
            state,
            status="ABORTED",
            redrives=redrive,
            stopped=LATER + timedelta(minutes=redrive),
        )
    assert len(replies(server)) == 2


@pytest.mark.parametrize("down", [ALL_CALLS, {"PutItem"}, {"UpdateItem"}])
def test_without_the_table_every_step_does_its_work_and_says_why_in_the_log(
    copy_of: Loader,
    server: SlackServer,
    table: IdempotencyTable,
    down: frozenset[str],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table.fails_on = frozenset(down)
    function = copy_of("notify_slack")
    state = call(function, "AnnounceStart", to_json(ASKED))
    told = call(function, "NotifySlack", {**state, "plan": [], "report": CONFIRMED_REPORT})
    assert told["report"]["slack"]["delivered"] is True
    assert (len(posts(server)), len(replies(server)), len(function.events.entries)) == (1, 1, 1)
    warned = [one for one in caplog.records if one.getMessage() == "the idempotency table cannot be used"]
    assert warned
    assert "dynamodb.invalid" in vars(warned[0])["failure"]
    assert counted(capsys) == 1


def test_without_the_table_close_run_tells_and_an_error_is_the_error_of_the_work(
    copy_of: Loader, server: SlackServer, table: IdempotencyTable
) -> None:
    table.fails_on = ALL_CALLS
    end(copy_of("close_run"), finished())
    assert len(replies(server)) == 1
    with pytest.raises(KeyError, match="nothing"):
        copy_of("notify_slack").once.do({"execution": ARN, "work": "end"}, fail, LIMITS)


def test_a_table_that_was_deleted_fails_nothing(
    copy_of: Loader, server: SlackServer, table: IdempotencyTable
) -> None:
    table.client.delete_table(TableName=table.name)
    call(copy_of("notify_slack"), "NotifySlack", finished())
    assert len(replies(server)) == 1


def test_a_deployment_without_a_table_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, server: SlackServer, caplog: pytest.LogCaptureFixture
) -> None:
    call(load(monkeypatch, server, "notify_slack"), "NotifySlack", finished())
    assert len(replies(server)) == 1
    assert any("IDEMPOTENCY_TABLE" in str(vars(one).get("failure")) for one in caplog.records)


def test_work_that_fails_leaves_no_record_so_that_it_is_done_again(
    copy_of: Loader, server: SlackServer, table: IdempotencyTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = copy_of("notify_slack")
    with monkeypatch.context() as patch:
        patch.setattr(function, "announce_end", fail)
        with pytest.raises(KeyError, match="nothing"):
            call(function, "NotifySlack", finished())
    assert table.records() == []
    end(copy_of("close_run"), finished())
    assert len(replies(server)) == 1


def test_a_record_is_kept_for_a_day(copy_of: Loader, table: IdempotencyTable) -> None:
    call(copy_of("notify_slack"), "NotifySlack", finished())
    for record in table.records():
        assert 86_390 <= int(record["expiration"]["N"]) - time.time() <= 86_400

"""A drain that takes long: who is still busy, and with how many jobs, is asked and told."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from snow_white.model.action import Action
from snow_white.model.run import Outcome, Run
from snow_white.model.stragglers import Straggler, Stragglers
from tests.lambdas.fake_cloud import START, FakeCloud, FakeCommand, FakeRegion, client_error
from tests.lambdas.fake_hosts import Answer, FakeInstance
from tests.lambdas.story import Story, request

LONG = Answer(after=1_200)


@pytest.fixture
def cloud() -> FakeCloud:
    cloud = FakeCloud()
    for region in cloud.regions.values():
        region.add_environment("shop", "shop-workers", instances=20)
    return cloud


def drain_long(cloud: FakeCloud, count: int, *, jobs: int = 3) -> list[FakeInstance]:
    slow = list(cloud["us-east-1"].instances.values())[:count]
    for number, instance in enumerate(slow):
        instance.answers = [LONG, Answer()]
        instance.jobs = jobs + number
    return slow


def questions(cloud: FakeCloud) -> list[FakeCommand]:
    return [
        c for r in cloud.regions.values() for c in r.commands if c.document.endswith("StatusSidekiqWorkers")
    ]


def last_known(story: Story) -> Stragglers:
    """What was known just before the run's last turn."""
    end: Run = story.end()
    return end.stragglers


def test_those_who_take_long_are_named_with_their_jobs_the_busiest_first(cloud: FakeCloud) -> None:
    slow = drain_long(cloud, 3)
    story = Story(cloud, request())
    stragglers = last_known(story)
    assert stragglers.listed == tuple(
        Straggler("us-east-1", "shop-workers", slow[number].id, 3 + number) for number in (2, 1, 0)
    )
    assert stragglers.more == 0
    assert Outcome.PROGRESS in story.outcomes


def test_no_more_than_ten_are_listed_and_the_others_are_counted(cloud: FakeCloud) -> None:
    drain_long(cloud, 14)
    stragglers = last_known(Story(cloud, request()))
    assert len(stragglers.listed) == 10
    assert stragglers.more == 4


def test_no_more_than_one_command_asks_in_a_region(cloud: FakeCloud) -> None:
    for one in cloud["us-east-1"].add_environment("shop", "shop-workers-b", instances=70):
        one.answers = [LONG, Answer()]
    Story(cloud, request()).end()
    asked = [len(question.answers) for question in questions(cloud)]
    assert asked
    assert max(asked) == 50


def test_a_short_drain_asks_nobody(cloud: FakeCloud) -> None:
    assert last_known(Story(cloud, request())) == Stragglers()
    assert not questions(cloud)


def test_asking_comes_back_every_few_minutes_and_not_at_every_poll(cloud: FakeCloud) -> None:
    drain_long(cloud, 1)
    Story(cloud, request()).end()
    times = [question.sent_at for question in questions(cloud)]
    assert 2 <= len(times) <= 5
    assert all((later - earlier).total_seconds() >= 300 for earlier, later in pairwise(times))


def test_asking_changes_nothing_about_the_verdict(cloud: FakeCloud) -> None:
    drain_long(cloud, 5)
    report = Story(cloud, request()).report()
    assert report["result"] == "confirmed"
    assert report["counts"] == {"quiet": 40}


def test_a_host_that_does_not_answer_is_said_to_be_silent(cloud: FakeCloud) -> None:
    (slow,) = drain_long(cloud, 1)
    slow.silent = True
    stragglers = last_known(Story(cloud, request()))
    assert [(one.instance, one.jobs) for one in stragglers.listed] == [(slow.id, None)]


def test_a_region_that_refuses_to_be_asked_fails_nothing(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    drain_long(cloud, 2)
    region = cloud["us-east-1"]
    send = region.send_command

    def refuse_questions(**given: object) -> object:
        if "Status" in str(given["DocumentName"]):
            raise client_error("AccessDeniedException", "not authorized", 400)
        return send(**given)

    monkeypatch.setattr(region, "send_command", refuse_questions)
    end = Story(cloud, request()).end()
    assert end.report is not None
    assert end.report.confirmed
    assert end.stragglers.listed == ()


def test_a_status_is_asked_again_and_not_asked_for(cloud: FakeCloud) -> None:
    drain_long(cloud, 1)
    commands = Story(cloud, request(Action.STATUS)).end().commands
    sent = [command.id for region in cloud.regions.values() for command in region.commands]
    assert sorted(sent) == sorted(one for ids in commands.values() for one in ids)


def minutes(cloud: FakeCloud) -> float:
    return (cloud.clock.now - START).total_seconds() / 60


def add_dead_hosts(cloud: FakeCloud, count: int) -> list[FakeInstance]:
    """Hosts with agents that read as online, and that no command reaches."""
    dead = cloud["us-east-1"].add_environment("shop", "shop-workers-b", instances=count)
    for one in dead:
        one.loses = 100
        one.silent = True
    return dead


def show_rows(
    region: FakeRegion,
    monkeypatch: pytest.MonkeyPatch,
    shown: Callable[[FakeCommand, list[dict[str, Any]]], list[dict[str, Any]]],
) -> None:
    """From now on the lists show only these rows of each command."""
    list_all = region.list_command_invocations

    def list_shown(**given: Any) -> dict[str, Any]:
        rows = list_all(**given)["CommandInvocations"]
        command = next(one for one in region.commands if one.id == given["CommandId"])
        return {"CommandInvocations": shown(command, rows)}

    monkeypatch.setattr(region, "list_command_invocations", list_shown)


@pytest.mark.parametrize("shown_at_first", [0, 1])
def test_rows_that_are_not_shown_yet_are_waited_for(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, shown_at_first: int
) -> None:
    _, one_lost = drain_long(cloud, 2)
    one_lost.loses = 1
    region = cloud["us-east-1"]

    def shown(command: FakeCommand, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lags = (cloud.clock.now - command.sent_at).total_seconds() < 4
        return rows[:shown_at_first] if lags else rows

    show_rows(region, monkeypatch, shown)
    Story(cloud, request()).end()
    sent = [
        one for one in region.commands if one.answers.keys() & {one_lost.id} and one not in questions(cloud)
    ]
    assert (sent[1].sent_at - START).total_seconds() < 180


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("count", [1, 60])
def test_no_run_waits_for_agents_that_read_as_online_and_answer_nothing(
    cloud: FakeCloud, action: Action, count: int
) -> None:
    add_dead_hosts(cloud, count)
    report = Story(cloud, request(action)).report()
    assert report["counts"]["unreachable"] == count
    assert sum(report["counts"].values()) == 40 + count
    assert minutes(cloud) < 25


def test_who_is_not_shown_among_those_asked_counts_as_silent_as_before(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dead_hosts(cloud, 2)

    def shown(command: FakeCommand, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return rows[:1] if command in questions(cloud)[1:] else rows

    show_rows(cloud["us-east-1"], monkeypatch, shown)
    assert Story(cloud, request()).report()["counts"]["unreachable"] == 2
    assert minutes(cloud) < 15


def test_a_region_that_cannot_be_read_leaves_its_silent_hosts_as_they_are_known(cloud: FakeCloud) -> None:
    add_dead_hosts(cloud, 1)
    region = cloud["us-east-1"]

    def meanwhile(_turn: int) -> None:
        # While the second question would be answered.
        region.down = client_error("ThrottlingException", "", 400) if 7.3 < minutes(cloud) < 9.5 else None

    assert Story(cloud, request(), meanwhile=meanwhile).report()["counts"]["unreachable"] == 1
    assert minutes(cloud) < 15


def test_a_host_that_answers_its_command_after_all_counts_as_silent_no_more(cloud: FakeCloud) -> None:
    (slow,) = drain_long(cloud, 1)
    (other,) = add_dead_hosts(cloud, 1)
    slow.answers = [Answer(after=400), Answer()]
    slow.silent = True
    known: list[set[str]] = []
    Story(cloud, request(), polled=lambda run: known.append({*run.stragglers.unanswered})).end()
    assert {slow.id, other.id} in known
    assert {other.id} in known[known.index({slow.id, other.id}) :]

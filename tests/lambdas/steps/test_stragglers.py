"""A drain that takes long: who is still busy, and with how many jobs, is asked and told."""

from __future__ import annotations

from itertools import pairwise

import pytest

from snow_white.model.action import Action
from snow_white.model.run import Outcome, Run
from snow_white.model.stragglers import Straggler, Stragglers
from tests.lambdas.fake_cloud import FakeCloud, FakeCommand, client_error
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

"""What Slack is told: the real slack_sdk over HTTP against a Slack server of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from local_aws.slack.server import TOKEN, SlackServer
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import Environment, RegionPlan
from snow_white.model.run import Execution, Progress, Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.model.slack_state import Requester
from snow_white.requester.caller import Caller
from snow_white.requester.requester import Directory
from snow_white.slack.client import Slack, slack_client
from snow_white.slack.notifier import Notifier
from snow_white.slack.time_limit import TimeLimit
from tests.lambdas.fake_cloud import START, client_error
from tests.lambdas.story import request

ARN = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1"
LATER = START + timedelta(seconds=90)
CONFIRMED: dict[str, Any] = {
    "result": "confirmed",
    "error": None,
    "cause": None,
    "action": "quiet",
    "application": "shop",
    "environments": ["shop-workers"],
    "regions": ["us-east-1"],
    "instances": 3,
    "counts": {"quiet": 3},
    "problems": [],
    "more_problems": 0,
    "duration_seconds": 90,
}
PROBLEM = {
    "region": "us-east-1",
    "environment": "shop-workers",
    "instance": "i-0abc",
    "verdict": "busy",
    "reason": "jobs <run> & run",
    "processes": [{"pid": 42, "tag": "shop", "busy": 2, "state": "quieting"}],
}


@dataclass(frozen=True)
class FakeIam:
    """Users by name, each with tags; everybody else does not exist."""

    users: dict[str, dict[str, str]]

    def get_paginator(self, name: str) -> FakeIam:
        assert name == "list_user_tags"
        return self

    def paginate(self, **asked: str) -> list[dict[str, Any]]:
        if asked["UserName"] not in self.users:
            raise client_error("NoSuchEntity", "The user cannot be found.", 404)
        return [{"Tags": [{"Key": k, "Value": v} for k, v in self.users[asked["UserName"]].items()]}]


@pytest.fixture
def server() -> Iterator[SlackServer]:
    server = SlackServer()
    server.start()
    yield server
    server.stop()


FOREVER = TimeLimit()
NOT_SHOWN = (None, "CloudTrail does not show (yet) who started this execution.")


@dataclass(frozen=True)
class Telling:
    """A notifier of the functions' kind, made anew for each of a run's steps, as the functions do."""

    slack: Slack
    channel: str = "C0LOCAL"
    found: tuple[Caller | None, str | None] = (None, None)

    def notifier(self) -> Notifier:
        iam: Any = FakeIam({"ann": {"slack_userid": "U0ANN"}, "bob": {}})
        directory = Directory(iam, "111122223333", "slack_userid", self.slack.member_by_email)
        return Notifier(self.slack, directory, self.channel, lambda _execution: self.found)

    def announce(self, run: Run, now: datetime) -> Run:
        return self.notifier().announce(run, now)

    def end(self, state: dict[str, Any]) -> dict[str, Any]:
        notifier = self.notifier()
        ended = from_json(state, EndedRun)
        assert ended.report is not None
        told = notifier.announce_end(ended, ended.report, notifier.find_requester(ended))
        return to_json(told)


def teller(
    server: SlackServer,
    *,
    channel: str = "C0LOCAL",
    token: str = TOKEN,
    found: tuple[Caller | None, str | None] = (None, None),
    time_limit: TimeLimit = FOREVER,
) -> Telling:
    return Telling(Slack(slack_client(token, server.url, time_limit), time_limit=time_limit), channel, found)


def run(**changes: Any) -> Run:
    plan = (RegionPlan("us-east-1", (Environment("shop-workers", "e-1"),), 3),)
    asked = request(Action.QUIET, regions=("us-east-1",), **changes)
    return Run(Execution(ARN, "night-1", START), asked, plan, progress=Progress(0, 3))


def at_end(run: Run, report: dict[str, Any]) -> dict[str, Any]:
    return {**to_json(run), "report": report}


def messages(server: SlackServer) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = server.workspace.recorded()["messages"]
    return recorded


def shown(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False)


def test_one_message_is_posted_edited_and_answered(server: SlackServer) -> None:
    started = teller(server).announce(run(), START)
    on_its_way = teller(server).announce(replace(started, progress=Progress(2, 3)), LATER)
    ended = teller(server).end(at_end(on_its_way, CONFIRMED))
    first, reply = messages(server)
    assert first["channel"] == reply["channel"] == "C0LOCAL"
    assert reply["thread_ts"] == first["ts"]
    assert "2 of 3" in shown(first["edits"])
    assert "confirmed quiet" in first["text"]
    assert ended["report"]["slack"] == {"delivered": True, "told": ["C0LOCAL"], "not_told": []}


def test_the_channel_of_the_request_goes_before_the_one_of_the_settings(server: SlackServer) -> None:
    server.workspace.add_channel(id="C0NIGHT", name="night")
    teller(server).announce(run(channel="C0NIGHT"), START)
    assert [one["channel"] for one in messages(server)] == ["C0NIGHT"]


def test_the_person_who_asked_is_found_by_the_users_tag_and_mentioned_in_the_thread(
    server: SlackServer,
) -> None:
    started = teller(server).announce(run(requested_by="ann"), START)
    ended = teller(server).end(at_end(started, CONFIRMED))
    assert ended["report"]["slack"]["told"] == ["C0LOCAL"]
    (reply,) = [one for one in messages(server) if one.get("thread_ts")]
    assert "<@U0ANN>" in reply["text"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"requested_by": "ann", "direct_message": True}, ["C0LOCAL", "U0ANN"]),
        ({"slack_user": "U0ANN"}, ["C0LOCAL", "U0ANN"]),
        ({"slack_user": "U0ANN", "direct_message": False}, ["C0LOCAL"]),
        ({"requested_by": "ann"}, ["C0LOCAL"]),
        ({"direct_message": True}, ["C0LOCAL"]),
    ],
)
def test_the_person_is_told_directly_when_that_is_asked_for(
    server: SlackServer, asked: dict[str, Any], told: list[str]
) -> None:
    started = teller(server).announce(run(**asked), START)
    assert teller(server).end(at_end(started, CONFIRMED))["report"]["slack"]["told"] == told


@pytest.mark.parametrize("name", ["ann", "arn:aws:iam::111122223333:user/ops/ann"])
def test_a_user_may_be_named_by_name_or_by_arn(server: SlackServer, name: str) -> None:
    started = teller(server, channel="").announce(run(requested_by=name), START)
    assert started.slack.requester is not None
    assert started.slack.requester.member == "U0ANN"


def test_the_person_alone_is_told_when_there_is_no_channel(server: SlackServer) -> None:
    started = teller(server, channel="").announce(run(slack_user="U0BEN"), START)
    ended = teller(server, channel="").end(at_end(started, CONFIRMED))
    assert ended["report"]["slack"] == {"delivered": True, "told": ["U0BEN"], "not_told": []}
    assert all(one["channel"].startswith("D") for one in messages(server))


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("bob", "bob has no tag slack_userid"),
        ("eve", "eve could not be read"),
        ("arn:aws:sts::1:assumed-role/Admin/eve@example.com", "Nobody in Slack has the address eve@"),
        ("arn:aws:iam::999999999999:user/ann", "ann is of another account, 999999999999"),
    ],
)
def test_a_person_who_is_not_found_is_said_and_the_channel_told(
    server: SlackServer, who: str, said: str
) -> None:
    started = teller(server).announce(run(requested_by=who), START)
    slack = teller(server).end(at_end(started, CONFIRMED))["report"]["slack"]
    assert slack["told"] == ["C0LOCAL"]
    assert said in slack["not_told"][0]


@pytest.mark.parametrize("member", [{}, {"slack_user": "U0BEN"}])
def test_a_user_of_another_account_is_not_taken_for_the_one_of_that_name_here(
    server: SlackServer, member: dict[str, str]
) -> None:
    foreign = run(requested_by="arn:aws:iam::999999999999:user/ann", direct_message=False, **member)
    started = teller(server).announce(foreign, START)
    assert started.slack.requester is not None
    assert started.slack.requester.name == "ann (account 999999999999)"
    assert started.slack.requester is not None
    assert started.slack.requester.member == member.get("slack_user")


def test_every_problem_is_shown_with_its_place_and_reason(server: SlackServer) -> None:
    failed = {
        **CONFIRMED,
        "result": "not_confirmed",
        "error": "NotConfirmed",
        "cause": "2 of 3 instances are confirmed quiet. Not confirmed: shop-workers i-0abc (us-east-1)",
        "counts": {"quiet": 2, "busy": 1},
        "problems": [PROBLEM],
    }
    teller(server).end(at_end(run(), failed))
    first, reply = messages(server)
    assert "NOT confirmed quiet" in first["text"]
    assert "`i-0abc` shop-workers, us-east-1: jobs &lt;run&gt; &amp; run [process 42 shop: 2 jobs]" in shown(
        first
    )
    assert "What to do: its jobs go on and nothing was killed." in shown(first)
    assert "i-0abc" in reply["text"]


def test_slack_being_down_fails_nothing_and_is_said(server: SlackServer) -> None:
    server.workspace.fail_next(calls=100, answer="error")
    started = teller(server).announce(run(), START)
    ended = teller(server).end(at_end(started, CONFIRMED))
    slack = ended["report"]["slack"]
    assert ended["report"]["result"] == "confirmed"
    assert (slack["delivered"], slack["told"]) == (False, [])
    assert "C0LOCAL" in slack["not_told"][0]


def test_a_message_that_could_not_be_posted_at_the_start_is_posted_at_the_end(server: SlackServer) -> None:
    server.workspace.fail_next(calls=3, answer="error")
    started = teller(server).announce(run(), START)
    assert started.slack.posts == ()
    ended = teller(server).end(at_end(started, CONFIRMED))
    assert ended["report"]["slack"]["delivered"] is True


def test_a_rate_limit_is_waited_out(server: SlackServer) -> None:
    server.workspace.fail_next(calls=1, answer="rate_limited", retry_after=1)
    assert teller(server).announce(run(), START).slack.posts


def test_a_wrong_token_and_an_unknown_channel_are_said_in_slacks_words(server: SlackServer) -> None:
    ended = teller(server, token="xoxb-wrong").end(at_end(run(), CONFIRMED))
    assert "invalid_auth" in ended["report"]["slack"]["not_told"][0]
    ended = teller(server, channel="C0NOWHERE").end(at_end(run(), CONFIRMED))
    assert "channel_not_found" in ended["report"]["slack"]["not_told"][0]


def test_without_a_token_nobody_is_told_and_that_is_said() -> None:
    silent = Telling(Slack(None, "Nobody was told: no token."))
    started = silent.announce(run(), START)
    slack = silent.end(at_end(started, CONFIRMED))["report"]["slack"]
    assert slack == {"delivered": False, "told": [], "not_told": ["Nobody was told: no token."]}


def test_without_a_channel_or_a_person_that_is_said(server: SlackServer) -> None:
    slack = teller(server, channel="").end(at_end(run(), CONFIRMED))["report"]["slack"]
    assert slack["delivered"] is False
    assert "No channel is set" in slack["not_told"][0]


def test_a_member_is_found_by_the_e_mail_address_that_is_a_sessions_name(server: SlackServer) -> None:
    server.workspace.add_person("U0JO", "jo@example.com", "Jo")
    role = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Deploy_0123456789abcdef/jo@example.com"
    started = teller(server).announce(run(requested_by=role), START)
    assert started.slack.requester == Requester("jo@example.com (Deploy)", "U0JO", None)
    teller(server).end(at_end(started, CONFIRMED))
    first, reply = messages(server)
    assert "<@U0JO> (jo@example.com (Deploy))" in shown(first)
    assert reply["text"].startswith("<@U0JO> ")


def test_a_run_that_names_nobody_is_looked_up_at_its_end(server: SlackServer) -> None:
    by_ann = (Caller("ann", user="ann"), None)
    started = teller(server, found=by_ann).announce(run(), START)
    assert started.slack.requester is not None
    assert started.slack.requester.member is None
    teller(server, found=by_ann).end(at_end(started, CONFIRMED))
    first, reply = messages(server)
    assert "*Asked by*\\n<@U0ANN> (ann)" in shown(first["attachments"])
    assert reply["text"].startswith("<@U0ANN> ")


def test_somebody_whom_the_request_names_is_not_looked_up_again(server: SlackServer) -> None:
    other = (Caller("bob", user="bob"), None)
    started = teller(server, found=other).announce(run(requested_by="pipeline night"), START)
    teller(server, found=other).end(at_end(started, CONFIRMED))
    assert "the pipeline night" in shown(messages(server)[0]["attachments"])


def test_who_cannot_be_found_anywhere_is_said_and_the_channel_is_told(server: SlackServer) -> None:
    unknown = teller(server, found=NOT_SHOWN)
    ended = unknown.end(at_end(unknown.announce(run(), START), CONFIRMED))
    assert ended["report"]["slack"] == {"delivered": True, "told": ["C0LOCAL"], "not_told": [NOT_SHOWN[1]]}


def test_looking_for_a_member_waits_out_a_rate_limit(server: SlackServer) -> None:
    server.workspace.add_person("U0JO", "jo@example.com")
    server.workspace.fail_next(calls=1, answer="rate_limited", retry_after=1, method="users.lookupByEmail")
    started = teller(server).announce(run(requested_by="Admin/jo@example.com"), START)
    assert started.slack.requester is not None
    assert started.slack.requester.member == "U0JO"


def test_slack_being_down_while_looking_for_a_member_is_said_and_the_channel_told(
    server: SlackServer,
) -> None:
    server.workspace.fail_next(calls=9, answer="down", method="users.lookupByEmail")
    started = teller(server).announce(run(requested_by="Admin/jo@example.com"), START)
    slack = teller(server).end(at_end(started, CONFIRMED))["report"]["slack"]
    assert slack["told"] == ["C0LOCAL"]
    assert "could not be asked for jo@example.com" in slack["not_told"][0]

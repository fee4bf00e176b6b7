"""The notifier with the real slack_sdk, over HTTP, against the local Slack server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local_aws.slack.server import SlackServer
from snow_white.model.progress import Progress
from snow_white.model.slack_state import Requester
from snow_white.requester.caller import Caller
from snow_white.slack.client import Slack
from tests.lambdas.fake_cloud import START
from tests.lambdas.slack.run_notifier import (
    CONFIRMED,
    LATER,
    PROBLEM,
    RunNotifier,
    at_end,
    messages,
    notifier_on,
    run,
    shown,
)

NO_EVENT = (None, "CloudTrail has no event yet that shows who started this execution.")


def test_one_message_is_posted_then_edited_and_gets_a_reply(server: SlackServer) -> None:
    started = notifier_on(server).announce(run(), START)
    in_progress = notifier_on(server).announce(replace(started, progress=Progress(2, 3)), LATER)
    ended = notifier_on(server).end(at_end(in_progress, CONFIRMED))
    first, reply = messages(server)
    assert first["channel"] == reply["channel"] == "C0LOCAL"
    assert reply["thread_ts"] == first["ts"]
    assert "2 of 3" in shown(first["edits"])
    assert first["text"] == "✅ shop: 3 workers quiet (1 min)"
    assert first["blocks"][0]["text"]["text"] == first["text"]
    assert ended["report"]["slack"] == {"delivered": True, "told": ["C0LOCAL"], "not_told": []}


def test_the_request_s_channel_overrides_the_settings(server: SlackServer) -> None:
    server.workspace.add_channel(id="C0NIGHT", name="night")
    notifier_on(server).announce(run(channel="C0NIGHT"), START)
    assert [one["channel"] for one in messages(server)] == ["C0NIGHT"]


def test_the_requester_is_found_by_the_iam_user_s_tag_and_mentioned_in_the_thread(
    server: SlackServer,
) -> None:
    started = notifier_on(server).announce(run(requested_by="ann"), START)
    ended = notifier_on(server).end(at_end(started, CONFIRMED))
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
def test_the_requester_gets_a_direct_message_if_the_request_wants_one(
    server: SlackServer, asked: dict[str, Any], told: list[str]
) -> None:
    started = notifier_on(server).announce(run(**asked), START)
    assert notifier_on(server).end(at_end(started, CONFIRMED))["report"]["slack"]["told"] == told


@pytest.mark.parametrize("name", ["ann", "arn:aws:iam::111122223333:user/ops/ann"])
def test_requested_by_is_the_name_or_the_arn_of_an_iam_user(server: SlackServer, name: str) -> None:
    started = notifier_on(server, channel="").announce(run(requested_by=name), START)
    assert started.slack.requester is not None
    assert started.slack.requester.member == "U0ANN"


def test_without_a_channel_only_the_requester_is_notified(server: SlackServer) -> None:
    started = notifier_on(server, channel="").announce(run(slack_user="U0BEN"), START)
    ended = notifier_on(server, channel="").end(at_end(started, CONFIRMED))
    assert ended["report"]["slack"] == {"delivered": True, "told": ["U0BEN"], "not_told": []}
    assert all(one["channel"].startswith("D") for one in messages(server))


@pytest.mark.parametrize(
    ("requested_by", "reason"),
    [
        ("bob", "bob has no tag slack_userid"),
        ("eve", "eve could not be read"),
        ("arn:aws:sts::1:assumed-role/Admin/eve@example.com", "No Slack member has the address eve@"),
        ("arn:aws:iam::999999999999:user/ann", "ann is in another account, 999999999999"),
    ],
)
def test_the_report_says_why_a_requester_is_not_found_and_the_channel_is_notified(
    server: SlackServer, requested_by: str, reason: str
) -> None:
    started = notifier_on(server).announce(run(requested_by=requested_by), START)
    slack = notifier_on(server).end(at_end(started, CONFIRMED))["report"]["slack"]
    assert slack["told"] == ["C0LOCAL"]
    assert reason in slack["not_told"][0]


@pytest.mark.parametrize("member", [{}, {"slack_user": "U0BEN"}])
def test_an_iam_user_of_another_account_is_not_looked_up_in_this_account(
    server: SlackServer, member: dict[str, str]
) -> None:
    foreign = run(requested_by="arn:aws:iam::999999999999:user/ann", direct_message=False, **member)
    started = notifier_on(server).announce(foreign, START)
    assert started.slack.requester is not None
    assert started.slack.requester.name == "ann (account 999999999999)"
    assert started.slack.requester is not None
    assert started.slack.requester.member == member.get("slack_user")


def test_every_problem_is_shown_with_its_place_and_jobs(server: SlackServer) -> None:
    failed = {
        **CONFIRMED,
        "result": "not_confirmed",
        "error": "NotConfirmed",
        "cause": "2 of 3 instances are confirmed quiet. Not confirmed: shop-workers i-0abc (us-east-1)",
        "counts": {"quiet": 2, "busy": 1},
        "problems": [PROBLEM],
    }
    notifier_on(server).end(at_end(run(), failed))
    first, _ = messages(server)
    assert first["text"] == "❌ shop: 2 of 3 quiet, 1 still busy"
    assert "```workers i-0abc 2```" in shown(first)
    assert "Jobs are still running; none was killed." in shown(first)


def test_the_reply_is_one_sentence_with_the_mention(server: SlackServer) -> None:
    failed = {
        **CONFIRMED,
        "result": "not_confirmed",
        "error": "NotConfirmed",
        "cause": "2 of 3.",
        "counts": {"quiet": 2, "busy": 1},
    }
    notifier_on(server).end(at_end(run(slack_user="U0ANN", direct_message=False), failed))
    _, reply = messages(server)
    assert reply["text"] == "<@U0ANN> ❌ shop: 2 of 3 quiet, 1 still busy"


def test_a_run_is_confirmed_although_slack_is_down_and_the_report_says_so(server: SlackServer) -> None:
    server.workspace.fail_next(calls=100, answer="error")
    started = notifier_on(server).announce(run(), START)
    ended = notifier_on(server).end(at_end(started, CONFIRMED))
    slack = ended["report"]["slack"]
    assert ended["report"]["result"] == "confirmed"
    assert (slack["delivered"], slack["told"]) == (False, [])
    assert "C0LOCAL" in slack["not_told"][0]


def test_a_message_that_could_not_be_posted_at_the_start_is_posted_at_the_end(server: SlackServer) -> None:
    server.workspace.fail_next(calls=3, answer="error")
    started = notifier_on(server).announce(run(), START)
    assert started.slack.posts == ()
    ended = notifier_on(server).end(at_end(started, CONFIRMED))
    assert ended["report"]["slack"]["delivered"] is True


def test_a_short_rate_limit_is_waited_for(server: SlackServer) -> None:
    server.workspace.fail_next(calls=1, answer="rate_limited", retry_after=1)
    assert notifier_on(server).announce(run(), START).slack.posts


def test_the_report_has_slack_s_error_for_a_wrong_token_and_an_unknown_channel(server: SlackServer) -> None:
    ended = notifier_on(server, token="xoxb-wrong").end(at_end(run(), CONFIRMED))
    assert "invalid_auth" in ended["report"]["slack"]["not_told"][0]
    ended = notifier_on(server, channel="C0NOWHERE").end(at_end(run(), CONFIRMED))
    assert "channel_not_found" in ended["report"]["slack"]["not_told"][0]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"requested_by": "ann"}, ["U0ANN"]),
        ({"requested_by": "ann", "direct_message": False}, ["C0LOCAL"]),
        ({"requested_by": "pipeline night"}, ["C0LOCAL"]),
        ({"slack_user": "U0ANN"}, ["U0ANN"]),
    ],
)
def test_the_end_is_told_elsewhere_if_slack_refuses_the_request_s_channel(
    server: SlackServer, asked: dict[str, Any], told: list[str]
) -> None:
    started = notifier_on(server).announce(run(channel="C0NOWHERE", **asked), START)
    slack = notifier_on(server).end(at_end(started, CONFIRMED))["report"]["slack"]
    assert (slack["delivered"], slack["told"]) == (False, told)
    assert "C0NOWHERE: channel_not_found" in slack["not_told"][0]
    (reply,) = [one for one in messages(server) if one.get("thread_ts")]
    assert reply["channel"] == "C0LOCAL" or reply["channel"].startswith("D")


def test_nobody_is_told_elsewhere_while_slack_is_down(server: SlackServer) -> None:
    server.workspace.fail_next(calls=3, answer="error", method="chat.postMessage")
    asked = run(channel="C0NOWHERE", requested_by="ann")
    slack = notifier_on(server).end(at_end(asked, CONFIRMED))["report"]["slack"]
    assert slack["told"] == []
    assert messages(server) == []


def test_without_a_token_nobody_is_notified_and_the_report_says_why() -> None:
    without_token = RunNotifier(Slack(None, "Slack was not notified: no token."))
    started = without_token.announce(run(), START)
    slack = without_token.end(at_end(started, CONFIRMED))["report"]["slack"]
    assert slack == {"delivered": False, "told": [], "not_told": ["Slack was not notified: no token."]}


def test_without_a_channel_and_a_requester_the_report_says_so(server: SlackServer) -> None:
    slack = notifier_on(server, channel="").end(at_end(run(), CONFIRMED))["report"]["slack"]
    assert slack["delivered"] is False
    assert "No channel is set" in slack["not_told"][0]


def test_the_requester_is_found_by_the_e_mail_address_in_a_session_s_name(server: SlackServer) -> None:
    server.workspace.add_person("U0JO", "jo@example.com", "Jo")
    role = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Deploy_0123456789abcdef/jo@example.com"
    started = notifier_on(server).announce(run(requested_by=role), START)
    assert started.slack.requester == Requester("jo@example.com (Deploy)", "U0JO", None)
    notifier_on(server).end(at_end(started, CONFIRMED))
    first, reply = messages(server)
    assert "<@U0JO> (jo@example.com (Deploy))" in shown(first)
    assert reply["text"].startswith("<@U0JO> ")


def test_a_requester_whom_the_request_does_not_name_is_looked_up_at_the_end(server: SlackServer) -> None:
    by_ann = (Caller("ann", user="ann"), None)
    started = notifier_on(server, found=by_ann).announce(run(), START)
    assert started.slack.requester is not None
    assert started.slack.requester.member is None
    notifier_on(server, found=by_ann).end(at_end(started, CONFIRMED))
    first, reply = messages(server)
    assert "*Asked by*\\n<@U0ANN> (ann)" in shown(first["attachments"])
    assert reply["text"].startswith("<@U0ANN> ")


def test_a_requester_whom_the_request_names_is_not_looked_up_in_cloudtrail(server: SlackServer) -> None:
    other = (Caller("bob", user="bob"), None)
    started = notifier_on(server, found=other).announce(run(requested_by="pipeline night"), START)
    notifier_on(server, found=other).end(at_end(started, CONFIRMED))
    assert "the pipeline night" in shown(messages(server)[0]["attachments"])


def test_the_report_says_why_cloudtrail_names_no_requester_and_the_channel_is_notified(
    server: SlackServer,
) -> None:
    unknown = notifier_on(server, found=NO_EVENT)
    ended = unknown.end(at_end(unknown.announce(run(), START), CONFIRMED))
    assert ended["report"]["slack"] == {"delivered": True, "told": ["C0LOCAL"], "not_told": [NO_EVENT[1]]}


def test_looking_up_a_member_waits_for_a_short_rate_limit(server: SlackServer) -> None:
    server.workspace.add_person("U0JO", "jo@example.com")
    server.workspace.fail_next(calls=1, answer="rate_limited", retry_after=1, method="users.lookupByEmail")
    started = notifier_on(server).announce(run(requested_by="Admin/jo@example.com"), START)
    assert started.slack.requester is not None
    assert started.slack.requester.member == "U0JO"


def test_a_failed_member_look_up_is_reported_and_the_channel_is_notified(
    server: SlackServer,
) -> None:
    server.workspace.fail_next(calls=9, answer="down", method="users.lookupByEmail")
    started = notifier_on(server).announce(run(requested_by="Admin/jo@example.com"), START)
    slack = notifier_on(server).end(at_end(started, CONFIRMED))["report"]["slack"]
    assert slack["told"] == ["C0LOCAL"]
    assert "could not be reached to look up jo@example.com" in slack["not_told"][0]

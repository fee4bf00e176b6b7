"""Invalid requests, requests that are silent, and messages that were deleted: what the notifier posts then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local_aws.slack.server import SlackServer
from snow_white.model.action import Action
from tests.lambdas.fake_cloud import START
from tests.lambdas.slack.run_notifier import ARN, CONFIRMED, at_end, messages, notifier_on, run, shown


def ended(server: SlackServer, request: dict[str, Any]) -> dict[str, Any]:
    """The end of a run with an invalid request."""
    execution = {"arn": ARN, "name": "night-1", "started_at": START.isoformat()}
    nothing = {**CONFIRMED, "instances": 0, "counts": {}}
    report = {**nothing, "result": "not_confirmed", "error": "InvalidRequest", "cause": "It is wrong."}
    told: dict[str, Any] = notifier_on(server).end(
        {"request": request, "execution": execution, "report": report}
    )
    return told


@pytest.mark.parametrize(
    "member", ["U1> <!channel", "C0OTHER", "U" * 5_000, "u0ann", ["U0ANN"], {"id": "U0ANN"}]
)
def test_an_invalid_member_id_is_neither_mentioned_nor_posted_to(server: SlackServer, member: Any) -> None:
    server.workspace.add_channel(id="C0OTHER", name="other")
    report = ended(server, {"slack_user": member})["report"]
    assert report["slack"]["told"] == []
    assert "the requester is not known in Slack" in report["slack"]["not_told"][0]
    assert messages(server) == []


@pytest.mark.parametrize(
    "asked", [{}, {"channel": "C0LOCAL"}, {"requested_by": "pipeline night"}, {"requested_by": "bob"}]
)
def test_wrong_input_does_not_go_to_the_channel_if_nobody_is_known(
    server: SlackServer, asked: dict[str, Any]
) -> None:
    assert ended(server, asked)["report"]["slack"]["told"] == []
    assert messages(server) == []


@pytest.mark.parametrize("asked", [{"requested_by": "ann"}, {"slack_user": "U0ANN", "direct_message": False}])
def test_wrong_input_goes_to_the_channel_with_a_mention_of_the_person_who_is_known(
    server: SlackServer, asked: dict[str, Any]
) -> None:
    assert ended(server, asked)["report"]["slack"]["told"] == ["C0LOCAL"]
    first, reply = messages(server)
    assert first["text"] == "❌ shop: wrong input: It is wrong."
    assert reply["text"] == "<@U0ANN> ❌ shop: wrong input: It is wrong."
    assert "None" not in shown(first)


STATUS = {**CONFIRMED, "action": "status", "counts": {"reported": 3}}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, []),
        ({"requested_by": "ann"}, []),
        ({"slack_user": "U0ANN"}, []),
        ({"channel": "C0LOCAL"}, ["C0LOCAL"]),
        ({"requested_by": "ann", "direct_message": True}, ["U0ANN"]),
    ],
)
def test_a_status_is_silent_unless_it_names_a_channel_or_wants_a_direct_message(
    server: SlackServer, asked: dict[str, Any], told: list[str]
) -> None:
    status = replace(run(**asked), request=replace(run(**asked).request, action=Action.STATUS))
    started = notifier_on(server).announce(status, START)
    slack = notifier_on(server).end(at_end(started, STATUS))["report"]["slack"]
    assert (slack["told"], slack["not_told"]) == (told, [])
    assert len(messages(server)) == 2 * len(told)


def test_a_deleted_message_is_posted_again_and_the_requester_mentioned(
    server: SlackServer,
) -> None:
    started = notifier_on(server).announce(run(requested_by="ann"), START)
    server.workspace.fail_next(calls=3, answer="error", method="chat.update")
    slack = notifier_on(server).end(at_end(started, CONFIRMED))["report"]["slack"]
    assert (slack["delivered"], slack["told"]) == (True, ["C0LOCAL"])
    old, new, reply = messages(server)
    assert "3 workers quiet" in new["text"]
    assert reply["thread_ts"] == new["ts"] != old["ts"]
    assert "<@U0ANN>" in reply["text"]


def test_a_requester_in_a_direct_conversation_with_the_app_is_notified_there_once(
    server: SlackServer,
) -> None:
    server.workspace.add_channel(id="D0ANN", name="ann")
    started = notifier_on(server).announce(run(channel="D0ANN", slack_user="U0ANN"), START)
    assert [post.to for post in started.slack.posts] == ["D0ANN"]

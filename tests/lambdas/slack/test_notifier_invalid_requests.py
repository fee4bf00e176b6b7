"""Invalid requests, and messages that were deleted: what the notifier posts then."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.slack.server import SlackServer
from tests.lambdas.fake_cloud import START
from tests.lambdas.slack.run_notifier import ARN, CONFIRMED, at_end, messages, notifier_on, run, shown


def ended(server: SlackServer, request: dict[str, Any]) -> dict[str, Any]:
    """The end of a run with an invalid request."""
    execution = {"arn": ARN, "name": "night-1", "started_at": START.isoformat()}
    report = {**CONFIRMED, "result": "not_confirmed", "error": "InvalidRequest", "cause": "It is wrong."}
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
    assert report["slack"]["told"] == ["C0LOCAL"]
    assert {one["channel"] for one in messages(server)} == {"C0LOCAL"}
    assert "<!channel" not in shown(messages(server)[0]) + shown(messages(server)[1])


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

"""Who may start a run, and what is told to a person whose request cannot be carried out."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.workflow.shop import Shop, ended


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"action": "quiet"}, "'application' is missing"),
        ({"action": "quiet", "aplication": "shop"}, "Did you mean 'application'?"),
        ({"action": "quiet", "application": ["shop"]}, "'application' must be a text"),
        (
            {"action": "quiet", "application": "shop", "timeout_seconds": 59},
            "1h30m or 48h, not 59",
        ),
        ({"action": "quiet", "application": "shop", "regions": "mars-1"}, "deployed in us-east-1, eu-west-1"),
        (["quiet", "shop"], "must be a JSON object"),
        ("quiet", "must be a JSON object"),
    ],
)
def test_a_bad_request_fails_with_a_sentence_and_nothing_is_sent(shop: Shop, asked: Any, said: str) -> None:
    execution = shop.start(asked)
    end = ended(execution)
    assert (end.status, end.error) == ("FAILED", "InvalidRequest")
    assert said in str(end.cause)
    assert (end.output["error"], end.output["result"]) == ("InvalidRequest", "not_confirmed")
    assert not execution.has_left("DispatchCommand")
    assert not execution.has_left("AnnounceStart")


def test_somebody_without_the_invoke_policy_cannot_start_a_run(shop: Shop) -> None:
    eve = shop.aws.create_user(f"eve-{secrets.token_hex(4)}")
    with pytest.raises(ClientError, match="AccessDenied"):
        shop.start({"action": "status", "application": shop.name}, eve)


def test_the_invoke_policy_lets_nobody_touch_the_instances_directly(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    ssm = shop.aws.client("ssm", credentials=shop.ann)
    with pytest.raises(ClientError, match="AccessDenied"):
        ssm.send_command(
            DocumentName="SnowWhite-StopSidekiqWorkers",
            InstanceIds=shop.instances(f"{shop.name}-workers"),
            Parameters={"executionTimeout": ["60"]},
        )

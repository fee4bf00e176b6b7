"""Valid requests, and the messages for invalid ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.model.action import Action
from snow_white.model.request import Defaults, InvalidRequest, Request
from snow_white.model.serialisation import from_json, to_json

DEFAULTS = Defaults(regions=("us-east-1", "eu-west-1"), environments=("workers",))
SHORTEST = {"action": "quiet", "application": "backups"}


def parse(raw: object) -> Request:
    return Request.parse(raw, DEFAULTS)


def refusal(raw: object) -> str:
    with pytest.raises(InvalidRequest) as caught:
        parse(raw)
    return str(caught.value)


def test_action_and_application_are_enough_and_the_settings_fill_in_the_rest() -> None:
    request = parse(SHORTEST)
    assert request.action is Action.QUIET
    assert request.application == "backups"
    assert request.environments == ("workers",)
    assert request.regions == ("us-east-1", "eu-west-1")
    assert request.timeout_seconds == 7200
    assert (request.channel, request.slack_user, request.requested_by) == (None, None, None)


def test_a_request_may_have_every_key() -> None:
    request = parse(
        {
            "action": "wake",
            "application": "backups",
            "environments": ["workers", "blue-*"],
            "regions": "eu-west-1",
            "timeout_seconds": 172800,
            "channel": "#deploys",
            "slack_user": "U024BE7LH",
            "requested_by": "ann",
        }
    )
    assert request == Request(
        action=Action.WAKE,
        application="backups",
        environments=("workers", "blue-*"),
        regions=("eu-west-1",),
        timeout_seconds=172800,
        channel="#deploys",
        slack_user="U024BE7LH",
        requested_by="ann",
        environments_named=True,
        regions_named=True,
    )


@pytest.mark.parametrize("lease", [5400, "5400", "90m", "1h30m", 5400.0])
@pytest.mark.parametrize("action", ["quiet", "stop"])
def test_a_lease_is_seconds_or_a_duration(action: str, lease: object) -> None:
    request = parse({**SHORTEST, "action": action, "wake_after_seconds": lease, "timeout_seconds": "1h"})
    assert request.wake_after_seconds == 5_400
    assert request.timeout_seconds == 3_600


def test_without_a_timeout_the_workers_have_as_long_as_the_lease() -> None:
    assert parse({**SHORTEST, "wake_after_seconds": "90m"}).timeout_seconds == 5_400
    assert parse({**SHORTEST, "wake_after_seconds": "3h"}).timeout_seconds == 7_200


def test_a_wake_may_be_for_the_workers_of_one_run() -> None:
    request = parse({"action": "wake", "application": "backups", "only_asleep_by": "1764000000 quiet-ann"})
    assert request.only_asleep_by == "1764000000 quiet-ann"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"wake_after_seconds": "30m", "timeout_seconds": "1h"},
            "must not be shorter than 'timeout_seconds' (3600)",
        ),
        ({"wake_after_seconds": 59}, "'wake_after_seconds' must be 60 seconds to 7 days"),
        ({"wake_after_seconds": "8d"}, "'wake_after_seconds' must be 60 seconds to 7 days"),
        ({"wake_after_seconds": True}, "'wake_after_seconds' must be 60 seconds to 7 days"),
        ({"wake_after_seconds": "soon"}, "not 'soon'"),
        ({"action": "wake", "wake_after_seconds": "1h"}, "is for quiet and stop only, not for wake"),
        ({"action": "status", "wake_after_seconds": "1h"}, "is for quiet and stop only, not for status"),
        ({"only_asleep_by": "1764000000 quiet-ann"}, "'only_asleep_by' is for wake only, not for quiet"),
        ({"action": "wake", "only_asleep_by": "quiet-ann"}, "must be a run as hosts remember it"),
        ({"action": "wake", "only_asleep_by": "1 $(reboot)"}, "must be a run as hosts remember it"),
        ({"action": "wake", "only_asleep_by": 7}, "must be a run as hosts remember it"),
    ],
)
def test_a_lease_that_makes_no_sense_is_refused_with_a_sentence(more: dict[str, Any], message: str) -> None:
    assert message in refusal({**SHORTEST, **more})


@pytest.mark.parametrize("action", ["quiet", "stop", "wake", "status"])
def test_the_four_actions_are_known(action: str) -> None:
    assert parse({**SHORTEST, "action": action}).action.value == action


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "must be a JSON object"),
        ("quiet", "it is a text"),
        (None, "it is null"),
        (True, "it is a boolean"),
        (7, "it is a number"),
        ({}, "'action' is missing: it must be one of quiet, stop, wake, status."),
        ({"action": "quiet"}, "'application' is missing"),
        ({**SHORTEST, "action": "quite"}, "'action' must be one of quiet, stop, wake, status, not 'quite'."),
        ({**SHORTEST, "action": "QUIET"}, "'action' must be one of"),
        ({**SHORTEST, "action": ["quiet"]}, "'action' must be one of"),
        ({**SHORTEST, "application": ""}, "'application' must be a text"),
        ({**SHORTEST, "application": 7}, "'application' must be a text"),
        ({**SHORTEST, "application": "a\nb"}, "printable"),
        ({**SHORTEST, "enviroments": "workers"}, "Did you mean 'environments'?"),
        ({**SHORTEST, "force": True}, "'force' is not a known key. Allowed are action, application,"),
        ({**SHORTEST, "environments": []}, "'environments' must be a text or a list of 1 to 50 texts"),
        ({**SHORTEST, "environments": ["workers", 3]}, "'environments' must be"),
        ({**SHORTEST, "environments": {"a": "b"}}, "'environments' must be"),
        (
            {**SHORTEST, "regions": ["us-esat-1"]},
            "'us-esat-1', but Snow White is deployed in us-east-1, eu-west-1",
        ),
        (
            {**SHORTEST, "timeout_seconds": 59},
            "60 seconds to 2 days (172800 seconds), such as 90, 30m, ",
        ),
        ({**SHORTEST, "timeout_seconds": 172801}, "or 48h, not 172801."),
        ({**SHORTEST, "timeout_seconds": "2 hours"}, "'timeout_seconds' must be 60 seconds"),
        ({**SHORTEST, "timeout_seconds": True}, "'timeout_seconds' must be 60 seconds"),
        ({**SHORTEST, "timeout_seconds": 90.5}, "'timeout_seconds' must be 60 seconds"),
        ({**SHORTEST, "slack_user": "ann"}, "'slack_user' must be a Slack member id"),
        ({**SHORTEST, "channel": 5}, "'channel' must be a text"),
        ({**SHORTEST, "requested_by": ""}, "'requested_by' must be a text"),
    ],
)
def test_an_invalid_request_is_explained(raw: object, message: str) -> None:
    assert message in refusal(raw)


@pytest.mark.parametrize(
    "key", ["environments", "regions", "timeout_seconds", "channel", "slack_user", "requested_by"]
)
def test_null_counts_as_left_out(key: str) -> None:
    assert parse({**SHORTEST, key: None}) == parse(SHORTEST)


def test_the_message_has_every_error() -> None:
    message = refusal({"action": "sleep", "aplication": "shop", "timeout_seconds": 1})
    assert "'action' must be one of" in message
    assert "'aplication' is not a known key. Did you mean 'application'?" in message
    assert "'application' is missing" in message
    assert "'timeout_seconds' must be" in message


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(refusal({**SHORTEST, "action": "x" * 100_000})) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.one_of(
        json_values,
        st.fixed_dictionaries(
            {
                "action": st.sampled_from(["quiet", "wake", "sleep"]),
                "application": st.text(min_size=1, max_size=9),
            },
            optional={
                "environments": st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=3),
                "timeout_seconds": st.integers(0, 200_000),
                "channel": json_values,
            },
        ),
    )
)
def test_any_json_is_accepted_or_refused_with_a_message(raw: Any) -> None:
    try:
        request = parse(raw)
    except InvalidRequest as refused:
        assert str(refused).endswith(".")
    else:
        assert 60 <= request.timeout_seconds <= 172_800
        assert request.application


@given(st.integers(60, 172_800), st.sampled_from(Action))
def test_a_request_is_unchanged_after_serialisation(timeout: int, action: Action) -> None:
    request = parse({"action": action.value, "application": "shop", "timeout_seconds": timeout})
    assert from_json(json.loads(json.dumps(to_json(request))), Request) == request


def test_the_message_for_thousands_of_unknown_keys_is_short() -> None:
    message = refusal({f"key{number}": 1 for number in range(2_000)})
    assert len(message) < 3_000
    assert message.endswith("more errors.")

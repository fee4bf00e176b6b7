"""Which requests are accepted as coming from Slack; every other request is refused with an HTTP status."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import Clock

from local_aws.slack.commands import SIGNING_SECRET, form, signed
from snow_white.slash.signature import MAX_BYTES, Refused, SignedRequest

NOW = 1_800_000_000
BODY = form("quiet backups", "U0ANN", "C0COMMANDS")


class StoppedClock(Clock):
    def now(self) -> float:
        return NOW


def event(
    body: str = BODY, headers: dict[str, str] | None = None, *, encoded: bool = True, method: str = "POST"
) -> dict[str, Any]:
    """The event of a function URL, which encodes forms and writes header names in lower case."""
    given = signed(body, at=NOW) if headers is None else headers
    return {
        "version": "2.0",
        "headers": {name.lower(): value for name, value in given.items()},
        "requestContext": {"http": {"method": method, "path": "/"}},
        "body": base64.b64encode(body.encode()).decode() if encoded else body,
        "isBase64Encoded": encoded,
    }


def accepted(given: dict[str, Any], secret: str = SIGNING_SECRET) -> SignedRequest:
    request = SignedRequest.read(given, StoppedClock())
    request.verify(secret, StoppedClock())
    return request


def status_of(given: dict[str, Any], secret: str = SIGNING_SECRET) -> int:
    with pytest.raises(Refused) as caught:
        accepted(given, secret)
    return caught.value.status


@pytest.mark.parametrize("encoded", [True, False])
def test_a_request_that_slack_signed_is_accepted_encoded_or_not(encoded: bool) -> None:
    assert accepted(event(encoded=encoded)).body == BODY


def test_a_signed_body_may_have_letters_of_every_language() -> None:
    body = form("quiet größe-東京 🦆", "U0ANN", "C0COMMANDS")
    assert accepted(event(body)).body == body
    assert accepted(event("text=東京")).body == "text=東京"


def test_a_request_signed_with_another_secret_is_refused() -> None:
    assert status_of(event(headers=signed(BODY, "another secret", NOW))) == 401


def test_a_body_other_than_the_signed_one_is_refused() -> None:
    other = BODY.replace("backups", "payroll")
    assert other != BODY
    assert status_of(event(other, signed(BODY, at=NOW))) == 401


def test_a_time_other_than_the_signed_one_is_refused() -> None:
    headers = {**signed(BODY, at=NOW - 10_000), "X-Slack-Request-Timestamp": str(NOW)}
    assert status_of(event(headers=headers)) == 401


@pytest.mark.parametrize("away", [-301, 301, -86_400])
def test_a_request_signed_more_than_five_minutes_from_now_is_stale(away: int) -> None:
    assert status_of(event(headers=signed(BODY, at=NOW + away))) == 401


@pytest.mark.parametrize("away", [-300, 300])
def test_a_request_signed_up_to_five_minutes_from_now_is_fresh(away: int) -> None:
    assert accepted(event(headers=signed(BODY, at=NOW + away)))


@pytest.mark.parametrize("missing", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
def test_a_request_without_a_header_is_refused(missing: str) -> None:
    headers = signed(BODY, at=NOW)
    del headers[missing]
    assert status_of(event(headers=headers)) == 401


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Slack-Request-Timestamp", "soon"),
        ("X-Slack-Request-Timestamp", ""),
        ("X-Slack-Request-Timestamp", f"{NOW}.5"),
        ("X-Slack-Request-Timestamp", f"-{NOW}"),
        ("X-Slack-Request-Timestamp", "١٨٠٠٠٠٠٠٠٠"),
        ("X-Slack-Request-Timestamp", "9" * 5_000),
        ("X-Slack-Request-Timestamp", f"{NOW},{NOW}"),
        ("X-Slack-Signature", ""),
        ("X-Slack-Signature", "v0="),
        ("X-Slack-Signature", "v0=" + "é" * 64),
        ("X-Slack-Signature", "v1=" + "0" * 64),
        ("X-Slack-Signature", "v0=" + "0" * 64),
        ("X-Slack-Signature", "v0=" + "0" * 63 + "\n"),
    ],
)
def test_a_malformed_header_is_refused_and_raises_nothing_else(header: str, value: str) -> None:
    assert status_of(event(headers={**signed(BODY, at=NOW), header: value})) == 401


def test_a_signature_in_another_spelling_is_refused_so_that_a_replay_has_no_second_name() -> None:
    headers = signed(BODY, at=NOW)
    headers["X-Slack-Signature"] = headers["X-Slack-Signature"].upper()
    assert status_of(event(headers=headers)) == 401


@pytest.mark.parametrize("encoded", [True, False])
def test_a_body_that_is_too_long_is_refused_even_with_a_right_signature(encoded: bool) -> None:
    fits, too_long = "a" * MAX_BYTES, "a" * (MAX_BYTES + 1)
    assert accepted(event(fits, encoded=encoded)).body == fits
    assert status_of(event(too_long, encoded=encoded)) == 413
    assert status_of(event("é" * (MAX_BYTES // 2 + 1), encoded=encoded)) == 413


@pytest.mark.parametrize("body", ["a", "====", "YQ==YQ==", "not base64!", "/w==", "é"])
def test_a_body_that_is_not_base64_or_not_text_is_refused(body: str) -> None:
    given = {**event(), "body": body, "isBase64Encoded": True}
    assert status_of(given) == 400


def test_an_incomplete_utf_8_character_is_not_text() -> None:
    assert status_of({**event(), "body": "\ud800", "isBase64Encoded": False}) == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "post", ""])
def test_only_post_is_accepted(method: str) -> None:
    assert status_of(event(method=method)) == 405


@pytest.mark.parametrize("given", [{}, {"requestContext": None}, {"requestContext": {"http": 7}}])
def test_an_event_that_is_not_an_http_request_is_refused(given: dict[str, Any]) -> None:
    assert status_of(given) == 405


def test_an_event_without_body_or_headers_is_refused() -> None:
    given = event()
    assert status_of({"requestContext": given["requestContext"]}) == 401
    assert status_of({**given, "headers": None}) == 401
    assert status_of({**given, "body": {"a": 1}}) == 400


def test_a_replay_has_the_same_name_and_every_other_request_a_different_one() -> None:
    first = accepted(event())
    again = accepted(event(encoded=False))
    later = accepted(event(headers=signed(BODY, at=NOW + 1)))
    other = accepted(event(form("quiet backups", "U0ANN", "C0COMMANDS")))
    assert first.name == again.name
    assert len({first.name, later.name, other.name}) == 3


def test_the_name_is_valid_for_step_functions_and_does_not_reveal_the_signature() -> None:
    name = accepted(event()).name
    assert len(name) <= 80
    assert name.replace("-", "").isalnum()
    assert signed(BODY, at=NOW)["X-Slack-Signature"].removeprefix("v0=")[:8] not in name


@given(
    body=st.text(max_size=200),
    timestamp=st.text(max_size=20) | st.integers(NOW - 400, NOW + 400).map(str),
    signature=st.text(max_size=80) | st.from_regex(r"v0=[0-9a-f]{64}", fullmatch=True),
    encoded=st.booleans(),
)
def test_any_request_without_the_secret_is_refused_and_raises_nothing_else(
    body: str, timestamp: str, signature: str, encoded: bool
) -> None:
    headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}
    given = {**event("", headers, encoded=False), "body": body, "isBase64Encoded": encoded}
    assert status_of(given) in (400, 401, 413)

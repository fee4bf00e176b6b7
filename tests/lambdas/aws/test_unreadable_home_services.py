"""What a proxy answers in the place of a service of the home region fails no run; asked of real botocore clients."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.awsrequest import AWSResponse

from runtime.other_runs import _other_runs
from snow_white.model.report import Report
from snow_white.reporting.event import publish
from snow_white.requester.caller import read_caller
from snow_white.requester.cloudtrail import find_caller
from snow_white.requester.requester import Directory
from tests.lambdas.aws.test_unreadable_answers import BROKEN_HTML, HTML, Raw
from tests.lambdas.steps.test_opposite_run import RUN

XML_WITHOUT_CONTENT = b'<a xmlns="x"/>'
PAGES = pytest.mark.parametrize("body", [HTML, BROKEN_HTML, b"", b"{", b"[]", XML_WITHOUT_CONTENT])


def answering(service: Any, body: bytes) -> Any:
    """A client whose calls are all answered with this, and status 200."""
    given: Any = {}
    client = boto3.Session("id", "secret", region_name="us-east-1").client(service)
    client.meta.events.register(
        "before-send", lambda **_: AWSResponse("https://proxy.example", 200, given, Raw(body))
    )
    return client


@PAGES
def test_other_runs_are_then_unknown(body: bytes) -> None:
    assert _other_runs(RUN.execution, answering("stepfunctions", body), Logger(service="test")) == []


@PAGES
def test_the_event_of_the_end_is_then_said_not_to_be_sent(body: bytes) -> None:
    failure = publish(answering("events", body), Report(), RUN.execution)
    assert failure is not None
    assert "event about the run's end" in failure


@PAGES
def test_the_tags_of_a_user_are_then_unknown(body: bytes) -> None:
    directory = Directory(answering("iam", body), "111122223333", "slack", lambda _email: (None, "nobody"))
    ann = read_caller("arn:aws:iam::111122223333:user/ann")
    assert ann is not None
    found = directory.of_caller(ann)
    assert found.member is None
    assert found.why_unknown


@PAGES
def test_who_started_the_run_is_then_unknown(body: bytes) -> None:
    caller, why = find_caller(answering("cloudtrail", body), RUN.execution)
    assert caller is None
    assert why

"""Finding in CloudTrail who started an execution, within a few seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from snow_white.model.run import Execution
from snow_white.requester import cloudtrail
from snow_white.requester.caller import Caller
from snow_white.requester.cloudtrail import find_caller, find_stopper
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START, client_error, network_error

ARN = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1"
EXECUTION = Execution(ARN, "night-1", START)
ANN = {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "userName": "ann"}


def event(arn: str | None = ARN, identity: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    answer = {"executionArn": arn} if arn else None
    record = {
        "userIdentity": identity or ANN,
        "responseElements": answer,
        "sourceIPAddress": "192.0.2.1",
        **more,
    }
    return {"CloudTrailEvent": json.dumps(record)}


@dataclass
class FakeCloudTrail(FakeClient, services=("cloudtrail",)):
    """Answers with pages of events, or with an error at the first call."""

    pages: list[list[dict[str, Any]]]
    error: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def lookup_events(self, **request: Any) -> dict[str, Any]:
        self.asked.append(dict(request))
        if self.error:
            raise self.error
        number = int(request.get("NextToken", 0))
        more = {"NextToken": str(number + 1)} if number + 1 < len(self.pages) else {}
        return {"Events": self.pages[number], **more}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def found(trail: FakeCloudTrail, **more: Any) -> tuple[Caller | None, str | None]:
    return find_caller(trail, EXECUTION, **more)  # type: ignore[arg-type]


def test_the_event_is_recognised_by_the_execution_s_arn() -> None:
    other = event(
        "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-2", {"arn": "arn:aws:iam::1:root"}
    )
    assert found(FakeCloudTrail([[other, event(None), event()]])) == (
        Caller("ann", user="ann", account="111122223333"),
        None,
    )


def test_only_start_execution_events_near_the_start_are_requested() -> None:
    trail = FakeCloudTrail([[event()]])
    found(trail)
    (asked,) = trail.asked
    assert asked["LookupAttributes"] == [{"AttributeKey": "EventName", "AttributeValue": "StartExecution"}]
    assert START - asked["StartTime"] == asked["EndTime"] - START == timedelta(minutes=2)


def test_fewer_than_two_pages_per_second_are_read(no_pause: list[float]) -> None:
    trail = FakeCloudTrail([[], [], [event()]])
    assert found(trail)[0] == Caller("ann", user="ann", account="111122223333")
    assert len(no_pause) == 2
    assert min(no_pause) > 0.5


def test_it_gives_up_after_a_few_seconds() -> None:
    trail = FakeCloudTrail([[] for _ in range(1_000)])
    seconds = iter(range(1_000))
    caller, why = found(trail, clock=lambda: float(next(seconds)))
    assert caller is None
    assert "has no event yet" in str(why)
    assert len(trail.asked) < 8


def test_a_missing_event_is_explained() -> None:
    why = "CloudTrail has no event yet that shows who started this execution."
    assert found(FakeCloudTrail([[]])) == (None, why)


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException", "Rate exceeded", 400),
        client_error("AccessDenied", "No", 403),
        network_error(),
    ],
)
def test_an_error_of_cloudtrail_is_not_retried_and_is_explained(error: Exception) -> None:
    trail = FakeCloudTrail([[]], error)
    caller, why = found(trail)
    assert caller is None
    assert "could not be searched" in str(why)
    assert len(trail.asked) == 1


def test_the_client_waits_at_most_five_seconds_and_does_not_retry() -> None:
    given = cloudtrail.SHORT_TIMEOUT_WITHOUT_RETRY.__dict__
    assert given["connect_timeout"] + given["read_timeout"] <= 5
    assert given["retries"]["total_max_attempts"] == 1


@pytest.mark.parametrize("where", ["invokedBy", "sourceIPAddress"])
def test_a_pipeline_is_recognised(where: str) -> None:
    role = "arn:aws:sts::111122223333:assumed-role/shop-pipeline/1700000000123"
    identity = {"type": "AssumedRole", "arn": role}
    service = "codepipeline.amazonaws.com"
    told = (
        event(identity={**identity, "invokedBy": service})
        if where == "invokedBy"
        else event(identity=identity, sourceIPAddress=service)
    )
    assert found(FakeCloudTrail([[told]]))[0] == Caller("a pipeline with the role shop-pipeline")


def test_a_caller_in_the_console_is_a_person() -> None:
    told = event(identity={**ANN, "invokedBy": "AWS Internal"})
    assert found(FakeCloudTrail([[told]]))[0] == Caller("ann", user="ann", account="111122223333")


STOPPED_AT = START + timedelta(hours=1)


def stop(arn: str = ARN, **more: Any) -> dict[str, Any]:
    return event(None, requestParameters={"executionArn": arn}, **more)


def stopper(trail: FakeCloudTrail) -> Caller | None:
    return find_stopper(trail, EXECUTION, STOPPED_AT)  # type: ignore[arg-type]


def test_who_stopped_an_execution_is_found_by_its_arn_near_its_end() -> None:
    bob = {**ANN, "arn": "arn:aws:iam::111122223333:user/bob"}
    refused = stop(identity=bob, errorCode="AccessDenied")
    trail = FakeCloudTrail([[stop(ARN.replace("night-1", "night-2"), identity=bob), refused, stop()]])
    assert stopper(trail) == Caller("ann", user="ann", account="111122223333")
    (asked,) = trail.asked
    assert asked["LookupAttributes"] == [{"AttributeKey": "EventName", "AttributeValue": "StopExecution"}]
    assert STOPPED_AT - asked["StartTime"] == asked["EndTime"] - STOPPED_AT == timedelta(minutes=2)


@pytest.mark.parametrize("error", [None, client_error("AccessDenied", "No", 403), network_error()])
def test_who_stopped_an_execution_stays_unknown_without_an_event(error: Exception | None) -> None:
    assert stopper(FakeCloudTrail([[]], error)) is None

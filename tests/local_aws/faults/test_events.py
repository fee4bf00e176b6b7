"""EventBridge loses events, or delivers them twice, as it may on AWS."""

from __future__ import annotations

import json
import uuid

import pytest

from local_aws import LocalAws
from local_aws.faults.client import FaultSwitches
from local_aws.faults.rules import Delivery, EventFault
from tests.patience import eventually

REGION = "eu-west-1"


class Source:
    """Events of a source that is only this test's, and a queue that gets them."""

    def __init__(self, aws: LocalAws) -> None:
        self.name = f"test.{uuid.uuid4().hex[:8]}"
        self._events, self._queue = aws.client("events", REGION), aws.client("sqs", REGION)
        self._url = self._queue.create_queue(QueueName=f"queue-{self.name[5:]}")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{aws.account}:queue-{self.name[5:]}"
        self._events.put_rule(Name=self.name, EventPattern=json.dumps({"source": [self.name]}))
        self._events.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": arn}])
        self._come: list[tuple[str, str]] = []

    def put(self, mark: str) -> str:
        """Put an event; returns its id."""
        entry = {"Source": self.name, "DetailType": "Test", "Detail": json.dumps({"mark": mark})}
        return str(self._events.put_events(Entries=[entry])["Entries"][0]["EventId"])

    def come(self) -> list[tuple[str, str]]:
        """Mark and id of each event that has come."""
        messages = self._queue.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
        for event in (json.loads(message["Body"]) for message in messages):
            self._come.append((event["detail"]["mark"], event["id"]))
        return self._come


@pytest.mark.parametrize(("delivery", "times"), [("lost", 0), ("twice", 2)])
def test_an_event_comes_as_often_as_a_fault_says_and_the_next_one_once(
    aws: LocalAws, faults: FaultSwitches, delivery: Delivery, times: int
) -> None:
    source = Source(aws)
    faults.add(EventFault(source=source.name, delivery=delivery, mentions="this"))
    other, this, again, last = (source.put(mark) for mark in ("other", "this", "this", "last"))

    eventually(lambda: ("last", last) in source.come(), "the last one has come")
    expected = [("other", other), *[("this", this)] * times, ("this", again), ("last", last)]
    assert sorted(source.come()) == sorted(expected)
    assert faults.happened() == [{"source": source.name}]


def test_there_is_no_other_delivery() -> None:
    with pytest.raises(ValueError, match="There is no delivery 'late', only lost, twice"):
        EventFault(source="aws.ec2", delivery="late")  # type: ignore[arg-type]

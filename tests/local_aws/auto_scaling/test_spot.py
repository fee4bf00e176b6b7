"""EC2 gives notice of a Spot Instance that it interrupts, and terminates it afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from local_aws import LocalAws
from tests.local_aws.auto_scaling.groups import REGION, Events, Group
from tests.patience import eventually

NOTICE_SECONDS = 3.0


def test_an_instance_runs_on_until_the_time_of_its_notice_is_over(
    aws: LocalAws, new_group: Callable[[int], Group]
) -> None:
    group = new_group(1)
    events = Events.collect(aws, "interrupted", "EC2 Spot Instance Interruption Warning")
    (instance,) = group.ids("InService")
    begun = time.monotonic()
    aws.faults.spot_interrupted(REGION, instance, notice_seconds=NOTICE_SECONDS)

    event = events.of(instance)
    assert (event["source"], event["region"]) == ("aws.ec2", REGION)
    assert event["detail"] == {"instance-id": instance, "instance-action": "terminate"}
    assert event["resources"] == [f"arn:aws:ec2:{REGION}a:instance/{instance}"]
    eventually(lambda: group.ec2_state(instance) != "running", "it is interrupted")
    assert time.monotonic() - begun >= NOTICE_SECONDS
    group.wait_until_gone(instance)


def test_a_recommendation_ends_nothing(aws: LocalAws, new_group: Callable[[int], Group]) -> None:
    group = new_group(1)
    events = Events.collect(aws, "recommended", "EC2 Instance Rebalance Recommendation")
    (instance,) = group.ids("InService")
    aws.faults.rebalance_recommended(REGION, instance)

    event = events.of(instance)
    assert event["detail"] == {"instance-id": instance}
    assert event["resources"] == [f"arn:aws:ec2:{REGION}:{aws.account}:instance/{instance}"]
    assert group.states() == {instance: "InService"}
    assert group.ec2_state(instance) == "running"


def test_the_two_minutes_shrink_with_other_waiting_times(
    aws: LocalAws, new_group: Callable[[int], Group]
) -> None:
    group = new_group(1)
    (instance,) = group.ids("InService")
    aws.set_wait_scale(0.01)
    try:
        aws.faults.spot_interrupted(REGION, instance)
        group.wait_until_gone(instance)
    finally:
        aws.set_wait_scale(1)


@pytest.mark.parametrize("notice", ["spot_interrupted", "rebalance_recommended"])
def test_there_is_no_notice_of_what_is_no_host(aws: LocalAws, notice: str) -> None:
    with pytest.raises(ValueError, match="i-0123456789abcdef0 in eu-west-1 is no worker host"):
        getattr(aws.faults, notice)(REGION, "i-0123456789abcdef0")

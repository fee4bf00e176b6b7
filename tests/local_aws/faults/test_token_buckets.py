"""AWS's buckets of tokens: a burst, then so many calls a second, for each action and region."""

import pytest

from local_aws.faults.token_buckets import BUCKETS, TokenBuckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("service", "action"), BUCKETS)
def test_after_a_burst_as_many_calls_pass_as_are_refilled(service: str, action: str) -> None:
    clock = Clock()
    buckets, bucket = TokenBuckets(clock), BUCKETS[service, action]

    def passing(calls: int, region: str = "us-east-1") -> int:
        return sum(buckets.take(service, action, region) for _ in range(calls))

    assert passing(1000) == bucket.size
    clock.now += 10 / bucket.refill
    assert passing(1000) == min(10, bucket.size)
    assert passing(1000, "eu-west-1") == bucket.size
    clock.now += 100_000
    assert passing(1000) == bucket.size


def test_instances_are_described_100_times_at_once_and_20_times_a_second() -> None:
    assert (BUCKETS["ec2", "DescribeInstances"].size, BUCKETS["ec2", "DescribeInstances"].refill) == (100, 20)


def test_other_actions_are_never_throttled() -> None:
    assert all(TokenBuckets(Clock()).take("ssm", "GetParameter", "us-east-1") for _ in range(1000))

"""Instances are found by when they were launched."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from local_aws.engine.ministack import wrap


def install() -> None:
    """DescribeInstances filters by launch-time, in which * is a wildcard. MiniStack ignores the filter."""
    from ministack.services import ec2

    wrap(ec2, "_matches_filters", _with_launch_time)


def _with_launch_time(matches: Any) -> Any:
    def matches_with_launch_time(instance: Mapping[str, Any], filters: Mapping[str, Sequence[str]]) -> bool:
        wanted = filters.get("launch-time", ["*"])
        launched = any(fnmatchcase(instance["LaunchTime"], pattern) for pattern in wanted)
        return launched and bool(matches(instance, filters))

    return matches_with_launch_time

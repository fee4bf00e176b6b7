"""Instances are found by a filter for their ids."""

from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.engine.ministack import wrap


def install() -> None:
    """DescribeInstances filters by instance-id. MiniStack ignores the filter."""
    from ministack.services import ec2

    wrap(ec2, "_matches_filters", _with_instance_ids)


def _with_instance_ids(matches: Any) -> Any:
    def matches_with_ids(instance: Mapping[str, Any], filters: Mapping[str, Sequence[str]]) -> bool:
        wanted = filters.get("instance-id", [instance["InstanceId"]])
        return instance["InstanceId"] in wanted and bool(matches(instance, filters))

    return matches_with_ids

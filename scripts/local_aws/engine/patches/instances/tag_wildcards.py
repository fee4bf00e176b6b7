"""Instances are found by tags with wildcards."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.engine.ministack import find, wrap

_WILDCARDS = {"*": "(?s:.*)", "?": "(?s:.)"}


def install() -> None:
    """DescribeInstances takes * and ? in the values of tags as wildcards, and a backslash as the mark of a character
    that is meant as it is. MiniStack compares the texts.
    """
    from ministack.services import ec2

    find(ec2, "_tags")
    wrap(ec2, "_matches_filters", _with_tag_wildcards)


def _with_tag_wildcards(matches: Any) -> Any:
    from ministack.services import ec2

    def matches_with_wildcards(instance: Mapping[str, Any], filters: Mapping[str, Sequence[str]]) -> bool:
        tags = {f"tag:{tag['Key']}": tag["Value"] for tag in ec2._tags.get(instance["InstanceId"], [])}
        asked = {name: values for name, values in filters.items() if name.startswith("tag:")}
        others = {name: values for name, values in filters.items() if name not in asked}
        return bool(matches(instance, others)) and all(
            name in tags and any(_is_like(tags[name], value) for value in values)
            for name, values in asked.items()
        )

    return matches_with_wildcards


def _is_like(text: str, value: str) -> bool:
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    return bool(re.fullmatch("".join(_WILDCARDS.get(part) or re.escape(part[-1]) for part in parts), text))

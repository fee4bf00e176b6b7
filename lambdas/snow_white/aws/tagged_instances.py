"""Fleets that are selected by tags of their instances: Auto Scaling groups, and tags of one's own.

Only EC2 is asked. It finds the instances of a group that was made a moment ago, too; a group without any instance is
not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from snow_white.aws.environments import quoted, some
from snow_white.aws.instances import tag_sets
from snow_white.model.fleet import GROUP_NAME_TAG, Fleet, Group
from snow_white.model.globs import is_matched

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_INSTANCES_LOOKED_AT: Final = 2_000


def tagged_groups(client: EC2Client, fleet: Fleet) -> tuple[tuple[Group, ...], frozenset[str]]:
    """The groups of the fleet's instances in the client's region, and those of its patterns that match an instance."""
    members = fleet.members(())
    sets = list(tag_sets(client, members.tags))
    matched = [
        pattern
        for pattern, key, glob in _patterns(fleet)
        if any(is_matched(tags.get(key, ""), [glob]) for tags in sets)
    ]
    groups = {Group(members.group_of(tags)) for tags in sets}
    return tuple(sorted(groups)), frozenset(matched)


def values_there(client: EC2Client, fleet: Fleet, missed: Iterable[str]) -> dict[str, set[str]]:
    """By key of the missed patterns, the values of that tag on instances of the client's region; not on all of many."""
    keys = dict.fromkeys(key for pattern, key, _ in _patterns(fleet) if pattern in missed)
    return {
        key: {tags[key] for tags in islice(tag_sets(client, {key: ("*",)}), _INSTANCES_LOOKED_AT)}
        for key in keys
    }


def describe_miss(
    fleet: Fleet, missed: Sequence[str], regions: Sequence[str], there: Mapping[str, Iterable[str]]
) -> str:
    """The sentence for a request whose patterns match no instance.

    Args:
        missed: the patterns; of tags, if each matches an instance but none has all of them, all patterns.
        there: by tag's key, the values that instances have, to show a mistyped one.
    """
    where = ", ".join(regions)
    known = sorted({value for values in there.values() for value in values})
    if fleet.auto_scaling_groups:
        said = f"No instance in {where} is in an Auto Scaling group that matches {quoted(missed)}."
        return f"{said} There are instances of {some(known)}." if known else f"{said} None is in any group."
    what = quoted(missed, "and" if len(missed) == len(fleet.patterns) else "or")
    said = f"No instance in {where} has the {'tags' if len(missed) > 1 else 'tag'} {what}."
    values = [f"{key}={value}" for key, some_values in there.items() for value in sorted(some_values)]
    return f"{said} There are instances with {some(values)}." if values else said


def _patterns(fleet: Fleet) -> list[tuple[str, str, str]]:
    """(pattern, key of the tag, glob for its value), in the order of the fleet's patterns."""
    if fleet.auto_scaling_groups:
        return [(glob, GROUP_NAME_TAG, glob) for glob in fleet.auto_scaling_groups]
    return [(f"{key}={glob}", key, glob) for key, globs in fleet.tags.items() for glob in globs]

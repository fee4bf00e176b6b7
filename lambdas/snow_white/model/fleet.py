"""The fleet: what a request selects, how EC2 tells its instances, and the Sidekiq processes on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

ENVIRONMENT_ID_TAG: Final = "elasticbeanstalk:environment-id"
ENVIRONMENT_NAME_TAG: Final = "elasticbeanstalk:environment-name"
GROUP_NAME_TAG: Final = "aws:autoscaling:groupName"
"""The tags that Elastic Beanstalk and Auto Scaling give to each of their instances."""


@dataclass(frozen=True, order=True)
class Group:
    """Instances that reports list under one name.

    It is an Elastic Beanstalk environment, whose `id` (e-…) is unique while its name may be used again later; or an
    Auto Scaling group, whose name is enough.
    """

    name: str
    id: str = ""


@dataclass(frozen=True, order=True)
class Instance:
    """An instance that is there now.

    Attributes:
        group: the name of its group.
        running: False while it is still pending, and once it is leaving.
        leaving: it is shutting down or stopping; its jobs may still run, and no command reaches it for certain.
        scaling_group: the name of its Auto Scaling group; "" for none.
        terminating: Auto Scaling is ending it, although it still runs.
        hidden: EC2 does not show it, and does not know it by its id, since a short while ago.
    """

    id: str
    group: str
    launched_at: datetime
    running: bool = True
    leaving: bool = False
    hidden: bool = False
    scaling_group: str = ""
    terminating: bool = False


ASLEEP: Final = frozenset({"quiet", "quieting", "stopped"})
"""The states of processes that take no new jobs until they are woken."""


@dataclass(frozen=True)
class Members:
    """How EC2 tells the instances of a fleet: by their tags.

    Attributes:
        tags: by key, the values of which an instance must have one, for every key; `*` and `?` in them are wildcards.
        names: the groups' names by id, if the tag with the id tells an instance's group.
        named_by: the keys of the tags that tell it otherwise; the first one that the instance has.
        unnamed: the group's name for an instance that has none of them.
        ids: the only instances that count; empty for all.
    """

    tags: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str] = field(default_factory=dict)
    named_by: tuple[str, ...] = ()
    unnamed: str = ""
    ids: tuple[str, ...] = ()

    def group_of(self, tags: Mapping[str, str]) -> str:
        """The name of the group of an instance with these tags."""
        if name := self.names.get(tags.get(ENVIRONMENT_ID_TAG, "")):
            return name
        return next((tags[key] for key in self.named_by if key in tags), self.unnamed)


@dataclass(frozen=True)
class Fleet:
    """What a request selects. Of `application`, `auto_scaling_groups` and `tags` one is given.

    Attributes:
        application, environments: an application of Elastic Beanstalk, and parts of its environments' names, or globs.
        auto_scaling_groups: names or globs.
        tags: by key, the values of which an instance must have one, for every key; texts or globs.
        instances: ids of the only ones that are meant; empty for all.
    """

    application: str = ""
    environments: tuple[str, ...] = ()
    auto_scaling_groups: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    instances: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name for people: `backups`, `backups-*`, `Role=worker, Stage=production` or `backups (i-0abc)`."""
        return fleet_name(self.application, self.auto_scaling_groups, tag_texts(self.tags), self.instances)

    @property
    def group_word(self) -> str:
        """What its groups are called for people."""
        return "Environment" if self.application else "Group"

    @property
    def patterns(self) -> tuple[str, ...]:
        """What is looked for: of an application its environments, of tags `KEY=VALUE`."""
        return self.environments or self.auto_scaling_groups or tag_texts(self.tags)

    @property
    def instance_tags(self) -> Mapping[str, tuple[str, ...]]:
        """By which tags its instances are selected; empty for an application."""
        return {GROUP_NAME_TAG: self.auto_scaling_groups} if self.auto_scaling_groups else self.tags

    def members(self, groups: Sequence[Group]) -> Members:
        """How EC2 tells the fleet's instances, of these groups if the fleet is an application."""
        if self.application:
            names = {group.id: group.name for group in groups}
            return Members({ENVIRONMENT_ID_TAG: tuple(sorted(names))}, names, ids=self.instances)
        if self.auto_scaling_groups:
            return Members(self.instance_tags, named_by=(GROUP_NAME_TAG,), ids=self.instances)
        # The group of an environment has a name that only Elastic Beanstalk understands.
        keys = (ENVIRONMENT_NAME_TAG, GROUP_NAME_TAG)
        return Members(self.tags, named_by=keys, unnamed=", ".join(tag_texts(self.tags)), ids=self.instances)


def fleet_name(application: object, auto_scaling_groups: object, tags: object, instances: object = ()) -> str:
    """The name for people of what a request states, valid or not; "" if it names nothing. Tags are `KEY=VALUE`."""
    named = (
        (application,)
        if isinstance(application, str) and application.strip()
        else auto_scaling_groups or tags
    )
    # What has the tag with an environment's name is that environment.
    names = (
        [one.removeprefix(f"{ENVIRONMENT_NAME_TAG}=") for one in named] if isinstance(named, tuple) else []
    )
    name = ", ".join(names)
    return f"{name} ({', '.join(instances)})" if name and instances and isinstance(instances, tuple) else name


def tag_texts(tags: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """The tags as texts `KEY=VALUE`, one for each value."""
    return tuple(f"{key}={value}" for key, values in tags.items() for value in values)


def read_tag_texts(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The tags that `tag_texts` has written; what has no `=` is left out."""
    tags: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if equals:
            tags[key] = (*tags.get(key, ()), value)
    return tags


@dataclass(frozen=True, slots=True)
class Process:
    """One Sidekiq process on a host; `busy` is the number of its running jobs.

    `since`: when it was put to sleep; None where nobody knows, and for `status` only.
    """

    pid: int
    version: str = ""
    tag: str = ""
    busy: int = 0
    state: str = ""
    supervisor: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class RegionPlan:
    """One region's part of the plan: its groups that match, and the number of instances at the start.

    `unmanaged` is the number of those instances that are not registered with Systems Manager.
    """

    region: str
    groups: tuple[Group, ...] = ()
    instances: int = 0
    unmanaged: int = 0

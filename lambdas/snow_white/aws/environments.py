"""Which Elastic Beanstalk environments a request means."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from snow_white.aws.errors import UnreadableAnswer
from snow_white.model.fleet import Group

if TYPE_CHECKING:
    from mypy_boto3_elasticbeanstalk import ElasticBeanstalkClient

_GLOB: Final = frozenset("*?[")
_MAX_SHOWN: Final = 20


class NothingMatched(Exception):
    """No environment, or no running instance, was found for the request; the sentence says what was looked for."""


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether an environment's name is meant by one of the patterns, whatever the case.

    A pattern with `*`, `?` or `[` is a glob for the whole name; any other is a text contained in the name.
    """
    folded = name.casefold()
    for pattern in patterns:
        wanted = pattern.casefold()
        if _GLOB.intersection(wanted):
            if fnmatch.fnmatchcase(folded, wanted):
                return True
        elif wanted in folded:
            return True
    return False


def matching(environments: Iterable[Group], patterns: Sequence[str]) -> tuple[Group, ...]:
    """Those of the environments that one of the patterns means."""
    return tuple(one for one in environments if matches(one.name, patterns))


def application_environments(client: ElasticBeanstalkClient, application: str) -> list[Group]:
    """All environments of the application in the client's region that have not been terminated."""
    found: list[Group] = []
    # The service answers all at once unless MaxRecords is given; asking for pages keeps a
    # large account's answer from being throttled for its size.
    token: str | None = None
    while True:
        page = client.describe_environments(
            ApplicationName=application,
            IncludeDeleted=False,
            MaxRecords=200,
            **({"NextToken": token} if token else {}),
        )
        found += [
            Group(name=environment["EnvironmentName"], id=environment["EnvironmentId"])
            for environment in page.get("Environments", [])
            if environment.get("Status") != "Terminated"
        ]
        last, token = token, page.get("NextToken")
        if not token:
            return sorted(found)
        if token == last:
            raise UnreadableAnswer("a page of environments leads to itself")


def describe_miss(
    application: str,
    patterns: Sequence[str],
    regions: Sequence[str],
    others: Iterable[str],
    applications: Iterable[str] = (),
) -> str:
    """The sentence for a request whose patterns match no environment.

    Args:
        others: names of environments that the application does have, to show a mistyped pattern.
        applications: if it has none, the applications that have some, to show a mistyped application.
    """
    names = sorted(set(others))
    there = "No environment of that application was found."
    if names:
        there = f"The application has {some(names)}."
    elif known := sorted(set(applications)):
        there = f"There is no such application there, but {some(known)}."
    return (
        f"No environment of application '{application}' matches {quoted(patterns)} "
        f"in {', '.join(regions)}. {there}"
    )


def quoted(texts: Iterable[str], conjunction: str = "or") -> str:
    """The texts in quotation marks."""
    return f" {conjunction} ".join(f"'{text}'" for text in texts)


def some(names: Sequence[str]) -> str:
    """The first of the names, and how many there are more."""
    shown = ", ".join(names[:_MAX_SHOWN])
    more = len(names) - _MAX_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown

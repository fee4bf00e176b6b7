"""The applications of Elastic Beanstalk, to help somebody who mistyped one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_elasticbeanstalk import ElasticBeanstalkClient

_MAX_PAGES: Final = 5


def application_names(client: ElasticBeanstalkClient) -> set[str]:
    """The applications that have an environment in the client's region; of a very large account only the first ones.

    DescribeApplications would also name those without an environment, and needs a permission of its own.
    """
    names: set[str] = set()
    token: str | None = None
    for _ in range(_MAX_PAGES):
        page = client.describe_environments(
            IncludeDeleted=False, MaxRecords=200, **({"NextToken": token} if token else {})
        )
        names |= {one["ApplicationName"] for one in page.get("Environments", [])}
        token = page.get("NextToken")
        if not token:
            break
    return names

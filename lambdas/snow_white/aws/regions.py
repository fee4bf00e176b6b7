"""AWS clients for many regions, work done in all of them at once, and what a region's errors mean."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.config import Config
from botocore.exceptions import ClientError

from snow_white.aws.answers import leave_out_unread
from snow_white.aws.errors import NETWORK_ERRORS, demand_whole_answer, is_transient, is_unreadable
from snow_white.aws.lifecycle_actions import AutoScalingClient

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elasticbeanstalk import ElasticBeanstalkClient
    from mypy_boto3_ssm import SSMClient

    from snow_white.aws.run_command import Invocation

T = TypeVar("T")
U = TypeVar("U")

# Adaptive: Elastic Beanstalk and the Run Command lists are throttled hard. Few and short tries: a region that takes
# connections and says nothing must not use up the time of the function that looks at all of them; the state machine
# looks again.
CONFIG: Final = Config(
    connect_timeout=5, read_timeout=10, retries={"mode": "adaptive", "total_max_attempts": 4}
)
_MAX_THREADS: Final = 16


class RegionError(Exception):
    """A region could not be worked in; the sentence begins with its name."""


class RegionUnavailable(RegionError):
    """A region did not answer, for a transient reason: network, throttling, an error of the service."""


class RegionRefused(RegionError):
    """A region refused a call for a reason that stays: a missing permission, document or opt-in."""


@dataclass
class Regions:
    """The clients of one process, made once per service and region.

    `sees_terminations`: whether Auto Scaling may be asked which instances it is ending.
    `ended`: by id, what became of commands that have ended everywhere; `ended_commands` reads and fills it.
    """

    session: Session
    sees_terminations: bool = False
    ended: dict[str, list[Invocation]] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ssm(self, region: str) -> SSMClient:
        client: SSMClient = self._client("ssm", region)
        return client

    def ec2(self, region: str) -> EC2Client:
        client: EC2Client = self._client("ec2", region)
        return client

    def elastic_beanstalk(self, region: str) -> ElasticBeanstalkClient:
        client: ElasticBeanstalkClient = self._client("elasticbeanstalk", region)
        return client

    def auto_scaling(self, region: str) -> AutoScalingClient:
        client: AutoScalingClient = self._client("autoscaling", region)
        return client

    def _client(self, service: str, region: str) -> Any:
        # A session is not safe to make clients from in several threads; the clients themselves are.
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                client = self.session.create_client(service, region_name=region, config=CONFIG)
                client.meta.events.register("before-parse.ec2.DescribeInstances", leave_out_unread)
                client.meta.events.register("after-call", demand_whole_answer)
                self._clients[key] = client
            return self._clients[key]


@contextmanager
def region_errors(region: str) -> Iterator[None]:
    """Turn what AWS or the network answers inside into `RegionUnavailable` or `RegionRefused`, naming the region.

    An error of our own making, such as a parameter that boto3 does not take, is let through as it is.
    """
    try:
        yield
    except ClientError as error:
        kind = RegionUnavailable if is_transient(error) else RegionRefused
        raise kind(f"{region}: {error}") from error
    except NETWORK_ERRORS as error:
        raise RegionUnavailable(f"{region}: {error}") from error
    except Exception as error:
        if not is_unreadable(error):
            raise
        raise RegionUnavailable(f"{region}: the answer could not be read: {error!r:.200}") from error


def in_each(regions: Iterable[str], work: Callable[[str], T]) -> dict[str, T | RegionError]:
    """Do the work in all regions at once.

    Returns:
        For each region the result, or the `RegionUnavailable` or `RegionRefused` that it ended with: one region
        keeps no other from being served.
    """

    def guarded(region: str) -> T | RegionError:
        try:
            with region_errors(region):
                return work(region)
        except RegionError as error:
            return error

    wanted = list(regions)
    if len(wanted) <= 1:
        return {region: guarded(region) for region in wanted}
    with ThreadPoolExecutor(max_workers=min(_MAX_THREADS, len(wanted))) as pool:
        return dict(zip(wanted, pool.map(guarded, wanted), strict=True))


def both(one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
    """What two pieces of work return that are done at the same time. Raises what one of them raises."""
    works: list[Callable[[], Any]] = [one, other]
    with ThreadPoolExecutor(max_workers=len(works)) as pool:
        first, second = pool.map(lambda work: work(), works)
    return first, second


def errors_of(results: Mapping[str, object]) -> dict[str, RegionError]:
    """Those of `in_each`'s results that are errors, by region."""
    return {region: result for region, result in results.items() if isinstance(result, RegionError)}


def results_of(results: Mapping[str, T | RegionError]) -> dict[str, T]:
    """Those of `in_each`'s results that are none, by region."""
    return {region: result for region, result in results.items() if not isinstance(result, RegionError)}

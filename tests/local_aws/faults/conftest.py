"""The faults of the shared local AWS, all off again after each test."""

from collections.abc import Iterator

import pytest

from local_aws import LocalAws
from local_aws.faults.client import FaultSwitches


@pytest.fixture
def faults(aws: LocalAws) -> Iterator[FaultSwitches]:
    with aws.faults.cleared() as switches:
        yield switches

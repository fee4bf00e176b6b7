"""One local AWS for all tests of a test process."""

from collections.abc import Iterator

import pytest

from local_aws import LocalAws
from tests.local_aws.workbench import Workbench


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with LocalAws.start() as running:
        yield running


@pytest.fixture(scope="session")
def workbench(aws: LocalAws) -> Workbench:
    return Workbench.build(aws)

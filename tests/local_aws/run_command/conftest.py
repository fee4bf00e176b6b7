"""A Run Command of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.local_aws.run_command.fleet import Fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    yield fleet
    fleet.service.close()

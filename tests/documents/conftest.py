"""Hosts for the scripts: bare ones, and ones with a real systemd; real Sidekiq with a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.redis_server import RedisServer
from tests.documents.bare_host import BareHost


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BareHost]:
    with BareHost(tmp_path / "host") as host:
        yield host


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    with RedisServer.start(tmp_path / "redis") as server:
        yield server

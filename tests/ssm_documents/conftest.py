"""Hosts for the scripts: bare ones, and ones with a real systemd; real Sidekiq with a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.hosts.redis_server import RedisServer
from local_aws.hosts.systemd_host import SystemdHost
from tests.ssm_documents.bare_host import BareHost
from tests.ssm_documents.systemd_host import APP


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BareHost]:
    with BareHost(tmp_path / "host") as host:
        yield host


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    with RedisServer.start(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[SystemdHost]:
    """A host with a real systemd and the workers' application, but no unit yet."""
    with SystemdHost.start(tmp_path / "systemd") as host:
        host.write("/var/app/app.rb", APP.read_text())
        yield host

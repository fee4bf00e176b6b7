"""One local AWS with an application for all tests of Elastic Beanstalk in a test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_aws import LocalAws
from local_aws.hosts.redis_server import RedisServer
from tests.local_aws.elastic_beanstalk.cloud import APPLICATION, Cloud


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    with (
        LocalAws.start(folder / "aws") as aws,
        RedisServer.start(folder) as server,
        server.client() as client,
    ):
        cloud = Cloud(aws, server.url, client)
        cloud.beanstalk().create_application(ApplicationName=APPLICATION)
        for version in ("v1", "v2"):
            cloud.beanstalk().create_application_version(ApplicationName=APPLICATION, VersionLabel=version)
        yield cloud

from __future__ import annotations

import pytest

from tests.lambdas.fake_cloud import FakeCloud


@pytest.fixture
def cloud() -> FakeCloud:
    """Workers of one application in two regions, and an environment of it that does not match."""
    cloud = FakeCloud()
    cloud["us-east-1"].add_environment("shop", "shop-workers", instances=2)
    cloud["us-east-1"].add_environment("shop", "shop-web", instances=1)
    cloud["eu-west-1"].add_environment("shop", "shop-workers-eu", instances=1)
    return cloud

"""What is left of botocore's data: all that the functions may call, and it still makes the same requests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.stub import Stubber

from infra.access.permissions import Permissions
from infra.botocore_data import CALLED, READ, prune

DATA = Path(botocore.__file__).parent / "data"
BOTOCORES_NAME = {"states": "stepfunctions"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("botocore") / "data"
    folder.mkdir()
    for name in ("endpoints.json", "partitions.json", "_retry.json", "sdk-default-configuration.json"):
        shutil.copy(DATA / name, folder)
    for service in [*CALLED, "sqs"]:
        shutil.copytree(DATA / service, folder / service)
    prune(folder)
    return folder


def session(data: Path) -> botocore.session.Session:
    session = botocore.session.Session()
    # One of its own: other tests of the process may share the one that a session has at first.
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    return session


def test_every_call_that_a_function_may_make_is_kept_and_no_other() -> None:
    permissions = Permissions(
        "1",
        "aws",
        ("us-east-1",),
        "secret",
        "machine",
        "executions",
        "bus",
        idempotency_table_arn="table",
        drained_groups=("backups-*",),
    )
    grants = chain(
        *permissions.by_function().values(),
        permissions.for_slash_command("machine", "signing-secret"),
        permissions.for_terminations(),
    )
    allowed = {action for grant in grants for action in grant.actions}
    # EventBridge Scheduler checks it when a schedule is made; nobody calls it.
    allowed.remove("iam:PassRole")
    called = {
        f"{next((iam for iam, name in BOTOCORES_NAME.items() if name == service), service)}:{operation}"
        for service, operations in CALLED.items()
        for operation in operations
    }
    assert called == allowed


def test_services_versions_and_operations_that_nobody_calls_are_gone(data: Path) -> None:
    assert {path.name for path in data.iterdir() if path.is_dir()} == set(CALLED)
    assert [path.name for path in (data / "ec2").iterdir()] == ["2016-11-15"]
    client = session(data).create_client("ec2", region_name="eu-west-1")
    assert client.meta.service_model.operation_names == ["DescribeInstances"]


@pytest.mark.parametrize("service", CALLED)
def test_each_operation_is_described_as_before(service: str, data: Path) -> None:
    before = botocore.session.Session().create_client(service, region_name="eu-west-1").meta
    after = session(data).create_client(service, region_name="eu-west-1").meta
    assert after.endpoint_url == before.endpoint_url
    for operation in CALLED[service]:
        for part in ("input_shape", "output_shape"):
            old = getattr(before.service_model.operation_model(operation), part)
            new = getattr(after.service_model.operation_model(operation), part)
            assert described(new, READ.get(service, {})) == described(old, READ.get(service, {}))


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1", "xx-future-1"])
def test_each_service_is_called_where_it_was_before(region: str, data: Path) -> None:
    before, after = botocore.session.Session(), session(data)
    for service in CALLED:
        assert destination(after, service, region) == destination(before, service, region)


def destination(session: botocore.session.Session, service: str, region: str) -> list[object]:
    """Where a client sends its requests, and for which region and service it signs them."""
    client = session.create_client(service, region_name=region)
    meta, signer = client.meta, client._request_signer  # type: ignore[attr-defined]
    return [meta.endpoint_url, meta.region_name, meta.partition, signer.region_name, signer.signing_name]


def test_endpoints_of_services_that_nobody_calls_are_gone(data: Path) -> None:
    """All of them are over a megabyte, which is parsed before the first client is made."""
    kept = json.loads((data / "endpoints.json").read_text())["partitions"]
    assert {name for partition in kept for name in partition["services"]} == {
        json.loads(path.read_text())["metadata"]["endpointPrefix"] for path in data.glob("*/*/service-2.json")
    }


def described(
    shape: botocore.model.Shape | None, read: Mapping[str, tuple[str, ...]], above: tuple[str, ...] = ()
) -> str:
    """A shape with all that it leads to, as text; a shape within itself by its name only.

    Args:
        read: of some shapes, by name, the only members that count.
    """
    if shape is None or shape.name in above:
        return "none" if shape is None else shape.name
    within = (*above, shape.name)
    members: Mapping[str, botocore.model.Shape] = getattr(shape, "members", {})
    counted = read.get(shape.name, tuple(members))
    parts = {name: described(members[name], read, within) for name in counted}
    for name in ("member", "key", "value"):
        if isinstance(part := getattr(shape, name, None), botocore.model.Shape):
            parts[name] = described(part, read, within)
    return json.dumps(
        [shape.type_name, sorted(shape.metadata), sorted(shape.serialization.items()), parts], default=str
    )


@pytest.mark.parametrize("service", READ)
def test_of_an_instance_only_what_the_functions_read_is_kept(service: str, data: Path) -> None:
    client = session(data).create_client(service, region_name="eu-west-1")
    for name, members in READ[service].items():
        shape: Any = client.meta.service_model.shape_for(name)
        assert sorted(shape.members) == sorted(members)


def test_pages_are_read_as_before(data: Path) -> None:
    client = session(data).create_client(
        "ssm", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        stubber.add_response("list_commands", {"Commands": [{"CommandId": "1" * 36}], "NextToken": "more"})
        stubber.add_response("list_commands", {"Commands": [{"CommandId": "2" * 36}]})
        pages = client.get_paginator("list_commands").paginate()
        assert [each["CommandId"][0] for page in pages for each in page["Commands"]] == ["1", "2"]


def test_an_operation_that_botocore_does_not_know_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(DATA / "ssm", tmp_path / "ssm")
    with pytest.raises(KeyError, match="no operation SendComand in this service"):
        prune(tmp_path, {"ssm": ("SendComand",)})

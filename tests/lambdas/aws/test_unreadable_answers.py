"""What a proxy answers in AWS's place is no answer of the region; asked of real botocore clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from snow_white.aws.environments import application_environments
from snow_white.aws.instances import lost_agents, managed_ids, missing_instances, present_instances
from snow_white.aws.regions import RegionError, Regions, RegionUnavailable, in_each
from snow_white.aws.run_command import commands_since, invocations
from snow_white.model.action import Action
from snow_white.model.fleet import Fleet, Group
from tests.lambdas.fake_cloud import START

HTML = b"<html><body><h1>Welcome to the network</h1></body></html>"
BROKEN_HTML = b"<html><body>Log in<br></body></html>"
WORKERS = Fleet("shop").members([Group("shop-workers", "e-1")])
CALLS: dict[str, Callable[[Regions], object]] = {
    "describe_environments": lambda r: application_environments(r.elastic_beanstalk("us-east-1"), "shop"),
    "describe_instances": lambda r: present_instances(r.ec2("us-east-1"), WORKERS),
    "describe_instances_by_id": lambda r: missing_instances(r.ec2("us-east-1"), ["i-1"], WORKERS),
    "describe_instance_information": lambda r: managed_ids(r.ssm("us-east-1"), ["i-1"]),
    "lost_agents": lambda r: lost_agents(r.ssm("us-east-1")),
    "list_commands": lambda r: commands_since(r.ssm("us-east-1"), Action.QUIET, START),
    "list_command_invocations": lambda r: invocations(
        r.ssm("us-east-1"), "0123abcd-0123-0123-0123-0123456789ab"
    ),
}


class Raw:
    """The body of an HTTP answer, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *_: object, **__: object) -> list[bytes]:
        return [self.body]


def regions_answering(body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> Regions:
    given: Any = headers or {}
    answer: Any = lambda **_: AWSResponse("https://proxy.example", status, given, Raw(body))  # noqa: E731
    session = botocore.session.Session()
    session.set_credentials("id", "secret")
    regions = Regions(session)
    for client in (
        regions.ssm("us-east-1"),
        regions.ec2("us-east-1"),
        regions.elastic_beanstalk("us-east-1"),
    ):
        client.meta.events.register("before-send", answer)
    return regions


@pytest.mark.parametrize(
    "body", [HTML, BROKEN_HTML, b"", b"[]"], ids=["html", "broken html", "nothing", "a list"]
)
@pytest.mark.parametrize("call", CALLS)
def test_an_answer_that_is_not_from_aws_is_a_region_that_did_not_answer(
    call: str, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    regions = regions_answering(body)
    result: Any = in_each(["us-east-1"], lambda _region: CALLS[call](regions))["us-east-1"]
    assert isinstance(result, RegionUnavailable)
    assert "us-east-1: the answer could not be read" in str(result)


@pytest.mark.parametrize("call", CALLS)
def test_a_proxy_that_forbids_something_does_not_speak_for_the_region(call: str) -> None:
    regions = regions_answering(HTML, status=403)
    result: Any = in_each(["us-east-1"], lambda _region: CALLS[call](regions))["us-east-1"]
    assert isinstance(result, RegionUnavailable)


@pytest.mark.parametrize("call", [name for name in CALLS if "list" in name or "agents" in name])
def test_json_that_is_cut_off_is_no_empty_list(call: str) -> None:
    regions = regions_answering(b'{"Commands": [{"CommandId": "0123', {"x-amzn-requestid": "b3c1"})
    result: Any = in_each(["us-east-1"], lambda _region: CALLS[call](regions))["us-east-1"]
    assert isinstance(result, RegionUnavailable)
    assert "cut off" in str(result)


def test_an_empty_answer_of_aws_itself_is_believed() -> None:
    regions = regions_answering(b'{"Commands": []}', {"x-amzn-requestid": "b3c1"})
    assert commands_since(regions.ssm("us-east-1"), Action.QUIET, START) == []


def test_an_error_of_our_own_is_let_through() -> None:
    def work(_region: str) -> RegionError:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        in_each(["us-east-1"], work)


XML = (
    b'<R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>b3c1</requestId>'
    b"<nextToken>same</nextToken><DescribeEnvironmentsResult><Environments/><NextToken>same</NextToken>"
    b"</DescribeEnvironmentsResult><ResponseMetadata><RequestId>b3c1</RequestId></ResponseMetadata></R>"
)


@pytest.mark.parametrize("call", [name for name in CALLS if name != "describe_instances_by_id"])
def test_a_page_that_leads_to_itself_is_no_answer(call: str) -> None:
    json_body = b'{"NextToken": "same"}'
    xml = call in ("describe_environments", "describe_instances")
    regions = regions_answering(XML if xml else json_body, {"x-amzn-requestid": "b3c1"})
    result: Any = in_each(["us-east-1"], lambda _region: CALLS[call](regions))["us-east-1"]
    assert isinstance(result, RegionUnavailable)
    assert "us-east-1: the answer could not be read" in str(result)

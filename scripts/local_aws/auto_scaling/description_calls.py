"""How much Auto Scaling describes at once: pages, and limits of what may be named."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from local_aws.engine.ministack import MissingTarget, Response, find

_NAMESPACE: Final = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Description:
    """A call that describes: what may be named, the list in its answer, and its page's usual and greatest length."""

    named: str
    noun: str
    rows: str
    page: int
    longest_page: int


CALLS: Final = {
    "DescribeAutoScalingGroups": Description(
        "AutoScalingGroupNames", "Auto Scaling group names", "AutoScalingGroups", 50, 100
    ),
    "DescribeAutoScalingInstances": Description(
        "InstanceIds", "instance ids", "AutoScalingInstances", 50, 50
    ),
}


def install() -> None:
    """Answer in pages, as AWS does; MissingTarget if MiniStack has these calls no more."""
    from ministack.services import autoscaling

    find(autoscaling, "_parse_member_list")
    actions = find(autoscaling, "_ACTION_MAP")
    for name, description in CALLS.items():
        if name not in actions:
            raise MissingTarget(f"MiniStack's Auto Scaling has no {name}: it is not the pinned version.")
        actions[name] = _in_pages(actions[name], description)


def _in_pages(
    describe: Callable[[Parameters], Response], description: Description
) -> Callable[[Parameters], Response]:
    from ministack.services import autoscaling

    refuse = find(autoscaling, "_error")

    def describe_page(parameters: Parameters) -> Response:
        size = int(parameters.get("MaxRecords") or description.page)
        refused: Response
        if not 1 <= size <= description.longest_page:
            text = f"MaxRecords must be between 1 and {description.longest_page}"
            refused = refuse("ValidationError", text)
            return refused
        most = max(size, description.page)
        if len(autoscaling._parse_member_list(parameters, description.named)) > most:
            text = f"The number of {description.noun} that may be passed in is limited to {most}"
            refused = refuse("ValidationError", text)
            return refused
        token = str(parameters.get("NextToken") or "")
        begin = _begin(token)
        if begin is None:
            refused = refuse("InvalidNextToken", f"The token '{escape(token)}' is invalid.")
            return refused
        return _page_of(describe(parameters), description.rows, begin, size)

    return describe_page


def _page_of(response: Response, rows: str, begin: int, size: int) -> Response:
    status, headers, body = response
    root = ElementTree.fromstring(body)  # noqa: S314  # MiniStack's answer
    (found,) = root.iter(f"{{{_NAMESPACE}}}{rows}")
    members = list(found)
    found[:] = members[begin : begin + size]
    if len(members) > begin + size:
        (result,) = (each for each in root if found in list(each))
        ElementTree.SubElement(result, f"{{{_NAMESPACE}}}NextToken").text = _token(begin + size)
    return status, headers, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _token(begin: int) -> str:
    return base64.urlsafe_b64encode(f"from {begin}".encode()).decode()


def _begin(token: str) -> int | None:
    """Where the page with this token begins; None for a token that is none."""
    if not token:
        return 0
    try:
        word, number = base64.urlsafe_b64decode(token).decode().split()
        return int(number) if word == "from" else None
    except (ValueError, binascii.Error):
        return None

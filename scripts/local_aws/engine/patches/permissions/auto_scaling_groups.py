"""IAM knows which Auto Scaling group a call is about."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs

from local_aws.engine.ministack import find, wrap

_WITHOUT_A_GROUP: Final = "Describe"


def install() -> None:
    """On AWS a policy may name groups, and their tags in the condition aws:ResourceTag, for every call that changes
    one; calls that describe are allowed or denied for all groups. MiniStack takes each call for one on all groups.
    """
    from ministack.core import iam_actions
    from ministack.services import autoscaling, tagging

    find(autoscaling, "_asgs")
    wrap(iam_actions, "extract_resource_arn", _with_the_group)
    find(tagging, "_RESOURCE_TAG_COLLECTORS")["autoscaling"] = _tagged_groups


def _with_the_group(extract: Any) -> Any:
    def extract_with_group(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        if service != "autoscaling":
            return str(extract(service, method, path, headers, body, query, region, account))
        form = parse_qs(body.decode("latin-1"))
        name = form.get("AutoScalingGroupName", [""])[0]
        if not name or form.get("Action", [""])[0].startswith(_WITHOUT_A_GROUP):
            return "*"
        return (
            _arn(name)
            or f"arn:aws:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{name}"
        )

    return extract_with_group


def _arn(name: str) -> str:
    from ministack.services import autoscaling

    group = autoscaling._asgs.get(name)
    return str(group["AutoScalingGroupARN"]) if group else ""


def _tagged_groups() -> Iterator[tuple[str, list[dict[str, str]]]]:
    from ministack.services import autoscaling

    for group in list(autoscaling._asgs.values()):
        yield group["AutoScalingGroupARN"], group["Tags"]

"""Checks on EC2 instances that MiniStack does not make by itself: permission on one, and whether it runs."""

from local_aws.engine.service_error import AccessDenied


def check_instance_allowed(headers: dict[str, str], action: str, region: str, instance_id: str) -> None:
    """Raise AccessDenied unless the caller, who is authenticated already, may do `action` on this EC2 instance.

    Conditions see the instance's tags, as `ssm:resourceTag/KEY` and as `aws:ResourceTag/KEY`. An instance that does
    not exist has none, so that a caller who is limited by tags cannot tell it from another customer's.
    """
    from ministack.core import iam_actions, iam_evaluator
    from ministack.core.responses import get_account_id
    from ministack.core.router import extract_access_key_id
    from ministack.services import ec2

    arn = f"arn:aws:ec2:{region}:{get_account_id()}:instance/{instance_id}"
    tags = {tag["Key"]: tag["Value"] for tag in ec2._tags.get(instance_id, [])}
    keys = {
        f"{prefix}/{key}": text
        for key, text in tags.items()
        for prefix in ("ssm:resourceTag", "aws:ResourceTag")
    }
    denied = iam_evaluator.enforce(
        extract_access_key_id(headers), action, "ssm", region, resource_arn=arn, service_context=keys
    )
    if denied:
        who = getattr(denied, "principal_arn", "the caller")
        explicit = getattr(denied, "decision", "") == "Deny"
        raise AccessDenied(iam_actions.identity_denial_message(action, who, arn, explicit))


def is_running(region: str, instance_id: str) -> bool:
    """Whether EC2 runs the instance; True for one unknown to EC2, which is a server outside of AWS."""
    from ministack.core.responses import get_account_id, request_scope
    from ministack.services import ec2

    with request_scope(get_account_id(), region):
        instance = ec2._instances.get(instance_id)
    return instance is None or bool(instance["State"]["Name"] == "running")

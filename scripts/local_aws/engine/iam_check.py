"""What MiniStack does not check by itself: permission on an EC2 instance, whether it runs, and a service's role."""

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


def role_may(role_arn: str, action: str, resource: str, *, service: str, source_arn: str) -> bool:
    """Whether the role trusts the service on behalf of `source_arn`, and may do `action` on the resource."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import iam

    name, account = role_arn.rpartition("/")[2], get_account_id()
    record = iam._roles.get(name)
    if record is None:
        return False
    asked: dict[str, str] = {"principal_account": account, "region": get_region()}
    trusts = iam_evaluator.evaluate_resource_policy(
        record["AssumeRolePolicyDocument"],
        iam_evaluator.EvalContext(
            principal_arn="",
            principal_type="Service",
            action="sts:AssumeRole",
            resource_arn=role_arn,
            service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account},
            **asked,
        ),
        service=service,
    )
    allows = iam_evaluator.evaluate(
        iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{service.partition('.')[0]}",
            principal_type="AssumedRole",
            action=action,
            resource_arn=resource,
            **asked,
        ),
        iam_evaluator._gather_role_policies(name, account),
    )
    return bool(trusts.decision == "Allow" and allows.decision == "Allow")

"""Findings of cdk-nag that stay, each with the reason, next to what they are about."""

from __future__ import annotations

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept the finding `rule`, such as 'AwsSolutions-SMG4', on this construct."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Accept that a policy of this construct allows something on `resource`, an ARN with a star in it."""
    text = _as_cdk_nag_writes_it(Stack.of(construct).resolve(resource))
    acknowledge(construct, f"AwsSolutions-IAM5[Resource::{text}]", reason)


def _as_cdk_nag_writes_it(value: Any) -> str:
    """A resolved value as text, with <AWS::AccountId> for what is known at deploy time only."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_as_cdk_nag_writes_it, parts))
        case _:
            raise TypeError(f"cdk-nag's way to write {value!r} is not known here.")

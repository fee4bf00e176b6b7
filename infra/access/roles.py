"""IAM roles that allow exactly the grants they are built from; no CDK construct adds to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks import acknowledge_wildcard

NO_RESOURCE_IN_IAM: Final = (
    "Looking up, cancelling and tracing: IAM has no resource for these calls that is known in advance."
)


@dataclass(frozen=True)
class Grant:
    """Actions that are allowed on resources. A resource with a wildcard needs a `wildcard_reason`."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, str | list[str]]] = field(default_factory=dict)
    wildcard_reason: str = ""

    def statement(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources), conditions=self.conditions
        )


def build_role(scope: Construct, construct_id: str, *, service: str, grants: Sequence[Grant]) -> iam.IRole:
    """A role for an AWS service with exactly `grants`; raises ValueError for a wildcard without a reason."""
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(service),
        inline_policies={"Work": iam.PolicyDocument(statements=[grant.statement() for grant in grants])},
    )
    for grant in grants:
        for resource in grant.resources:
            if "*" in resource:
                _acknowledge_wildcard(role, resource, grant)
    return role.without_policy_updates()


def _acknowledge_wildcard(role: iam.Role, resource: str, grant: Grant) -> None:
    if not grant.wildcard_reason:
        raise ValueError(
            f"{role.node.path}: {', '.join(grant.actions)} on {resource} needs a wildcard_reason."
        )
    acknowledge_wildcard(role, resource, grant.wildcard_reason)

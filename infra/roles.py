"""Roles that may do what is written where they are made, and nothing that a construct would add by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.acknowledgement import acknowledge_wildcard

NOTHING_TO_NAME: Final = (
    "Looking up, cancelling and tracing: IAM has no resource for it that is known beforehand."
)


@dataclass(frozen=True)
class Grant:
    """Some actions on some resources. Where a resource has a star in it, `because` says why it must."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, str | list[str]]] = field(default_factory=dict)
    because: str = ""

    def statement(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources), conditions=self.conditions
        )


def build_role(scope: Construct, construct_id: str, *, service: str, grants: Sequence[Grant]) -> iam.IRole:
    """A role for an AWS service with exactly `grants`; raises ValueError for a star without a reason."""
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(service),
        inline_policies={"Work": iam.PolicyDocument(statements=[grant.statement() for grant in grants])},
    )
    for grant in grants:
        for resource in grant.resources:
            if "*" in resource:
                _acknowledge_star(role, resource, grant)
    return role.without_policy_updates()


def _acknowledge_star(role: iam.Role, resource: str, grant: Grant) -> None:
    if not grant.because:
        raise ValueError(f"{role.node.path}: say why {', '.join(grant.actions)} is allowed on {resource}.")
    acknowledge_wildcard(role, resource, grant.because)

"""Conditions of a template that depend on where it is launched."""

from collections.abc import Mapping
from typing import Any

from local_aws.engine.ministack import wrap


def install() -> None:
    """In a condition AWS resolves the pseudo parameters, such as AWS::Region. MiniStack compares with their names."""
    from ministack.services.cloudformation import changesets, engine, handlers, stacks

    for module in (changesets, engine, handlers, stacks):
        wrap(module, "_evaluate_conditions", _with_pseudo_parameters)


def _with_pseudo_parameters(evaluate: Any) -> Any:
    def evaluate_here(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        from ministack.core.responses import get_account_id, get_region

        pseudo = {
            "AWS::Region": get_region(),
            "AWS::AccountId": get_account_id(),
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        known = {name: {"Value": value} for name, value in pseudo.items()}
        return evaluate(template, {**known, **parameters})

    return evaluate_here

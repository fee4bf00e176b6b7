"""Addresses of pages in the AWS console."""

from __future__ import annotations

from typing import Final

_DOMAINS: Final = {
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def execution_url(execution_arn: str) -> str:
    """The page of an execution of a state machine."""
    _, partition, _, region, *_ = execution_arn.split(":")
    domain = _DOMAINS.get(partition, f"{region}.console.aws.amazon.com")
    return f"https://{domain}/states/home?region={region}#/v2/executions/details/{execution_arn}"

"""The checks (cdk-nag among them) that run while templates are synthesized.

A finding is either fixed, or accepted with a reason next to its construct. Any other finding fails the synthesis.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

REPORT: Final = "validation-report.json"


class ChecksFailed(RuntimeError):
    """A check found something that is neither fixed nor accepted; the message lists each finding and its construct."""


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept the finding `rule`, such as 'AwsSolutions-SMG4', on this construct."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Accept that a policy of this construct allows actions on `resource`, an ARN with a wildcard."""
    text = _as_cdk_nag_writes_it(Stack.of(construct).resolve(resource))
    acknowledge(construct, f"AwsSolutions-IAM5[Resource::{text}]", reason)


def require_clean_report(assembly: Path) -> None:
    """Raise ChecksFailed for every finding in the report that the CDK writes next to the templates.

    The CDK's own error would be a stack trace of its Node process.
    """
    plugins = json.loads((assembly / REPORT).read_text())["pluginReports"]
    findings = [
        finding
        for plugin in plugins
        for violation in plugin["violations"]
        for finding in _findings(violation)
    ]
    failed = [plugin["pluginName"] for plugin in plugins if plugin["conclusion"] != "success"]
    if failed or findings:
        raise ChecksFailed(
            f"The checks ({', '.join(failed) or 'warnings'}) have {len(findings)} findings. "
            "Fix each, or acknowledge it with a reason:\n" + "\n".join(findings)
        )


def _findings(violation: dict[str, Any]) -> list[str]:
    rule, description = violation["ruleName"], violation["description"]
    constructs = violation.get("violatingConstructs") or [{}]
    return [f"- {construct.get('constructPath', '?')}: {rule}: {description}" for construct in constructs]


def _as_cdk_nag_writes_it(value: Any) -> str:
    """A resolved value as text, with <AWS::AccountId> for what is known only when the stack is deployed."""
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
            raise TypeError(f"How cdk-nag writes {value!r} is not known here.")

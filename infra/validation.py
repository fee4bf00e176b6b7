"""Whether the checks that run while synthesizing (cdk-nag among them) left anything unanswered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

REPORT: Final = "validation-report.json"


class ChecksFailed(RuntimeError):
    """A check found something that is neither mended nor acknowledged; the message lists what and where."""


def demand_clean_report(assembly: Path) -> None:
    """Raise ChecksFailed for every finding in the report that the CDK writes next to the templates.

    Read here in place of the CDK's own error, which would be a stack trace of the Node process behind it.
    """
    report = json.loads((assembly / REPORT).read_text())
    plugins = report["pluginReports"]
    findings = [
        finding
        for plugin in plugins
        for violation in plugin["violations"]
        for finding in _findings(violation)
    ]
    failed = [plugin["pluginName"] for plugin in plugins if plugin["conclusion"] != "success"]
    if failed or findings:
        raise ChecksFailed(
            f"{len(findings)} findings of the checks are neither mended nor acknowledged "
            f"({', '.join(failed) or 'warnings'}):\n" + "\n".join(findings)
        )


def _findings(violation: dict[str, Any]) -> list[str]:
    rule, description = violation["ruleName"], violation["description"]
    constructs = violation.get("violatingConstructs") or [{}]
    return [f"- {construct.get('constructPath', '?')}: {rule}: {description}" for construct in constructs]

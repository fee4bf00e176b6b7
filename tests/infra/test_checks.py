"""The checks of the templates pass, and a finding makes them fail."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_secretsmanager as secretsmanager
from cdk_nag import AwsSolutionsChecks

from infra.application import ROOT
from infra.checks import ChecksFailed, acknowledge, require_clean_report
from infra.settings import context_of
from tests.infra.templates import Assembly


def synthesize_a_secret(folder: Path, *, reason: str = "") -> None:
    """An application with one finding: a secret that is never rotated."""
    app = App(outdir=str(folder), context=context_of(ROOT / "cdk.json"))
    secret = secretsmanager.CfnSecret(Stack(app, "Example"), "Secret")
    if reason:
        acknowledge(secret, "AwsSolutions-SMG4", reason)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


def test_a_finding_that_is_not_acknowledged_fails_with_its_construct_and_rule(tmp_path: Path) -> None:
    synthesize_a_secret(tmp_path)
    with pytest.raises(ChecksFailed, match="Example/Secret: AwsSolutions-SMG4: "):
        require_clean_report(tmp_path)


def test_an_acknowledged_finding_passes(tmp_path: Path) -> None:
    synthesize_a_secret(tmp_path, reason="It is an example.")
    require_clean_report(tmp_path)


def test_this_application_has_no_open_finding(assembly: Assembly) -> None:
    require_clean_report(assembly.folder)


def test_a_missing_report_is_not_a_clean_report(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        require_clean_report(tmp_path)


def cfn_lint_findings(assembly: Assembly) -> list[Any]:
    templates = [str(path) for path in sorted(assembly.folder.glob("*.template.json"))]
    assert len(templates) == len(assembly.stacks())
    config = str(ROOT / ".cfnlintrc")
    command = ["cfn-lint", "--config-file", config, "--format", "json", "--template", *templates]
    result = subprocess.run(command, cwd=assembly.folder, capture_output=True, text=True, check=False)
    findings: list[Any] = json.loads(result.stdout or "[]")
    assert findings or result.returncode == 0, result.stderr
    return findings


def test_cfn_lint_finds_nothing_in_any_template(assembly: Assembly) -> None:
    assert cfn_lint_findings(assembly) == []

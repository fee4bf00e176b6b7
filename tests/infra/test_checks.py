"""The checks of the templates: they pass, and they would not pass in silence."""

from __future__ import annotations

import json
import subprocess
import sys
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

# The one of this environment: another version, which PATH may have first, knows other rules.
CFN_LINT = str(Path(sys.executable).with_name("cfn-lint"))


def synthesize_a_secret(folder: Path, *, reason: str = "") -> None:
    """An application with one finding: a secret that is never rotated."""
    app = App(
        outdir=str(folder),
        context=context_of(ROOT / "cdk.json"),
        builtin_cloud_formation_validation=False,  # takes seconds; here it is about cdk-nag
    )
    secret = secretsmanager.CfnSecret(Stack(app, "Example"), "Secret")
    if reason:
        acknowledge(secret, "AwsSolutions-SMG4", reason)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


@pytest.mark.synthesizes
def test_what_cdk_nag_finds_and_nobody_acknowledged_fails_with_place_and_rule(tmp_path: Path) -> None:
    synthesize_a_secret(tmp_path)
    with pytest.raises(ChecksFailed, match="Example/Secret: AwsSolutions-SMG4: "):
        require_clean_report(tmp_path)


@pytest.mark.synthesizes
def test_what_somebody_acknowledged_passes(tmp_path: Path) -> None:
    synthesize_a_secret(tmp_path, reason="It is an example.")
    require_clean_report(tmp_path)


def test_this_application_has_nothing_unanswered(assembly: Assembly) -> None:
    require_clean_report(assembly.folder)


def test_a_report_that_is_not_there_is_no_clean_report(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        require_clean_report(tmp_path)


def complaints_of_cfn_lint(assembly: Assembly) -> list[Any]:
    templates = [str(path) for path in sorted(assembly.folder.glob("*.template.json"))]
    assert len(templates) == len(assembly.stacks())
    config = str(ROOT / ".cfnlintrc")
    command = [CFN_LINT, "--config-file", config, "--format", "json", "--template", *templates]
    result = subprocess.run(command, cwd=assembly.folder, capture_output=True, text=True, check=False)
    complaints: list[Any] = json.loads(result.stdout or "[]")
    assert complaints or result.returncode == 0, result.stderr
    return complaints


@pytest.mark.synthesizes
def test_cfn_lint_has_no_complaint_about_any_template(assembly: Assembly) -> None:
    assert complaints_of_cfn_lint(assembly) == []

"""The CDK application: one stack in the home region, and one with the documents in every worker region."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from aws_cdk import App, Environment, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.checks import require_clean_report
from infra.documents_stack import DocumentsStack
from infra.script_source import script_source
from infra.settings import Settings, context_of, own_settings
from infra.snow_white_stack import SnowWhiteStack

ROOT: Final = Path(__file__).parent.parent


def synthesize(outdir: Path | None = None) -> Path:
    """Write templates and assets to `outdir` (default: CDK_OUTDIR, else cdk.out/) and return that folder.

    Raises InvalidSettings, BundlingFailed, DocumentTooLarge, or ChecksFailed for findings that are not acknowledged.
    """
    folder = outdir or Path(os.environ.get("CDK_OUTDIR", ROOT / "cdk.out"))
    app = App(
        outdir=str(folder),
        context=context_of(ROOT / "cdk.json"),
        analytics_reporting=False,
        # It only warns, and doubles the time of a synthesis. ./scripts/test has cfn-lint check the templates.
        builtin_cloud_formation_validation=False,
    )
    context = {key: app.node.try_get_context(key) for key in ("snow_white", "snow_white_overrides")}
    add_stacks(app, own_settings({key: value for key, value in context.items() if value is not None}))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    require_clean_report(folder)
    return folder


def add_stacks(app: App, settings: Settings) -> None:
    """Add every stack. The home stack is deployed last: the state machine needs the documents."""
    home = SnowWhiteStack(
        app,
        "SnowWhite",
        settings=settings,
        env=Environment(account=settings.account, region=settings.home_region),
        description="Snow White: quiets, stops and wakes Sidekiq workers on Elastic Beanstalk",
    )
    for documents in add_documents(app, settings):
        home.add_stack_dependency(documents)
    Tags.of(app).add("application", "snow-white")


def add_documents(app: App, settings: Settings) -> list[DocumentsStack]:
    """Add the stack with the documents of every worker region."""
    source = script_source(settings.script_source, settings.script_source_token)
    return [
        DocumentsStack(
            app,
            f"SnowWhite-Documents-{region}",
            source=source,
            launchers=settings.launchers,
            settings=settings,
            env=Environment(account=settings.account, region=region),
            description=f"Snow White: the SSM Command documents for the workers in {region}",
        )
        for region in settings.regions
    ]

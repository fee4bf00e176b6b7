"""A customer's stack that holds nothing but what wakes the workers of `backups` when the pipeline fails.

`python -m tests.infra.example_wake_on_failure` writes its template to the folder CDK_OUTDIR.
"""

from __future__ import annotations

import os
from pathlib import Path

# Before the CDK, because it says on which Node the CDK runs.
from infra.application import ROOT  # isort: split

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_stepfunctions as sfn

from infra.pipeline import PipelineActions
from infra.settings import context_of

MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"


def synthesize(folder: Path) -> None:
    """Write the template to the folder."""
    app = App(
        outdir=str(folder),
        context=context_of(ROOT / "cdk.json"),
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,  # takes seconds, and nobody reads its report here
    )
    stack = Stack(app, "WakeOnFailure", env=Environment(account="111122223333", region="us-east-1"))
    PipelineActions(
        state_machine=sfn.StateMachine.from_state_machine_arn(stack, "SnowWhite", MACHINE),
        pipeline="backups-deploy",
        application="backups",
        channel="CBACKUPS",
    ).wake_on_failure(stack)
    app.synth()


if __name__ == "__main__":
    synthesize(Path(os.environ["CDK_OUTDIR"]))

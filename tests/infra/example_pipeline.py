"""A customer's pipeline with Snow White in it: source, quiet, deploy to Elastic Beanstalk, wake.

`python -m tests.infra.example_pipeline` writes its template to the folder CDK_OUTDIR.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aws_cdk import App, Environment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.application import ROOT
from infra.checks import acknowledge, acknowledge_wildcard
from infra.pipeline import PipelineActions
from infra.settings import context_of

NAME = "backups-deploy"
APPLICATION = "backups"
ENVIRONMENT = "backups-workers"
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite"


class ExamplePipeline(Stack):
    """The pipeline of an application `backups`, whose new versions are put into a bucket."""

    def __init__(self, scope: Construct, construct_id: str, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, **kwargs)
        versions = self._build_bucket("Versions")
        version = codepipeline.Artifact("Version")
        workers = PipelineActions(
            state_machine=sfn.StateMachine.from_state_machine_arn(self, "SnowWhite", MACHINE),
            pipeline=NAME,
            application=APPLICATION,
            environments=("workers",),
            regions=("us-east-1",),
            timeout_seconds=86_400,
        )
        source = actions.S3SourceAction(
            action_name="Version", bucket=versions, bucket_key="version.zip", output=version
        )
        deploy = actions.ElasticBeanstalkDeployAction(
            action_name="DeployVersion",
            application_name=APPLICATION,
            environment_name=ENVIRONMENT,
            input=version,
            run_order=2,
        )
        self.pipeline = codepipeline.Pipeline(
            self,
            "Pipeline",
            pipeline_name=NAME,
            pipeline_type=codepipeline.PipelineType.V2,
            # One deploy after the other: a second one must not wake workers that the first wants quiet.
            execution_mode=codepipeline.ExecutionMode.QUEUED,
            artifact_bucket=self._build_bucket("Artifacts"),
            stages=[
                codepipeline.StageProps(stage_name="Source", actions=[source]),
                codepipeline.StageProps(
                    stage_name="Deploy",
                    actions=[workers.quiet(run_order=1), deploy, workers.wake(run_order=3)],
                ),
            ],
        )

        workers.wake_on_failure(self)
        self._acknowledge_what_the_cdk_grants()

    def _acknowledge_what_the_cdk_grants(self) -> None:
        for action in ("s3:GetObject*", "s3:GetBucket*", "s3:List*", "s3:DeleteObject*", "s3:Abort*"):
            acknowledge(self.pipeline, f"AwsSolutions-IAM5[Action::{action}]", "The CDK grants artifacts so.")
        acknowledge_wildcard(
            self.pipeline,
            self.pipeline.artifact_bucket.arn_for_objects("*"),
            "Each execution has new artifacts.",
        )
        for action in ("quiet", "wake"):
            acknowledge_wildcard(
                self.pipeline,
                f"{MACHINE.replace(':stateMachine:', ':execution:')}:{action}-{APPLICATION}*",
                "A run gets its name when it is started.",
            )
        acknowledge(
            self.pipeline,
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AdministratorAccess-AWSElasticBeanstalk]",
            "The CDK's deploy action asks for it.",
        )

    def _build_bucket(self, construct_id: str) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            construct_id,
            versioned=True,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(bucket, "AwsSolutions-S1", "An example: who reads versions is not of interest.")
        return bucket


def synthesize(folder: Path) -> None:
    """Write the template and the report of the checks to the folder."""
    app = App(outdir=str(folder), context=context_of(ROOT / "cdk.json"), analytics_reporting=False)
    ExamplePipeline(app, "ExamplePipeline", env=Environment(account="111122223333", region="us-east-1"))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    synthesize(Path(os.environ["CDK_OUTDIR"]))

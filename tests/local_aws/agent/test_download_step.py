"""A document that downloads its script runs on a worker host, with the script from the local S3."""

from __future__ import annotations

import json
from typing import Any

from infra.command_documents import action_script, command_document
from infra.script_source import S3Folder
from local_aws import LocalAws
from tests.patience import eventually

REGION = "eu-west-1"
BUCKET, FOLDER = "orchard-scripts", "snow-white/"
DOCUMENT = "Orchard-Status"


def launched_host(aws: LocalAws) -> str:
    """The instance id of a new host without Sidekiq."""
    beanstalk = aws.client("elasticbeanstalk", REGION)
    beanstalk.create_application(ApplicationName="orchard")
    beanstalk.create_application_version(ApplicationName="orchard", VersionLabel="v1")
    beanstalk.create_environment(
        ApplicationName="orchard",
        EnvironmentName="orchard-workers",
        VersionLabel="v1",
        OptionSettings=[{"Namespace": "snow-white:local", "OptionName": "Workers", "Value": "none"}],
    )

    def is_ready() -> bool:
        (environment,) = beanstalk.describe_environments(ApplicationName="orchard")["Environments"]
        return str(environment["Status"]) == "Ready"

    eventually(is_ready, "the environment is ready")
    tagged = [{"Name": "tag:elasticbeanstalk:environment-name", "Values": ["orchard-workers"]}]
    (reservation,) = aws.client("ec2", REGION).describe_instances(Filters=tagged)["Reservations"]
    return str(reservation["Instances"][0]["InstanceId"])


def test_a_downloaded_script_runs_if_it_is_the_expected_one_and_nothing_else_does(aws: LocalAws) -> None:
    instance = launched_host(aws)
    s3, ssm = aws.client("s3", REGION), aws.client("ssm", REGION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    source = S3Folder(f"https://s3.{REGION}.amazonaws.com/{BUCKET}/{FOLDER}")
    content = json.dumps(command_document("status", source))
    ssm.create_document(Name=DOCUMENT, Content=content, DocumentType="Command")

    def steps_of_a_command() -> list[dict[str, Any]]:
        """How the download and the run went."""
        command = ssm.send_command(DocumentName=DOCUMENT, InstanceIds=[instance])["Command"]["CommandId"]

        def over() -> list[dict[str, Any]]:
            listed = ssm.list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
            (invocation,) = listed
            return invocation["CommandPlugins"] if invocation["Status"] in ("Success", "Failed") else []

        return eventually(over, f"{command} has ended")

    download, run = steps_of_a_command()
    assert download["Status"] == "Failed"
    assert "NoSuchKey" in download["Output"]
    assert run["ResponseCode"] == 1
    assert json.loads(run["Output"].splitlines()[0])["result"] == "unconfirmed"

    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}status.sh", Body=b"echo harm\n")
    download, run = steps_of_a_command()
    assert (download["Status"], run["ResponseCode"]) == ("Success", 1)
    assert "is not the expected one" in run["Output"]
    assert "harm" not in run["Output"]

    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}status.sh", Body=action_script("status").encode())
    download, run = steps_of_a_command()
    assert (download["Status"], run["ResponseCode"]) == ("Success", 3)
    assert json.loads(run["Output"].splitlines()[0])["result"] == "no_worker"

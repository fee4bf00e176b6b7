"""A customer's application on the local AWS: what a test or the demo may ask it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from demonstration.customer import Application, EnvironmentFailed
from local_aws import LocalAws
from tests.patience import eventually

REGION = "eu-west-1"


@pytest.fixture
def application(aws: LocalAws) -> Iterator[Application]:
    application = Application(aws, f"shop{secrets.token_hex(4)}", "redis://127.0.0.1:1/0")
    yield application
    application.terminate()


def test_an_environment_that_cannot_start_its_workers_is_an_error_with_its_reason(
    application: Application,
) -> None:
    name = application.add_environment("workers", REGION, sidekiq="--tag 'never closed")

    with pytest.raises(
        EnvironmentFailed, match=rf"(?s){name} in {REGION}.*local_aws\.log.*No closing quotation"
    ):
        eventually(application.is_ready, f"{name} is ready")


def test_an_instance_is_confirmed_at_the_documents_last_success(application: Application) -> None:
    name = application.add_environment("idle", REGION, Workers="none")
    eventually(application.is_ready, f"{name} is ready")
    (instance,) = application.instances(name, REGION)
    ssm = application.aws.client("ssm", REGION)
    for document, code in (("Drain", 0), ("Ask", 0), ("Fail", 1)):
        inputs = {"runCommand": [f"exit {code}"]}
        step = {"action": "aws:runShellScript", "name": "work", "inputs": inputs}
        content = {"schemaVersion": "2.2", "mainSteps": [step]}
        ssm.create_document(
            Name=f"{application.name}-{document}", Content=json.dumps(content), DocumentType="Command"
        )

    def run(document: str) -> None:
        command = ssm.send_command(DocumentName=f"{application.name}-{document}", InstanceIds=[instance])
        wanted = command["Command"]["CommandId"]
        eventually(
            lambda: ssm.list_commands(CommandId=wanted)["Commands"][0]["Status"] in ("Success", "Failed"),
            f"{document} has ended",
        )

    run("Drain")
    first = application.confirmed_at(instance, REGION, f"{application.name}-Drain")
    run("Ask")
    run("Fail")

    assert application.confirmed_at(instance, REGION, f"{application.name}-Drain") == first
    assert application.confirmed_at(instance, REGION, f"{application.name}-Ask") > first
    with pytest.raises(ValueError, match=f"-Fail has not succeeded on {instance}"):
        application.confirmed_at(instance, REGION, f"{application.name}-Fail")

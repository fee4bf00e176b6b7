"""Command documents by the API and by CloudFormation."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws
from tests.patience import eventually

CONTENT: dict[str, Any] = {
    "schemaVersion": "2.2",
    "description": "Says hello.",
    "parameters": {"name": {"type": "String", "default": "you", "allowedPattern": "^[a-z]+$"}},
    "mainSteps": [
        {"action": "aws:runShellScript", "name": "hello", "inputs": {"runCommand": ["echo {{ name }}"]}}
    ],
}


def error_code(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def new_name() -> str:
    return f"Document-{uuid.uuid4().hex[:8]}"


def test_a_document_exists_in_one_region_until_it_is_deleted(aws: LocalAws) -> None:
    ssm, elsewhere, name = aws.client("ssm", "us-east-1"), aws.client("ssm", "eu-west-1"), new_name()
    ssm.create_document(Name=name, Content=json.dumps(CONTENT), DocumentType="Command")

    described = ssm.describe_document(Name=name)["Document"]
    assert (described["Status"], described["SchemaVersion"], described["DefaultVersion"]) == (
        "Active",
        "2.2",
        "1",
    )
    assert [parameter["Name"] for parameter in described["Parameters"]] == ["name"]
    assert json.loads(ssm.get_document(Name=name)["Content"]) == CONTENT
    assert name in [each["Name"] for each in ssm.list_documents()["DocumentIdentifiers"]]
    assert error_code(elsewhere.describe_document, Name=name) == "InvalidDocument"
    assert error_code(ssm.create_document, Name=name, Content=json.dumps(CONTENT)) == "DocumentAlreadyExists"

    ssm.delete_document(Name=name)
    assert error_code(ssm.describe_document, Name=name) == "InvalidDocument"


def test_a_new_version_runs_once_it_is_the_default(aws: LocalAws) -> None:
    ssm, name = aws.client("ssm"), new_name()
    ssm.create_document(Name=name, Content=json.dumps(CONTENT), DocumentType="Command")
    changed = json.dumps({**CONTENT, "description": "Says more."})

    ssm.update_document(Name=name, Content=changed, DocumentVersion="$LATEST")

    assert json.loads(ssm.get_document(Name=name)["Content"]) == CONTENT
    assert ssm.get_document(Name=name, DocumentVersion="$LATEST")["Content"] == changed
    ssm.update_document_default_version(Name=name, DocumentVersion="2")
    assert ssm.get_document(Name=name)["Content"] == changed
    assert error_code(ssm.update_document, Name=name, Content=changed) == "DuplicateDocumentContent"
    assert error_code(ssm.get_document, Name=name, DocumentVersion="3") == "InvalidDocumentVersion"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "InvalidDocumentContent"),
        ("[]", "InvalidDocumentContent"),
        (json.dumps({**CONTENT, "schemaVersion": "0.3"}), "InvalidDocumentContent"),
        (json.dumps({**CONTENT, "mainSteps": []}), "InvalidDocumentContent"),
        (
            json.dumps({**CONTENT, "parameters": {"not_allowed": {"type": "String"}}}),
            "InvalidDocumentContent",
        ),
        (json.dumps({**CONTENT, "description": "x" * 65536}), "MaxDocumentSizeExceeded"),
    ],
)
def test_a_document_that_the_service_would_refuse_is_refused(aws: LocalAws, content: str, code: str) -> None:
    create = aws.client("ssm").create_document

    assert error_code(create, Name=new_name(), Content=content, DocumentType="Command") == code


class Stack:
    """A stack with one document."""

    def __init__(self, aws: LocalAws) -> None:
        self._cloudformation = aws.client("cloudformation", "eu-west-1")
        self.name = f"stack-{uuid.uuid4().hex[:8]}"
        self.document = new_name()

    def apply(self, content: dict[str, Any], **properties: Any) -> str:
        """Create or update it; returns the status it settles in."""
        document = {"Name": self.document, "DocumentType": "Command", "Content": content, **properties}
        template = {"Resources": {"Document": {"Type": "AWS::SSM::Document", "Properties": document}}}
        exists = self._status() != "gone"
        call = self._cloudformation.update_stack if exists else self._cloudformation.create_stack
        call(StackName=self.name, TemplateBody=json.dumps(template))
        return self.settled()

    def delete(self) -> str:
        self._cloudformation.delete_stack(StackName=self.name)
        return self.settled()

    def settled(self) -> str:
        return str(
            eventually(
                lambda: (status := self._status()) and not status.endswith("_IN_PROGRESS") and status,
                f"{self.name} is settled",
            )
        )

    def _status(self) -> str:
        try:
            return str(self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])
        except ClientError:
            return "gone"


def test_cloudformation_creates_updates_and_deletes_a_document(aws: LocalAws) -> None:
    ssm, stack = aws.client("ssm", "eu-west-1"), Stack(aws)
    changed = {**CONTENT, "description": "Says more."}

    assert stack.apply(CONTENT, UpdateMethod="NewVersion") == "CREATE_COMPLETE"
    assert json.loads(ssm.get_document(Name=stack.document)["Content"]) == CONTENT

    assert stack.apply(changed, UpdateMethod="NewVersion") == "UPDATE_COMPLETE"
    latest = ssm.get_document(Name=stack.document, DocumentVersion="$LATEST")
    assert (json.loads(latest["Content"]), latest["DocumentVersion"]) == (changed, "2")

    assert stack.delete() in ("DELETE_COMPLETE", "gone")
    assert error_code(ssm.get_document, Name=stack.document) == "InvalidDocument"


def test_an_update_by_cloudformation_does_not_move_the_default_version(aws: LocalAws) -> None:
    ssm, stack = aws.client("ssm", "eu-west-1"), Stack(aws)
    stack.apply(CONTENT, UpdateMethod="NewVersion")
    stack.apply({**CONTENT, "description": "Says more."}, UpdateMethod="NewVersion")

    default = ssm.get_document(Name=stack.document)
    assert (json.loads(default["Content"]), default["DocumentVersion"]) == (CONTENT, "1")

    ssm.update_document_default_version(Name=stack.document, DocumentVersion="2")
    assert ssm.get_document(Name=stack.document)["DocumentVersion"] == "2"


def test_cloudformation_does_not_replace_a_document_with_a_name_of_its_own(aws: LocalAws) -> None:
    ssm, stack = aws.client("ssm", "eu-west-1"), Stack(aws)
    stack.apply(CONTENT)

    assert stack.apply({**CONTENT, "description": "Says more."}) == "UPDATE_ROLLBACK_COMPLETE"
    assert json.loads(ssm.get_document(Name=stack.document)["Content"]) == CONTENT


def test_a_stack_with_a_document_that_the_service_refuses_is_rolled_back(aws: LocalAws) -> None:
    assert Stack(aws).apply({**CONTENT, "mainSteps": []}) == "ROLLBACK_COMPLETE"

"""Functions fail, start and import as they do on AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import Credentials, LocalAws
from tests.local_aws.workbench import Workbench


def invoke(aws: LocalAws, event: dict[str, Any]) -> tuple[bool, Any]:
    answer = aws.client("lambda").invoke(FunctionName="workbench", Payload=json.dumps(event))
    return "FunctionError" in answer, json.load(answer["Payload"])


def test_the_class_of_an_exception_is_the_name_of_the_error(aws: LocalAws, workbench: Workbench) -> None:
    failed, body = invoke(aws, {"raise": "not today"})

    assert failed
    assert body["errorType"] == "WorkerBusy"
    assert body["errorMessage"] == "not today"
    assert body["stackTrace"]


def test_a_catch_finds_the_error_by_that_name(workbench: Workbench) -> None:
    caught = {"ErrorEquals": ["WorkerBusy"], "Next": "Caught", "ResultPath": "$.error"}
    ended = workbench.run(
        {"Work": workbench.task(Catch=[caught], End=True), "Caught": {"Type": "Succeed"}}, {"raise": "no"}
    )

    assert ended["status"] == "SUCCEEDED"
    error = json.loads(ended["output"])["error"]
    assert error["Error"] == "WorkerBusy"
    assert json.loads(error["Cause"])["errorMessage"] == "no"


def test_a_function_that_raised_serves_the_next_call_in_the_same_process(
    aws: LocalAws, workbench: Workbench
) -> None:
    _, before = invoke(aws, {})
    invoke(aws, {"raise": "no"})
    _, after = invoke(aws, {})

    assert (after["pid"], after["invocations"]) == (before["pid"], before["invocations"] + 2)


@pytest.mark.parametrize("package", ["pytest", "ministack", "boto3"])
def test_a_function_cannot_import_what_its_bundle_does_not_have(
    aws: LocalAws, workbench: Workbench, package: str
) -> None:
    failed, body = invoke(aws, {"import": package})

    assert failed
    assert body["errorType"] == "ModuleNotFoundError"


def test_a_function_has_the_keys_of_its_role_and_no_others(aws: LocalAws, workbench: Workbench) -> None:
    names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
    _, body = invoke(aws, {"environment": True})
    environment = body["environment"]
    keys = Credentials(*(environment[name] for name in names))

    with pytest.raises(ClientError, match=":assumed-role/workbench/workbench is not authorized"):
        aws.client("iam", credentials=keys).list_users()
    for text in environment.values():
        assert aws.root.secret_access_key not in text and aws.root.access_key_id not in text
    assert "PYTHONPATH" not in environment
    assert environment["AWS_ENDPOINT_URL"] == aws.endpoint

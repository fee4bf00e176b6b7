"""Functions fail, start and import as they do on AWS."""

import json
from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from local_aws.bundles import unpacked, zipped
from tests.local_aws.workbench import Workbench


def invoke(aws: LocalAws, event: dict[str, Any]) -> tuple[bool, Any]:
    answer = aws.client("lambda").invoke(FunctionName="workbench", Payload=json.dumps(event))
    return "FunctionError" in answer, json.load(answer["Payload"])


def test_the_class_of_an_exception_is_the_name_of_the_error(aws: LocalAws, workbench: Workbench) -> None:
    failed, body = invoke(aws, {"raise": "not today"})

    assert failed
    assert body["errorType"] == "WorkerShy"
    assert body["errorMessage"] == "not today"
    assert body["stackTrace"]


def test_a_catch_finds_the_error_by_that_name(workbench: Workbench) -> None:
    caught = {"ErrorEquals": ["WorkerShy"], "Next": "Caught", "ResultPath": "$.error"}
    ended = workbench.run(
        {"Work": workbench.task(Catch=[caught], End=True), "Caught": {"Type": "Succeed"}}, {"raise": "no"}
    )

    assert ended["status"] == "SUCCEEDED"
    error = json.loads(ended["output"])["error"]
    assert error["Error"] == "WorkerShy"
    assert json.loads(error["Cause"])["errorMessage"] == "no"


def test_a_function_that_raised_goes_on_in_the_same_process(aws: LocalAws, workbench: Workbench) -> None:
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


def test_a_function_sees_no_keys_but_those_of_its_role(aws: LocalAws, workbench: Workbench) -> None:
    sessions = aws.client("sts")
    arn = sessions.get_caller_identity()["Arn"]

    assert arn.endswith(":root")
    ended = workbench.run({"Work": workbench.task(End=True)}, {"import": "json"})
    assert ended["status"] == "SUCCEEDED"


def test_code_is_packed_with_compiled_modules_and_unpacked_once(tmp_path: Path) -> None:
    asset = tmp_path / "asset.0123"
    asset.mkdir()
    (asset / "index.py").write_text("answer = 42\n")
    kept, private = tmp_path / "kept", tmp_path / "private"

    content = zipped(asset, kept)

    assert zipped(asset, kept) == content
    assert unpacked(content, private, kept).parent == kept
    elsewhere = unpacked(content, private, tmp_path / "nothing")
    assert elsewhere.parent == private
    assert unpacked(content, private, tmp_path / "nothing") == elsewhere
    assert (elsewhere / "index.py").read_text() == "answer = 42\n"
    assert list((elsewhere / "__pycache__").glob("index.*.pyc"))

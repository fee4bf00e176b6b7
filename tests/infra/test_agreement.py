"""Facts that infra/ shares with lambdas/ or ssm_documents/ are the same in both."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import snow_white
from infra.command_documents import command_document
from infra.constructs.state_machine import COMMENT, MAX_DRAIN, TRANSIENT_ERRORS
from infra.script_source import S3Folder
from snow_white.aws import run_command
from snow_white.aws.regions import RegionUnavailable
from snow_white.model.action import Action
from snow_white.model.durations import DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS, MIN_TIMEOUT_SECONDS
from snow_white.reporting.errors import OWN_ERRORS
from tests.infra.conftest import REGIONS
from tests.infra.templates import Assembly

# Names of errors that Step Functions and Lambda raise themselves.
OF_AWS = re.compile(r"(Lambda|Runtime|States|Sandbox)\.\w+")


def raised_names() -> set[str]:
    """The names of all exception classes of the domain."""
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(snow_white.__path__, "snow_white.")
    ]
    return {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == module.__name__
    }


@pytest.mark.parametrize("region", REGIONS)
def test_the_documents_that_are_deployed_are_those_that_are_sent(region: str, assembly: Assembly) -> None:
    deployed = assembly.template(f"SnowWhite-Documents-{region}").resources("AWS::SSM::Document").values()
    assert {document["Name"] for document in deployed} == {action.document_name for action in Action}


@pytest.mark.parametrize("action", Action)
def test_a_document_accepts_exactly_the_timeouts_of_a_request(action: str) -> None:
    parameter = command_document(action)["parameters"]["executionTimeout"]
    taken = [
        seconds
        for seconds in range(MAX_TIMEOUT_SECONDS + 1_000)
        if re.search(parameter["allowedPattern"], str(seconds))
    ]
    assert taken == list(range(MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS + 1))
    assert parameter["default"] == str(DEFAULT_TIMEOUT_SECONDS)
    assert f"{MIN_TIMEOUT_SECONDS} to {MAX_TIMEOUT_SECONDS}" in parameter["description"]


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("source", [None, S3Folder("https://s3.us-east-1.amazonaws.com/scripts/")])
def test_the_answer_is_read_from_the_step_that_runs_the_script(action: str, source: S3Folder | None) -> None:
    steps = command_document(action, source)["mainSteps"]
    read = [step for step in steps if not step["name"].startswith(run_command.DOWNLOAD_STEP)]
    assert [step["action"] for step in read] == ["aws:runShellScript"]


def test_the_machine_outlives_the_longest_timeout_of_a_request() -> None:
    assert MAX_DRAIN.to_seconds() == MAX_TIMEOUT_SECONDS
    assert f"({MIN_TIMEOUT_SECONDS} to {MAX_TIMEOUT_SECONDS})" in COMMENT


def test_region_unavailable_is_the_only_error_of_the_functions_that_is_retried() -> None:
    own = {error for error in TRANSIENT_ERRORS if not OF_AWS.fullmatch(error)}
    assert own == {RegionUnavailable.__name__}


def test_every_error_with_its_own_sentence_is_one_that_the_functions_raise() -> None:
    assert raised_names() >= OWN_ERRORS
    assert RegionUnavailable.__name__ in OWN_ERRORS

"""Every worker region has the four documents, as infra/command_documents.py puts them together."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.application import add_documents
from infra.command_documents import (
    LARGEST_SCRIPT_DOCUMENT,
    action_script,
    command_document,
    document_sizes,
)
from infra.settings import Settings
from snow_white.model.action import Action
from tests.infra.conftest import REGIONS, ROOT
from tests.infra.templates import Assembly, Json, Template
from tests.infra.unvalidated import unvalidated_app

ACTIONS = ["quiet", "stop", "wake", "status"]


@pytest.fixture(scope="module", params=REGIONS)
def documents(request: pytest.FixtureRequest, assembly: Assembly) -> dict[str, Json]:
    """The documents of one region, by name."""
    template = assembly.template(f"SnowWhite-Documents-{request.param}")
    return {each["Name"]: each for each in template.resources("AWS::SSM::Document").values()}


def test_a_region_has_one_document_per_action_under_its_fixed_name(documents: dict[str, Json]) -> None:
    assert list(documents) == [f"SnowWhite-{action.capitalize()}SidekiqWorkers" for action in ACTIONS]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_document_is_what_command_documents_says(action: str, documents: dict[str, Json]) -> None:
    document = documents[Action(action).document_name]
    assert document["Content"] == command_document(action)
    assert (document["DocumentType"], document["DocumentFormat"]) == ("Command", "JSON")


@pytest.mark.parametrize("action", ACTIONS)
def test_by_default_a_host_downloads_nothing(action: str, documents: dict[str, Json]) -> None:
    (step,) = documents[Action(action).document_name]["Content"]["mainSteps"]
    assert step["action"] == "aws:runShellScript"


@pytest.mark.synthesizes
def test_with_a_script_source_a_host_downloads_the_script_and_knows_what_it_must_hash_to() -> None:
    (template,) = documents_templates(
        script_source="https://github.com/acme/scripts/tree/" + "a1" * 20 + "/workers",
        script_source_token="/github-token",
    )
    for action in ACTIONS:
        (content,) = [
            each["Content"]
            for each in template.resources("AWS::SSM::Document").values()
            if each["Name"] == Action(action).document_name
        ]
        download, run = content["mainSteps"]
        assert download["action"] == "aws:downloadContent"
        assert download["inputs"]["sourceType"] == "GitHub"
        # The agent reads text with JSON in it, and no JSON.
        assert json.loads(download["inputs"]["sourceInfo"]) == {
            "owner": "acme",
            "repository": "scripts",
            "path": f"workers/{action}.sh",
            "getOptions": "commitID:" + "a1" * 20,
            "tokenInfo": "{{ssm-secure:/github-token}}",
        }
        script = action_script(action).encode()
        assert hashlib.sha256(script).hexdigest() in "\n".join(run["inputs"]["runCommand"])
        assert len(json.dumps(content)) < 4096, "the script itself does not stand in it"


@pytest.mark.synthesizes
@pytest.mark.parametrize("source", ["", "https://s3.eu-west-1.amazonaws.com/acme-scripts/snow-white/"])
def test_the_launchers_of_the_settings_are_the_script_s_further_words(source: str) -> None:
    (template,) = documents_templates(launchers=["bin/worker", "worker.rb"], script_source=source)
    for document in template.resources("AWS::SSM::Document").values():
        script = document["Content"]["mainSteps"][-1]["inputs"]["runCommand"][0]
        run = "" if document["Name"] == Action.STATUS.document_name else "{{ run }}"
        words = f"'{{{{ executionTimeout }}}}' '{run}' 'bin/worker' 'worker.rb'"
        assert words in script.splitlines()[1]


@pytest.mark.synthesizes
def test_with_a_bucket_it_is_the_object_of_the_action() -> None:
    (template,) = documents_templates(
        script_source="https://s3.eu-west-1.amazonaws.com/acme-scripts/snow-white/"
    )
    sources = {
        each["Name"]: each["Content"]["mainSteps"][0]["inputs"]["sourceInfo"]
        for each in template.resources("AWS::SSM::Document").values()
    }
    assert {name: json.loads(source) for name, source in sources.items()} == {
        action.document_name: {
            "path": f"https://s3.eu-west-1.amazonaws.com/acme-scripts/snow-white/{action}.sh"
        }
        for action in Action
    }


def documents_templates(**settings: object) -> list[Template]:
    """The templates with documents of an application in one region, made in this process and without functions."""
    region = "eu-west-1"
    app = unvalidated_app()
    add_documents(app, Settings.from_mapping({"home_region": region, "regions": [region], **settings}))
    return [Template(stack.template) for stack in app.synth().stacks]


def test_what_is_uploaded_is_what_the_documents_expect(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.command_documents", str(tmp_path / "scripts")]
    subprocess.run(command, cwd=ROOT, check=True)
    written = {path.name: path.read_text() for path in (tmp_path / "scripts").iterdir()}
    assert written == {f"{action}.sh": action_script(action) for action in ACTIONS}


@pytest.mark.synthesizes
def test_a_document_that_is_too_large_ends_the_synthesis_with_a_sentence(tmp_path: Path) -> None:
    script = (
        "import runpy, infra.command_documents as documents; documents.LARGEST_DOCUMENT = 4096; "
        "runpy.run_path('app.py', run_name='__main__')"
    )
    environ = {**os.environ, "CDK_OUTDIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert re.search(r"^SnowWhite-\w+ has \d+ bytes, SSM takes 4096\.$", result.stderr.strip()), result.stderr


def test_a_changed_script_becomes_a_new_version_under_the_same_name(documents: dict[str, Json]) -> None:
    assert {each["UpdateMethod"] for each in documents.values()} == {"NewVersion"}


def test_a_document_is_smaller_than_the_service_takes(documents: dict[str, Json]) -> None:
    assert all(len(json.dumps(each["Content"])) < 64 * 1024 for each in documents.values())


def test_a_document_with_its_script_is_smaller_than_our_own_bound() -> None:
    sizes = document_sizes()
    assert set(sizes) == set(ACTIONS)
    assert max(sizes.values()) <= LARGEST_SCRIPT_DOCUMENT == 60_000, f"bytes of each document: {sizes}"


def test_the_sizes_of_the_documents_are_printed_on_request() -> None:
    command = [sys.executable, "-m", "infra.command_documents", "--sizes"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for action, size in document_sizes().items():
        assert size == len(json.dumps(command_document(action)))
        assert re.search(rf"^{action} +{size} bytes$", printed, re.MULTILINE)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_script_is_one_string_that_the_agent_writes_into_its_file_as_it_was_made(action: str) -> None:
    (step,) = command_document(action)["mainSteps"]
    (script,) = step["inputs"]["runCommand"]
    # The agent joins the strings with line breaks and ends the last one with another.
    shebang, limit, body = f"{script}\n".split("\n", 2)
    run = "" if action == "status" else "{{ run }}"
    assert (shebang, limit) == ("#!/bin/bash", f"set -- '{{{{ executionTimeout }}}}' '{run}'")
    assert f"{shebang}\n{body}" == action_script(action)


@given(number=st.integers(min_value=-10, max_value=1_000_000))
@example(number=59)
@example(number=60)
@example(number=172_800)
@example(number=172_801)
def test_the_time_a_worker_is_given_is_between_a_minute_and_two_days(number: int) -> None:
    for action in ACTIONS:
        assert accepts(action, str(number)) is (60 <= number <= 172_800)


@given(tail=st.text(min_size=1).filter(lambda tail: not tail.isdecimal() or not tail.isascii()))
@example(tail="\n")
@example(tail="; reboot")
@example(tail="$(reboot)")
def test_nothing_but_digits_gets_into_the_script(tail: str) -> None:
    assert not accepts("quiet", f"7200{tail}")
    assert not accepts("quiet", f"{tail}7200")


def accepts(action: str, value: str) -> bool:
    """Whether the agent would take the value; it searches the pattern anywhere, hence the anchors."""
    return re.search(allowed_pattern(action), value) is not None


@cache
def allowed_pattern(action: str) -> str:
    """The pattern of the document's executionTimeout."""
    parameter = command_document(action)["parameters"]["executionTimeout"]
    assert parameter["type"] == "String"
    pattern = str(parameter["allowedPattern"])
    assert pattern.startswith("^")
    assert pattern.endswith("$")
    # To the agent, written in Go, $ is the very end; Python lets a line break follow.
    return pattern[:-1] + r"\Z"


def test_the_documents_are_there_before_a_machine_that_sends_them(assembly: Assembly) -> None:
    stacks = assembly.stacks()
    assert set(stacks) == {"SnowWhite", *(f"SnowWhite-Documents-{region}" for region in REGIONS)}
    assert set(stacks) - {"SnowWhite"} <= set(stacks["SnowWhite"]["dependencies"])


def test_each_stack_goes_to_its_own_region_of_the_account_that_deploys(assembly: Assembly) -> None:
    places = {name: stack["environment"] for name, stack in assembly.stacks().items()}
    assert places["SnowWhite"] == "aws://unknown-account/us-east-1"
    for region in REGIONS:
        assert places[f"SnowWhite-Documents-{region}"] == f"aws://unknown-account/{region}"

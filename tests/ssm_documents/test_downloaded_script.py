"""Documents that download their script, and what they do with what is there afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.command_documents import action_script, command_document, script_sha256
from infra.script_source import GitHubFolder, S3Folder
from tests.ssm_documents.bare_host import BareHost

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GITHUB = GitHubFolder("acme", "deploy-scripts", COMMIT, "sidekiq")
S3 = S3Folder("https://s3.eu-west-1.amazonaws.com/acme-scripts/snow-white/")


def test_the_github_document_names_the_pinned_commit_and_what_the_script_must_hash_to() -> None:
    download, run = command_document("quiet", GITHUB)["mainSteps"]

    assert (download["action"], download["inputs"]["sourceType"]) == ("aws:downloadContent", "GitHub")
    assert json.loads(download["inputs"]["sourceInfo"]) == {
        "owner": "acme",
        "repository": "deploy-scripts",
        "path": "sidekiq/quiet.sh",
        "getOptions": f"commitID:{COMMIT}",
    }
    assert download["inputs"]["destinationPath"] == "/var/lib/snow-white/quiet/"
    assert script_sha256("quiet") in "".join(run["inputs"]["runCommand"])
    assert run["inputs"]["timeoutSeconds"] == "{{ executionTimeout }}"


def test_the_s3_document_names_the_object() -> None:
    download, _ = command_document("quiet", S3)["mainSteps"]

    assert (download["action"], download["inputs"]["sourceType"]) == ("aws:downloadContent", "S3")
    assert json.loads(download["inputs"]["sourceInfo"]) == {"path": f"{S3.url}quiet.sh"}


def downloaded(host: BareHost, content: str | None) -> None:
    """What the download step leaves on the host."""
    host.run(["sh", "-c", "mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/snow-white/quiet"])
    if content is not None:
        Path(f"/proc/{host.init_pid}/root/var/lib/snow-white/quiet/quiet.sh").write_text(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(None, "was not downloaded", id="missing"),
        pytest.param("", "is not the expected one", id="0 bytes"),
        pytest.param("echo harm >/run/harm\n", "is not the expected one", id="another"),
        pytest.param(action_script("quiet") + "\n", "is not the expected one", id="one byte more"),
        pytest.param(action_script("stop"), "is not the expected one", id="another action's"),
    ],
)
def test_a_script_that_is_not_the_expected_one_is_not_run_and_the_answer_says_so(
    host: BareHost, content: str | None, why: str
) -> None:
    downloaded(host, content)
    host.imitate(beat=1)
    (pid,) = host.wait_for_workers(1)

    answer = host.start("quiet", source=S3).answer()

    assert answer.summary() == (1, "unconfirmed")
    assert why in answer.message
    assert host.signals(pid) == []
    assert not host.exists("/run/harm")


def test_the_expected_script_is_run(host: BareHost) -> None:
    downloaded(host, action_script("quiet"))
    host.imitate(jobs="4", beat=1)
    host.wait_for_workers(1)

    answer = host.start("quiet", source=GITHUB).answer()

    assert answer.summary() == (0, "quiet")
    assert "job ends" in [event for _, event in host.events()]

"""The request that a command's options produce."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from snow_white.model.request import Defaults, Limits, Request
from snow_white_cli.access import Access
from snow_white_cli.commands import snow_white
from snow_white_cli.exit_codes import ExitCode
from snow_white_cli.run_session import RunSession

BARE = {"action": "quiet", "application": "backups", "requested_by": "ann"}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The requests that the commands would send."""
    requests: list[dict[str, Any]] = []

    class Started:
        def leave(self) -> int:
            return ExitCode.UNKNOWN

    def start(_access: Access, request: dict[str, Any], *, json_wanted: bool) -> Started:
        assert not json_wanted
        requests.append(request)
        return Started()

    monkeypatch.setattr(RunSession, "start", start)
    monkeypatch.setattr(Access, "caller", lambda _: "ann")
    return requests


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["--direct-message"], {"direct_message": True}),
        (["--no-direct-message"], {"direct_message": False}),
        (["--no-direct-message", "--slack-user", "U0BEN"], {"direct_message": False, "slack_user": "U0BEN"}),
        (["-e", "workers", "-e", "nightly-*"], {"environments": ["workers", "nightly-*"]}),
        (["-r", "eu-west-1", "--timeout", "2d"], {"regions": ["eu-west-1"], "timeout_seconds": 172_800}),
        (["-i", "i-01234567", "--instance", "i-89abcdef"], {"instances": ["i-01234567", "i-89abcdef"]}),
        (["--channel", "C0NIGHT"], {"channel": "C0NIGHT"}),
    ],
)
def test_the_request_holds_the_options_that_were_given(
    sent: list[dict[str, Any]], options: list[str], asked: dict[str, Any]
) -> None:
    result = CliRunner().invoke(snow_white, ["quiet", "-p", "backups", "--no-wait", *options])
    assert (result.exit_code, result.stderr) == (ExitCode.UNKNOWN, "")
    assert sent == [{**BARE, **asked}]
    Request.parse(sent[0], Defaults(("us-east-1", "eu-west-1"), ("workers",)))


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--asg", "backups-*", "--asg", "mail"], {"auto_scaling_groups": ["backups-*", "mail"]}),
        (
            ["--tag", "Role=worker", "--tag", "Role=job-*", "--tag", "Stage=a=b"],
            {"tags": {"Role": ["worker", "job-*"], "Stage": ["a=b"]}},
        ),
    ],
)
def test_groups_or_tags_may_be_named_in_place_of_an_application(
    sent: list[dict[str, Any]], options: list[str], asked: dict[str, Any]
) -> None:
    result = CliRunner().invoke(snow_white, ["quiet", "--no-wait", *options])
    assert (result.exit_code, result.stderr) == (ExitCode.UNKNOWN, "")
    assert sent == [{"action": "quiet", "requested_by": "ann", **asked}]
    limits = Limits(("*",), {"Role": ("*",)})
    assert Request.parse(sent[0], Defaults(("us-east-1",), ("workers",), limits)).fleet.name


def test_the_application_is_an_argument_or_an_option(sent: list[dict[str, Any]]) -> None:
    for named in (["backups"], ["-p", "backups"], ["backups", "--application", "backups"]):
        assert CliRunner().invoke(snow_white, ["quiet", *named, "--no-wait"]).exit_code == ExitCode.UNKNOWN
    assert sent == [BARE, BARE, BARE]


def test_every_key_of_a_request_but_action_and_requested_by_has_an_option() -> None:
    options = {parameter.name for parameter in snow_white.commands["quiet"].params}
    assert options >= {
        "application",
        "environments",
        "groups",
        "tags",
        "instances",
        "regions",
        "timeout",
        "channel",
        "slack_user",
        "direct_message",
    }

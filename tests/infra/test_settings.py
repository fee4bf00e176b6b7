"""Settings: where they come from, and the errors for wrong ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.constructs.log_groups import RETENTION
from infra.script_source import GitHubFolder, S3Folder, script_source
from infra.settings import (
    LOG_RETENTION_DAYS,
    InvalidSettings,
    Settings,
    context_of,
    load_settings,
    own_settings,
)

ROOT = Path(__file__).parents[2]
ENOUGH = {"home_region": "us-east-1", "regions": ["us-east-1"]}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_the_settings_in_cdk_json_are_valid() -> None:
    settings = load_settings(context_of(ROOT / "cdk.json"), environ={})
    assert settings.default_environments == ("workers",)
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.account is None


def test_by_default_there_is_no_slash_command_and_nobody_may_use_it() -> None:
    settings = load_settings(context_of(ROOT / "cdk.json"), environ={})
    assert settings.slash_command is False
    assert settings.slash_command_users == settings.slash_command_channels == ()


def test_no_users_and_all_channels_are_valid() -> None:
    settings = Settings.from_mapping(
        {**ENOUGH, "slash_command": True, "slash_command_users": [], "slash_command_channels": ["*"]}
    )
    assert (settings.slash_command_users, settings.slash_command_channels) == ((), ("*",))


def test_the_command_line_overrides_cdk_json_and_the_environment_overrides_both() -> None:
    context = {
        "snow_white": {**ENOUGH, "log_level": "INFO", "slack_channel": "C00000001"},
        "snow_white_overrides": '{"log_level": "DEBUG", "slack_channel": "C00000002"}',
    }
    settings = load_settings(context, {"SNOW_WHITE_OVERRIDES": '{"slack_channel": "C00000003"}'})
    assert (settings.log_level, settings.slack_channel) == ("DEBUG", "C00000003")


def test_a_file_of_one_s_own_overrides_cdk_json_and_the_environment_overrides_both(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text(
        json.dumps({"context": {"snow_white": {**ENOUGH, "log_level": "INFO", "slack_channel": "C00000001"}}})
    )
    assert own_settings(environ={}, root=tmp_path).log_level == "INFO"
    (tmp_path / "settings.json").write_text('{"log_level": "DEBUG", "slack_channel": "C00000002"}')
    settings = own_settings(environ={"SNOW_WHITE_OVERRIDES": '{"slack_channel": "C00000003"}'}, root=tmp_path)
    assert (settings.log_level, settings.slack_channel) == ("DEBUG", "C00000003")
    assert own_settings(environ={"SNOW_WHITE_SETTINGS_FILE": ""}, root=tmp_path).log_level == "INFO"
    other = tmp_path / "other.json"
    other.write_text('{"log_level": "ERROR"}')
    assert own_settings(environ={"SNOW_WHITE_SETTINGS_FILE": str(other)}, root=tmp_path).log_level == "ERROR"


@pytest.mark.parametrize("content", [None, "{", "[]", b"\xff"])
def test_a_file_that_is_missing_or_no_json_object_is_refused_with_its_name(
    content: str | bytes | None, tmp_path: Path
) -> None:
    own = tmp_path / "mine.json"
    if content is not None:
        own.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidSettings, match=re.escape(f"The file {own} ")):
        own_settings(environ={"SNOW_WHITE_SETTINGS_FILE": str(own)})


def test_git_ignores_the_file_and_the_example_is_valid() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", "settings.json"], cwd=ROOT, check=False, capture_output=True
    )
    assert ignored.stdout == b"settings.json\n"
    example = own_settings(environ={"SNOW_WHITE_SETTINGS_FILE": str(ROOT / "settings.example.json")})
    assert example.home_region == "eu-west-1"


def test_groups_and_tags_of_workers_may_be_allowed_and_none_are_by_default() -> None:
    assert (Settings.from_mapping(ENOUGH).worker_groups, Settings.from_mapping(ENOUGH).worker_tags) == (
        (),
        {},
    )
    given = {"worker_groups": ["backups-*"], "worker_tags": {"Role": ["worker", "job-?"], "my app": ["a b"]}}
    settings = Settings.from_mapping({**ENOUGH, **given})
    assert settings.worker_groups == ("backups-*",)
    assert settings.worker_tags == {"Role": ("worker", "job-?"), "my app": ("a b",)}


def test_together_they_are_no_longer_than_iam_has_room_for() -> None:
    long = [letter * 200 for letter in "abcd"]
    with pytest.raises(InvalidSettings, match="characters together, but IAM has room for 800"):
        Settings.from_mapping({**ENOUGH, "worker_groups": long[:2], "worker_tags": {"R": long[2:]}})


def test_the_account_is_that_of_the_credentials_unless_one_is_set() -> None:
    environ = {"CDK_DEFAULT_ACCOUNT": "111111111111"}
    assert load_settings({"snow_white": ENOUGH}, environ).account == "111111111111"
    set_here = {"snow_white": {**ENOUGH, "account": "222222222222"}}
    assert load_settings(set_here, environ).account == "222222222222"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("home_region", "us-east", "one AWS region"),
        ("home_region", None, "one AWS region"),
        ("regions", "us-east-1", "a list of up to 19 different AWS regions"),
        ("regions", [], "a list of up to 19"),
        ("regions", ["us-east-1", "us-east-1"], "different"),
        ("regions", [f"us-east-{n}" for n in range(10)] + [f"eu-west-{n}" for n in range(10)] + ["x"], "19"),
        ("default_environments", ["a,b"], "without commas"),
        ("default_environments", [7], "texts"),
        ("worker_groups", "backups-*", "a list of different names or globs of Auto Scaling groups"),
        ("worker_groups", ["a,b"], "names or globs"),
        ("worker_groups", ["${aws:username}"], "names or globs"),
        ("worker_tags", {"Role": "worker"}, "an object of up to 4 tags of your own with lists"),
        ("worker_tags", ["Role=worker"], "an object of up to 4 tags"),
        ("worker_tags", {"Role": []}, "an object of up to 4 tags"),
        ("worker_tags", {"Role=x": ["worker"]}, "an object of up to 4 tags"),
        ("worker_tags", {"aws:autoscaling:groupName": ["*"]}, "tags of your own"),
        ("worker_tags", {"elasticbeanstalk:environment-name": ["*"]}, "tags of your own"),
        ("worker_tags", {str(number): ["x"] for number in range(5)}, "an object of up to 4 tags"),
        ("slack_channel", "#deploys", "channel's id"),
        ("slack_user_tag", "", "IAM tag"),
        ("slack_api_url", "slack.com/api/", "http"),
        ("slack_api_url", "https://slack.com/api", "ends in '/'"),
        ("slash_command", "yes", "true or false"),
        ("slash_command", 1, "true or false"),
        ("slash_command_users", "U024BE7LH", "a list of up to 80"),
        ("slash_command_users", ["*"], "member ids"),
        ("slash_command_users", ["ann"], "member ids"),
        ("slash_command_users", ["U024BE7LH", "U024BE7LH"], "different"),
        ("slash_command_users", [f"U{number:08}" for number in range(81)], "80"),
        ("slash_command_channels", ["#deploys"], "channel ids"),
        ("slash_command_channels", ["C0123456789,*"], "channel ids"),
        ("script_source", None, "a folder on GitHub"),
        ("script_source", "https://github.com/acme/scripts/tree/main/sidekiq", "the commit's 40 digits"),
        ("script_source", f"https://github.com/acme/scripts/tree/{COMMIT[:12]}", "the commit's 40 digits"),
        ("script_source", f"http://github.com/acme/scripts/tree/{COMMIT}", "https://github.com/"),
        ("script_source", "https://s3.eu-west-1.amazonaws.com/acme-scripts", "a folder in S3"),
        ("script_source", "https://s3.eu-west-1.amazonaws.com/acme-scripts/quiet.sh", "FOLDER/"),
        ("script_source", "s3://acme-scripts/", "https://s3.REGION"),
        ("script_source_token", "a token's value", "the name of an SSM parameter"),
        ("script_source_token", "/github-token", "a token is for a folder on GitHub"),
        ("launchers", "bin/worker", "a list of up to 10"),
        ("launchers", ["bin/worker; reboot"], "ends of paths"),
        ("launchers", [f"bin/worker{number}" for number in range(11)], "10"),
        ("log_level", "LOUD", "DEBUG, INFO, WARNING, ERROR"),
        ("log_retention_days", "90", "numbers of days"),
        ("log_retention_days", True, "numbers of days"),
        ("log_retention_days", 91, "90"),
        ("account", 123456789012, "12 digits, as text"),
    ],
)
def test_a_wrong_value_is_refused_with_the_key_the_value_and_what_is_allowed(
    key: str, value: object, allowed: str
) -> None:
    with pytest.raises(InvalidSettings) as error:
        Settings.from_mapping({**ENOUGH, key: value})
    assert repr(key) in str(error.value)
    assert repr(value) in str(error.value)
    assert allowed in str(error.value)


@pytest.mark.parametrize(
    ("address", "token", "source"),
    [
        ("", "", None),
        (
            f"https://github.com/acme/deploy-scripts/tree/{COMMIT}/sidekiq/workers",
            "/github-token",
            GitHubFolder("acme", "deploy-scripts", COMMIT, "sidekiq/workers", "/github-token"),
        ),
        (f"https://github.com/acme/scripts/tree/{COMMIT}/", "", GitHubFolder("acme", "scripts", COMMIT)),
        ("https://s3.eu-west-1.amazonaws.com/acme-scripts/", "", S3Folder),
        ("https://s3.cn-north-1.amazonaws.com.cn/acme.scripts/snow-white/2/", "", S3Folder),
    ],
)
def test_the_scripts_come_from_the_folder_whose_address_is_set(
    address: str, token: str, source: object
) -> None:
    settings = Settings.from_mapping({**ENOUGH, "script_source": address, "script_source_token": token})
    expected = S3Folder(address) if source is S3Folder else source
    assert script_source(settings.script_source, settings.script_source_token) == expected


def test_a_misspelt_key_is_refused_with_the_keys_there_are() -> None:
    with pytest.raises(InvalidSettings, match=r"no setting 'region'\. Allowed are: home_region, regions, "):
        Settings.from_mapping({**ENOUGH, "region": "us-east-1"})


@pytest.mark.parametrize("key", ENOUGH)
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(InvalidSettings, match=f"{key!r} is missing"):
        Settings.from_mapping({name: value for name, value in ENOUGH.items() if name != key})


@pytest.mark.parametrize("text", ["{", "[]", "7", "null", '"text"'])
def test_overrides_that_are_no_json_object_are_refused_with_the_place_they_came_from(text: str) -> None:
    with pytest.raises(InvalidSettings, match="environment variable SNOW_WHITE_OVERRIDES"):
        load_settings({"snow_white": ENOUGH}, {"SNOW_WHITE_OVERRIDES": text})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from(sorted(Settings.__dataclass_fields__)), value=anything)
def test_any_value_is_either_accepted_or_refused_with_its_key(key: str, value: object) -> None:
    try:
        Settings.from_mapping({**ENOUGH, key: value})
    except InvalidSettings as error:
        assert repr(key) in str(error)


def test_every_allowed_number_of_days_is_known_to_the_log_groups() -> None:
    assert set(LOG_RETENTION_DAYS) == set(RETENTION)


def test_a_wrong_setting_ends_the_synthesis_with_a_sentence_and_no_stack_trace(
    tmp_path: Path,
) -> None:
    environ = {
        **os.environ,
        "CDK_OUTDIR": str(tmp_path),
        "SNOW_WHITE_SETTINGS_FILE": "",
        "SNOW_WHITE_OVERRIDES": json.dumps({"slack_chanel": ""}),
    }
    command = [sys.executable, "app.py"]
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("There is no setting 'slack_chanel'. Allowed are: ")
    assert "Traceback" not in result.stderr

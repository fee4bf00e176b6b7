"""What may be set before deploying, read from the CDK context key `snow_white` in cdk.json.

Single settings are overridden, without touching cdk.json, by a JSON object of the same keys, either as
context or as an environment variable (which wins):

    npx aws-cdk deploy --all -c snow_white_overrides='{"slack_channel": "C0123456789"}'
    SNOW_WHITE_OVERRIDES='{"regions": ["us-east-1", "eu-west-1"]}' python app.py

So a local AWS sets SNOW_WHITE_OVERRIDES to {"slack_api_url": "http://127.0.0.1:PORT/api/", "regions": [...]}
and CDK_OUTDIR to a folder of its own. The account stays unset there: the template says AWS::AccountId.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from infra.script_source import script_source

OVERRIDES_VARIABLE: Final = "SNOW_WHITE_OVERRIDES"
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_RETENTION_DAYS: Final = (7, 14, 30, 60, 90, 180, 365, 731)
# dispatch_command's role names each document in each region; IAM allows a role 10,240 characters of policy.
MOST_REGIONS: Final = 20
# They are handed to the function in its environment, which may have 4 KB.
MOST_SLASH_IDS: Final = 80
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


class InvalidSettings(ValueError):
    """A setting is missing, misspelt or has a value that is not allowed; the message names the key."""


@dataclass(frozen=True)
class Settings:
    """Everything that differs between one deployment and another."""

    home_region: str
    """Where the state machine, its functions and the Slack secret are."""
    regions: tuple[str, ...]
    """Where workers may be: the documents are deployed to each, and runs may reach no other."""
    default_environments: tuple[str, ...] = ("workers",)
    """The environments a request means that names none: text contained in the name, or a glob."""
    slack_channel: str = ""
    """Channel id that is told of every run that names no other; empty: nobody but who asked."""
    slack_user_tag: str = "slack_userid"
    """Tag of an IAM user that holds the person's Slack user id."""
    slack_api_url: str = "https://slack.com/api/"
    slash_command: bool = False
    """Whether runs can be started by a slash command in Slack; see infra/slash_command.py."""
    slash_command_users: tuple[str, ...] = ()
    """Slack member ids of those who may start runs by it."""
    slash_command_channels: tuple[str, ...] = ()
    """Ids of the channels where they may; "*" is everywhere."""
    alarm_topic: str = ""
    """ARN of the SNS topic that is told when a run fails; empty: the alarms are shown in CloudWatch only."""
    script_source: str = ""
    """Folder that hosts download the scripts from, on GitHub or in S3; empty: the documents have them inside."""
    script_source_token: str = ""
    """Name of the SecureString parameter, in every worker region, with the token for a private GitHub repository."""
    log_level: str = "INFO"
    log_retention_days: int = 90
    account: str | None = None
    """The AWS account's number; None: the one of the credentials at deploy time."""

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Settings:
        """`given`, checked; raises InvalidSettings with the first wrong key and what is allowed."""
        allowed = [field.name for field in fields(cls)]
        for key in given:
            if key not in allowed:
                raise InvalidSettings(f"There is no setting {key!r}. Allowed are: {', '.join(allowed)}.")
        for key in ("home_region", "regions"):
            if key not in given:
                raise InvalidSettings(f"The setting {key!r} is missing: {_RULES[key].allowed}.")
        settings = cls(**{key: _checked(key, value) for key, value in given.items()})
        try:
            script_source(settings.script_source, settings.script_source_token)
        except ValueError as error:
            token = settings.script_source_token
            raise InvalidSettings(f"The setting 'script_source_token' is {token!r}, but {error}.") from error
        return settings


def load_settings(context: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of cdk.json, overridden by `snow_white_overrides` and by the environment."""
    merged = {
        **_object(context.get("snow_white", {}), "The context key 'snow_white'"),
        **_object(context.get("snow_white_overrides", {}), "The context key 'snow_white_overrides'"),
        **_object(environ.get(OVERRIDES_VARIABLE, "{}"), f"The environment variable {OVERRIDES_VARIABLE}"),
    }
    if environ.get("CDK_DEFAULT_ACCOUNT"):
        merged.setdefault("account", environ["CDK_DEFAULT_ACCOUNT"])
    return Settings.from_mapping(merged)


def context_of(cdk_json: Path) -> dict[str, Any]:
    """The context of a cdk.json, which only the CDK command line would hand to the application by itself."""
    context: dict[str, Any] = json.loads(cdk_json.read_text())["context"]
    return context


def _object(value: object, where: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise InvalidSettings(f"{where} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise InvalidSettings(f'{where} must be a JSON object such as {{"slack_channel": "C0123456789"}}.')
    return value


@dataclass(frozen=True)
class _Rule:
    allowed: str
    accepts: Callable[[Any], bool]


def _is_region(value: object) -> bool:
    return isinstance(value, str) and _REGION.fullmatch(value) is not None


def _is_text(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_list_of(item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def accepts(value: object) -> bool:
        return (
            isinstance(value, list | tuple) and bool(value) and all(map(item, value)) and not _repeats(value)
        )

    return accepts


def _is_short_list_of(item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value in ([], ()) or (_is_list_of(item)(value) and len(value) <= MOST_SLASH_IDS)


def _is_script_source(address: str) -> bool:
    try:
        script_source(address)
    except ValueError:
        return False
    return True


def _repeats(value: list[Any] | tuple[Any, ...]) -> bool:
    return len(set(value)) != len(value)


_RULES: Final = {
    "home_region": _Rule("one AWS region, such as 'us-east-1'", _is_region),
    "regions": _Rule(
        f"a list of up to {MOST_REGIONS} different AWS regions, such as ['us-east-1', 'eu-west-1']",
        lambda value: _is_list_of(_is_region)(value) and len(value) <= MOST_REGIONS,
    ),
    "default_environments": _Rule(
        "a list of different texts without commas, such as ['workers']", _is_list_of(_is_text(r"[^,\s][^,]*"))
    ),
    "slack_channel": _Rule(
        "a Slack channel's id, such as 'C0123456789', or ''", _is_text(r"([A-Z][A-Z0-9]{5,})?")
    ),
    "slack_user_tag": _Rule("the key of an IAM tag, up to 128 characters", _is_text(r"[\w .:/=+@-]{1,128}")),
    "slack_api_url": _Rule("an http(s) address that ends in '/'", _is_text(r"https?://\S+/")),
    "slash_command": _Rule("true or false", lambda value: isinstance(value, bool)),
    "slash_command_users": _Rule(
        f"a list of up to {MOST_SLASH_IDS} different Slack member ids, such as ['U024BE7LH'], or []",
        _is_short_list_of(_is_text(r"[UW][A-Z0-9]{2,14}")),
    ),
    "slash_command_channels": _Rule(
        f"a list of up to {MOST_SLASH_IDS} different Slack channel ids, such as ['C0123456789'], ['*'] or []",
        _is_short_list_of(_is_text(r"[CDG][A-Z0-9]{2,14}|\*")),
    ),
    "alarm_topic": _Rule(
        "the ARN of an SNS topic, such as 'arn:aws:sns:us-east-1:111122223333:alerts', or ''",
        _is_text(r"(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]{1,256})?"),
    ),
    "script_source": _Rule(
        "a folder on GitHub with the commit's 40 digits, 'https://github.com/OWNER/REPOSITORY/tree/COMMIT/FOLDER', "
        "a folder in S3, 'https://s3.REGION.amazonaws.com/BUCKET/FOLDER/', or ''",
        lambda value: isinstance(value, str) and _is_script_source(value),
    ),
    "script_source_token": _Rule(
        "the name of an SSM parameter, such as '/snow-white/github-token', or ''",
        _is_text(r"([a-zA-Z0-9_.-]|/(?!/)){0,512}"),
    ),
    "log_level": _Rule(f"one of {', '.join(LOG_LEVELS)}", lambda value: value in LOG_LEVELS),
    "log_retention_days": _Rule(
        f"one of these numbers of days: {', '.join(map(str, LOG_RETENTION_DAYS))}",
        lambda value: type(value) is int and value in LOG_RETENTION_DAYS,
    ),
    "account": _Rule("an AWS account number of 12 digits, as text", _is_text(r"[0-9]{12}")),
}


def _checked(key: str, value: object) -> Any:
    if not _RULES[key].accepts(value):
        raise InvalidSettings(f"The setting {key!r} is {value!r}, but must be {_RULES[key].allowed}.")
    return tuple(value) if isinstance(value, list) else value

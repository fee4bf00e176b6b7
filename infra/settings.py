"""The settings of a deployment. The key `snow_white` of the context in cdk.json has the defaults.

The file settings.json, which git ignores, holds your own: a JSON object with any of the same keys;
settings.example.json is an example. SNOW_WHITE_SETTINGS_FILE names another file; if it is set and empty, none is read.

A JSON object with the same keys overrides single settings of both. It is given as CDK context or as an environment
variable; the environment variable wins:

    npx aws-cdk deploy --all -c snow_white_overrides='{"slack_channel": "C0123456789"}'
    SNOW_WHITE_OVERRIDES='{"regions": ["us-east-1", "eu-west-1"]}' python app.py

The local AWS reads no settings.json. It sets SNOW_WHITE_OVERRIDES to {"slack_api_url":
"http://127.0.0.1:PORT/api/", "regions": [...]} and CDK_OUTDIR to its own folder. It sets no account, so the templates
contain AWS::AccountId.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from infra.script_source import script_source
from snow_white.model.fleet import ENVIRONMENT_NAME_TAG, GROUP_NAME_TAG
from snow_white.model.globs import is_covered
from snow_white.model.slack_ids import CONVERSATION_ID, MEMBER_ID, is_member_id

ROOT: Final = Path(__file__).parent.parent
OVERRIDES_VARIABLE: Final = "SNOW_WHITE_OVERRIDES"
FILE_VARIABLE: Final = "SNOW_WHITE_SETTINGS_FILE"
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_RETENTION_DAYS: Final = (7, 14, 30, 60, 90, 180, 365, 731)
# dispatch_command's role lists every document in every region; IAM limits a role's policies to 10,240 characters.
MAX_REGIONS: Final = 19
# The ids are environment variables of the function; Lambda limits those to 4 KB.
MAX_SLASH_COMMAND_IDS: Final = 80
MAX_LAUNCHERS: Final = 10
MAX_REMIND_AFTER: Final = 1_440
# Together, in characters: they are in two policies and in an environment variable of the functions.
MAX_LIMITS_LENGTH: Final = 800
MAX_TAG_KEYS: Final = 4
# In the pattern of a rule, which has room for 2,048 characters, and in the policies of three roles.
MAX_DRAINED_GROUPS: Final = 8
MAX_DRAINED_LENGTH: Final = 800
# Instances with these are allowed in another way: always, and by worker_groups.
_TAGS_OF_AWS: Final = frozenset({ENVIRONMENT_NAME_TAG, GROUP_NAME_TAG})
# What a tag's value and a group's name may have, and wildcards. A comma separates them, and IAM replaces a "$".
_GLOB: Final = r"[\w.:/=+@*?()\[\]-]([\w .:/=+@*?()\[\]-]{0,253}[\w.:/=+@*?()\[\]-])?"
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


class InvalidSettings(ValueError):
    """A setting is missing, unknown or has a value that is not allowed; the message names the key."""


@dataclass(frozen=True)
class Settings:
    """All settings of a deployment. `home_region` and `regions` are required."""

    home_region: str
    """Region of the state machine, its functions and the Slack secret."""
    regions: tuple[str, ...]
    """Regions of the workers. The documents are deployed to each; runs cannot reach any other region."""
    default_environments: tuple[str, ...] = ("workers",)
    """Environments of a request that names none. Each is text contained in the environment's name, or a glob."""
    worker_groups: tuple[str, ...] = ()
    """Names or globs of the Auto Scaling groups that a request may name; empty: none. Runs cannot reach any other."""
    worker_tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The tags by which a request may select instances, each with its values or globs, such as {"Role": ["worker"]};
    empty: none. Runs can reach every instance that has one of them."""
    drain_on_termination: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which instances are drained before Auto Scaling or EC2 ends them: {"environments": [...]} as in
    default_environments, {"auto_scaling_groups": [...]} within worker_groups, or both; empty: none. Their groups need a
    lifecycle hook; docs/recipes.md has it."""
    slack_channel: str = ""
    """Id of the Slack channel for runs that name no other; empty: only the requester is notified."""
    slack_user_tag: str = "slack_userid"
    """Key of the tag of an IAM user that holds the person's Slack member id."""
    slack_api_url: str = "https://slack.com/api/"
    slash_command: bool = False
    """Whether a slash command in Slack can start runs; docs/slash-command.md sets it up."""
    slash_command_users: tuple[str, ...] = ()
    """Slack member ids of the people who may use the slash command; empty: nobody."""
    slash_command_channels: tuple[str, ...] = ()
    """Ids of the Slack channels where they may use it; "*" is every channel."""
    remind_after: int = 60
    """Minutes after a quiet or a stop at which those who still sleep are told in Slack for the first time; 0: never."""
    alarm_topic: str = ""
    """ARN of the SNS topic that the alarms notify; empty: the alarms only show in CloudWatch."""
    script_source: str = ""
    """Address of the folder on GitHub or in S3 with the scripts for the hosts; empty: the documents contain them."""
    script_source_token: str = ""
    """Name of the SecureString parameter in every worker region with the token for a private GitHub repository."""
    launchers: tuple[str, ...] = ()
    """The application's own programs that start Sidekiq, such as "bin/worker": ends of their paths. A process that runs
    one counts as a worker that is starting."""
    log_level: str = "INFO"
    """Log level of the functions."""
    log_retention_days: int = 90
    """Days that the logs are kept."""
    account: str | None = None
    """AWS account number; None: the account of the credentials at deploy time."""

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Settings:
        """Check `given`; raises InvalidSettings with the first wrong key and what is allowed."""
        allowed = [field.name for field in fields(cls)]
        for key in given:
            if key not in allowed:
                raise InvalidSettings(f"There is no setting {key!r}. Allowed are: {', '.join(allowed)}.")
        for key in ("home_region", "regions"):
            if key not in given:
                raise InvalidSettings(f"The setting {key!r} is missing: {_RULES[key].allowed}.")
        settings = cls(**{key: _checked(key, value) for key, value in given.items()})
        limits = json.dumps([settings.worker_groups, settings.worker_tags])
        if len(limits) > MAX_LIMITS_LENGTH:
            raise InvalidSettings(
                f"The settings 'worker_groups' and 'worker_tags' have {len(limits)} characters together, but IAM has "
                f"room for {MAX_LIMITS_LENGTH}. A glob such as 'backups-*' allows several."
            )
        groups = settings.drain_on_termination.get("auto_scaling_groups", ())
        if outside := [glob for glob in groups if not is_covered(glob, settings.worker_groups)]:
            raise InvalidSettings(
                f"The setting 'drain_on_termination' names the Auto Scaling groups {', '.join(map(repr, outside))}, "
                f"but 'worker_groups' allows only {list(settings.worker_groups)}, so nothing could be sent to them."
            )
        try:
            script_source(settings.script_source, settings.script_source_token)
        except ValueError as error:
            token = settings.script_source_token
            raise InvalidSettings(f"The setting 'script_source_token' is {token!r}, but {error}.") from error
        return settings


def own_settings(
    context: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ, root: Path = ROOT
) -> Settings:
    """The settings of this checkout: `context` (default: that of cdk.json), settings.json and the environment.

    Raises:
        InvalidSettings: a setting, the file or the environment variable is wrong.
    """
    return load_settings(
        context_of(root / "cdk.json") if context is None else context, environ, _own_file(environ, root)
    )


def load_settings(
    context: Mapping[str, Any], environ: Mapping[str, str], own_file: Path | None = None
) -> Settings:
    """The settings of cdk.json, overridden by the file, by `snow_white_overrides` and by the environment."""
    merged = {
        **_object(context.get("snow_white", {}), "The context key 'snow_white'"),
        **(_object(_text_of(own_file), f"The file {own_file}") if own_file else {}),
        **_object(context.get("snow_white_overrides", {}), "The context key 'snow_white_overrides'"),
        **_object(environ.get(OVERRIDES_VARIABLE, "{}"), f"The environment variable {OVERRIDES_VARIABLE}"),
    }
    if environ.get("CDK_DEFAULT_ACCOUNT"):
        merged.setdefault("account", environ["CDK_DEFAULT_ACCOUNT"])
    return Settings.from_mapping(merged)


def _own_file(environ: Mapping[str, str], root: Path) -> Path | None:
    named = environ.get(FILE_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    own = root / "settings.json"
    return own if own.is_file() else None


def _text_of(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"The file {file} cannot be read: {error}.") from error


def context_of(cdk_json: Path) -> dict[str, Any]:
    """The context in a cdk.json. Only the CDK command line would pass it to the application."""
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
    return lambda value: (
        value in ([], ()) or (_is_list_of(item)(value) and len(value) <= MAX_SLASH_COMMAND_IDS)
    )


def _is_worker_tags(value: object) -> bool:
    key, glob = _is_text(r"[\w .:/+@-]{1,128}"), _is_text(_GLOB)
    return (
        isinstance(value, Mapping)
        and len(value) <= MAX_TAG_KEYS
        and all(key(one) and one.strip() == one and one not in _TAGS_OF_AWS for one in value)
        and all(_is_list_of(glob)(some) for some in value.values())
    )


def _is_drained_groups(value: Any) -> bool:
    return (
        _is_list_of(_is_text(_GLOB))(value)
        and len(value) <= MAX_DRAINED_GROUPS
        and sum(map(len, value)) <= MAX_DRAINED_LENGTH
    )


def _is_drain(value: object) -> bool:
    kinds = {"environments": _IS_ENVIRONMENTS, "auto_scaling_groups": _is_drained_groups}
    return isinstance(value, Mapping) and all(
        key in kinds and kinds[key](some) for key, some in value.items()
    )


def _is_script_source(address: str) -> bool:
    try:
        script_source(address)
    except ValueError:
        return False
    return True


def _repeats(value: list[Any] | tuple[Any, ...]) -> bool:
    return len(set(value)) != len(value)


_IS_ENVIRONMENTS: Final = _is_list_of(_is_text(r"[^,\s][^,]*"))

_RULES: Final = {
    "home_region": _Rule("one AWS region, such as 'us-east-1'", _is_region),
    "regions": _Rule(
        f"a list of up to {MAX_REGIONS} different AWS regions, such as ['us-east-1', 'eu-west-1']",
        lambda value: _is_list_of(_is_region)(value) and len(value) <= MAX_REGIONS,
    ),
    "default_environments": _Rule(
        "a list of different texts without commas, such as ['workers']", _IS_ENVIRONMENTS
    ),
    "worker_groups": _Rule(
        "a list of different names or globs of Auto Scaling groups, such as ['backups-*'], or []",
        lambda value: value in ([], ()) or _is_list_of(_is_text(_GLOB))(value),
    ),
    "worker_tags": _Rule(
        f"an object of up to {MAX_TAG_KEYS} tags of your own with lists of different values or globs, such as "
        "{'Role': ['worker']}, or {}",
        _is_worker_tags,
    ),
    "drain_on_termination": _Rule(
        "an object with lists of different texts for 'environments', for 'auto_scaling_groups' or for both, such as "
        f"{{'environments': ['workers']}}, or {{}} for none; of groups up to {MAX_DRAINED_GROUPS} globs with "
        f"{MAX_DRAINED_LENGTH} characters",
        _is_drain,
    ),
    "slack_channel": _Rule(
        "a Slack channel's id, such as 'C0123456789', or '' for none",
        # Slack takes a member's id for the conversation with them.
        _is_text(f"({CONVERSATION_ID.pattern}|{MEMBER_ID.pattern})?"),
    ),
    "slack_user_tag": _Rule("the key of an IAM tag, up to 128 characters", _is_text(r"[\w .:/=+@-]{1,128}")),
    "slack_api_url": _Rule("an http(s) URL that ends in '/'", _is_text(r"https?://\S+/")),
    "slash_command": _Rule("true or false", lambda value: isinstance(value, bool)),
    "slash_command_users": _Rule(
        f"a list of up to {MAX_SLASH_COMMAND_IDS} different Slack member ids, such as ['U024BE7LH'], or []",
        _is_short_list_of(is_member_id),
    ),
    "slash_command_channels": _Rule(
        f"a list of up to {MAX_SLASH_COMMAND_IDS} different Slack channel ids, such as ['C0123456789'], ['*'] or []",
        _is_short_list_of(_is_text(rf"{CONVERSATION_ID.pattern}|\*")),
    ),
    "remind_after": _Rule(
        f"a number of minutes from 1 to {MAX_REMIND_AFTER}, or 0 for no reminders",
        lambda value: type(value) is int and 0 <= value <= MAX_REMIND_AFTER,
    ),
    "alarm_topic": _Rule(
        "the ARN of an SNS topic, such as 'arn:aws:sns:us-east-1:111122223333:alerts', or '' for none",
        _is_text(r"(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]{1,256})?"),
    ),
    "script_source": _Rule(
        "a folder on GitHub with the commit's 40 digits, 'https://github.com/OWNER/REPOSITORY/tree/COMMIT/FOLDER', "
        "a folder in S3, 'https://s3.REGION.amazonaws.com/BUCKET/FOLDER/', or '' for none",
        lambda value: isinstance(value, str) and _is_script_source(value),
    ),
    "script_source_token": _Rule(
        "the name of an SSM parameter, such as '/snow-white/github-token', or '' for none",
        _is_text(r"([a-zA-Z0-9_.-]|/(?!/)){0,512}"),
    ),
    "launchers": _Rule(
        "a list of up to 10 different ends of paths, such as ['bin/worker'], or []",
        lambda value: (
            _is_short_list_of(_is_text(r"[\w.-]+(/[\w.-]+)*"))(value) and len(value) <= MAX_LAUNCHERS
        ),
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
    if isinstance(value, dict):
        return {name: tuple(values) for name, values in value.items()}
    return tuple(value) if isinstance(value, list) else value

"""The functions' settings, read from the environment variables that infra/ sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from snow_white.model.fleet import read_tag_texts
from snow_white.model.request import Defaults, Limits
from snow_white.model.termination import DrainPatterns


class MissingSetting(Exception):
    """A required environment variable is missing."""


@dataclass(frozen=True)
class Settings:
    """The settings. `slack_token_secret`, `slack_channel` and `idempotency_table` are empty in functions that do not
    use Slack. `slash_command` is whether it is deployed. `schedule_group` and `schedule_role`, an ARN, are empty in
    functions that make no schedules. `sees_terminations` is whether Auto Scaling may be asked which instances it is
    ending. `drain` is empty in functions that begin no run for an instance's termination.
    """

    defaults: Defaults
    slack_token_secret: str
    slack_channel: str
    slack_user_tag: str
    slack_api_url: str
    idempotency_table: str
    slash_command: bool = False
    schedule_group: str = ""
    schedule_role: str = ""
    remind_after_seconds: int = 0
    sees_terminations: bool = False
    drain: DrainPatterns = field(default_factory=DrainPatterns)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """The settings in `env`. Raises MissingSetting if the default regions or environments are missing."""
        return cls(
            defaults=Defaults(
                regions=_required(env, "DEFAULT_REGIONS"),
                environments=_required(env, "DEFAULT_ENVIRONMENTS"),
                limits=Limits(_listed(env, "WORKER_GROUPS"), read_tag_texts(_listed(env, "WORKER_TAGS"))),
            ),
            slack_token_secret=env.get("SLACK_TOKEN_SECRET", ""),
            slack_channel=env.get("SLACK_CHANNEL", ""),
            slack_user_tag=env.get("SLACK_USER_TAG", "slack_userid"),
            slack_api_url=env.get("SLACK_API_URL", "https://slack.com/api/"),
            idempotency_table=env.get("IDEMPOTENCY_TABLE", ""),
            slash_command=env.get("SLASH_COMMAND") == "true",
            schedule_group=env.get("SCHEDULE_GROUP", ""),
            schedule_role=env.get("SCHEDULE_ROLE", ""),
            remind_after_seconds=int(env.get("REMIND_AFTER_SECONDS", "0")),
            sees_terminations=env.get("SEES_TERMINATIONS") == "true",
            drain=DrainPatterns(_listed(env, "DRAIN_ENVIRONMENTS"), _listed(env, "DRAIN_GROUPS")),
        )


def _required(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    values = _listed(env, name)
    if not values:
        raise MissingSetting(
            f"The environment variable {name} is missing. It must be a list separated by commas."
        )
    return values


def _listed(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())

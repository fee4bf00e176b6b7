"""Creating the notifier, with its clients, for the functions that notify Slack."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final

from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.clients import SHORT_TIMEOUTS, session
from runtime.settings import Settings
from runtime.slack_token import open_slack
from snow_white.requester.cloudtrail import SHORT_TIMEOUT_WITHOUT_RETRY, find_caller, find_stopper
from snow_white.requester.requester import Directory
from snow_white.slack.client import LONGEST_CALL_SECONDS
from snow_white.slack.notifier import Notifier
from snow_white.slack.time_limit import TimeLimit

_RESERVED_SECONDS: Final = 10  # for the function to record its result and return it

_iam: Any = session.create_client("iam", config=SHORT_TIMEOUTS)
_cloudtrail: Any = session.create_client("cloudtrail", config=SHORT_TIMEOUT_WITHOUT_RETRY)


def open_notifier(settings: Settings, context: LambdaContext, most_seconds: float = math.inf) -> Notifier:
    """A notifier for one invocation of a function.

    Args:
        most_seconds: how long it may wait for Slack. It never waits longer than the function has time left.
    """
    seconds = context.get_remaining_time_in_millis() / 1000 - LONGEST_CALL_SECONDS - _RESERVED_SECONDS
    slack = open_slack(settings, TimeLimit.of(min(seconds, most_seconds)))
    account = context.invoked_function_arn.split(":")[4]
    directory = Directory(_iam, account, settings.slack_user_tag, slack.member_by_email)
    return Notifier(
        slack,
        directory,
        settings.slack_channel,
        partial(find_caller, _cloudtrail),
        partial(find_stopper, _cloudtrail),
        slash_command=settings.slash_command,
    )

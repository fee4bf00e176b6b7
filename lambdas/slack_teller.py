"""The teller of the functions that talk to Slack, with the clients it needs."""

from __future__ import annotations

from functools import partial

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from settings import Settings
from slack_token import open_slack
from snow_white.invoker import Directory
from snow_white.start_event import QUICK, find_caller
from snow_white.telling import Teller

_iam = boto3.client("iam")
_cloudtrail = boto3.client("cloudtrail", config=QUICK)


def open_teller(settings: Settings, context: LambdaContext) -> Teller:
    """A teller for one invocation: it collects what Slack refuses."""
    slack = open_slack(settings)
    account = context.invoked_function_arn.split(":")[4]
    directory = Directory(_iam, account, settings.slack_user_tag, slack.member_by_email)
    return Teller(slack, directory, settings.slack_channel, partial(find_caller, _cloudtrail))

"""How to use what still runs at the end of `./scripts/demo --keep`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from demonstration.additions import FOLDER_VARIABLE, REDIS_VARIABLE
from demonstration.scenario import APPLICATION, HOME_REGION
from local_aws import Credentials

# They would win over the exports, or change what the command line does.
_UNSET: Final = "AWS_PROFILE AWS_SESSION_TOKEN SNOW_WHITE_STATE_MACHINE_ARN SNOW_WHITE_HOME_REGION"


@dataclass(frozen=True)
class Usage:
    """Where everything is. `folder` is that of the local AWS, `machine` the state machine's ARN."""

    endpoint: str
    folder: str
    redis_url: str
    machine: str
    slack_page: str
    ann: Credentials

    def __str__(self) -> str:
        request = json.dumps({"action": "status", "application": APPLICATION})
        return f"""In another terminal, as IAM user ann:

    unset {_UNSET}
    export AWS_ENDPOINT_URL={self.endpoint} AWS_DEFAULT_REGION={HOME_REGION} AWS_REGION={HOME_REGION}
    export AWS_ACCESS_KEY_ID={self.ann.access_key_id} AWS_SECRET_ACCESS_KEY={self.ann.secret_access_key}
    export SNOW_WHITE_SETTINGS_FILE= {FOLDER_VARIABLE}={self.folder} {REDIS_VARIABLE}={self.redis_url}

Start runs, and look at them:

    ./scripts/snow-white status {APPLICATION}
    ./scripts/snow-white quiet {APPLICATION} --timeout 5m
    ./scripts/snow-white wake {APPLICATION}
    ./scripts/snow-white runs

Give the workers more to do, launch hosts, create an environment:

    ./scripts/demo add jobs 100 --seconds 20
    ./scripts/demo add hosts 2 --environment {APPLICATION}-workers
    ./scripts/demo add environment workers-night --region eu-west-1 --hosts 2

With the AWS CLI, which ann may also read the account with:

    aws stepfunctions start-execution --state-machine-arn {self.machine} \\
        --input '{request}'
    aws elasticbeanstalk describe-environments --application-name {APPLICATION}
    aws ssm list-command-invocations --details

The Slack messages in a browser: {self.slack_page}, or as JSON: {self.slack_page}recorded"""

"""What ann may read while the demo keeps running: what the console would show her of the account."""

from __future__ import annotations

import json
from typing import Final

from local_aws import LocalAws

POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "cloudformation:Describe*",
                "cloudformation:List*",
                "cloudwatch:Describe*",
                "cloudwatch:Get*",
                "cloudwatch:List*",
                "ec2:Describe*",
                "elasticbeanstalk:Describe*",
                "events:Describe*",
                "events:List*",
                "lambda:Get*",
                "lambda:List*",
                "logs:Describe*",
                "logs:FilterLogEvents",
                "logs:GetLogEvents",
                "ssm:Describe*",
                "ssm:Get*",
                "ssm:List*",
                "states:Describe*",
                "states:Get*",
                "states:List*",
            ],
            "Resource": "*",
        }
    ],
}


def let_read(aws: LocalAws, user: str) -> None:
    """Allow a user to read what is deployed, what the hosts answered and what was logged; no secret."""
    aws.client("iam").put_user_policy(UserName=user, PolicyName="Read", PolicyDocument=json.dumps(POLICY))

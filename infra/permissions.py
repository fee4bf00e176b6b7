"""What each function may do: one list of grants per function, written where a reviewer can read them at once.

Calls that AWS does not let one limit to a resource are limited to the worker regions instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.command_documents import DOCUMENT_NAMES
from infra.roles import NOTHING_TO_NAME, Grant

BEANSTALK_TAG: Final = "elasticbeanstalk:environment-name"

_MATCH: Final = "elasticbeanstalk:DescribeEnvironments"
_FIND: Final = ("ec2:DescribeInstances", "ssm:DescribeInstanceInformation")
_FOLLOW: Final = ("ssm:ListCommands", "ssm:ListCommandInvocations")


@dataclass(frozen=True)
class Permissions:
    """Builds the grants of one deployment: which account, which regions, which secret, which machine."""

    account: str
    partition: str
    regions: tuple[str, ...]
    secret_arn: str
    execution_arns: str
    """Matches every execution of the state machine, and nothing else."""
    event_bus_arn: str = ""
    """The bus that the end of each run is announced on."""

    def by_function(self) -> Mapping[str, list[Grant]]:
        """The grants of each function, by the name of its file in lambdas/."""
        return {
            "discover_instances": [
                self._in_worker_regions(_MATCH, *_FIND),
                Grant(("ssm:DescribeDocument",), self._documents()),
            ],
            "dispatch_command": [
                self._in_worker_regions(*_FIND, *_FOLLOW),
                Grant(("ssm:SendCommand",), self._documents()),
                self._send_to_beanstalk_instances(),
            ],
            "poll_command": [
                self._in_worker_regions(_MATCH, *_FIND, *_FOLLOW, "ssm:CancelCommand"),
                # It asks those who take long how many jobs they have, and may ask nothing else of them.
                Grant(("ssm:SendCommand",), self._documents("status")),
                self._send_to_beanstalk_instances(),
            ],
            "notify_slack": self._tell(),
            "close_run": [
                *self._tell(),
                self._in_worker_regions("ssm:ListCommands", "ssm:CancelCommand"),
                Grant(
                    ("states:GetExecutionHistory",),
                    (self.execution_arns,),
                    because="A run gets its name when it is started.",
                ),
            ],
        }

    def of_slash_command(self, machine_arn: str, signing_secret_arn: str) -> list[Grant]:
        """The grants of the function that is there only when the slash command is."""
        return [
            Grant(("states:StartExecution",), (machine_arn,)),
            Grant(("secretsmanager:GetSecretValue",), (signing_secret_arn,)),
        ]

    @property
    def read_token(self) -> Grant:
        """What whoever talks to Slack needs."""
        return Grant(("secretsmanager:GetSecretValue",), (self.secret_arn,))

    def _tell(self) -> list[Grant]:
        """What the end of a run takes: Slack, who asked, and the event for others."""
        return [
            self.read_token,
            self._read_user_tags(),
            Grant(("cloudtrail:LookupEvents",), ("*",), because=NOTHING_TO_NAME),
            Grant(("events:PutEvents",), (self.event_bus_arn,)),
        ]

    def _in_worker_regions(self, *actions: str) -> Grant:
        return Grant(
            actions,
            ("*",),
            {"StringEquals": {"aws:RequestedRegion": list(self.regions)}},
            because=NOTHING_TO_NAME,
        )

    def _send_to_beanstalk_instances(self) -> Grant:
        return Grant(
            ("ssm:SendCommand",),
            tuple(f"arn:{self.partition}:ec2:{region}:{self.account}:instance/*" for region in self.regions),
            {"StringLike": {f"ssm:resourceTag/{BEANSTALK_TAG}": "*"}},
            because="Workers come and go; the condition leaves only instances of Elastic Beanstalk.",
        )

    def _read_user_tags(self) -> Grant:
        return Grant(
            ("iam:ListUserTags",),
            (f"arn:{self.partition}:iam::{self.account}:user/*",),
            because="Anybody may have started the run; the tag with the Slack id is on the person's user.",
        )

    def _documents(self, *actions: str) -> tuple[str, ...]:
        """The documents of these actions, of all without any."""
        return tuple(
            f"arn:{self.partition}:ssm:{region}:{self.account}:document/{name}"
            for region in self.regions
            for action, name in DOCUMENT_NAMES.items()
            if not actions or action in actions
        )

"""The way to AWS: which credentials, which region, and where Snow White's state machine is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, InvalidRegionError, ProfileNotFound

from infra.settings import InvalidSettings, context_of, load_settings
from snow_white_cli.aws_errors import AwsError, Trouble, sentence, trouble_of
from snow_white_cli.ends import CommandError, WrongUsage

STACK: Final = "SnowWhite"
OUTPUT: Final = "StateMachineArn"
_MACHINE_ARN: Final = re.compile(r"arn:aws[a-z-]*:states:(?P<region>[a-z0-9-]+):\d{12}:stateMachine:[\w.-]+")
_CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
_CDK_JSON: Final = Path(__file__).parents[2] / "cdk.json"
# Credentials of these kinds are the same as long as this process lives.
_FIXED_CREDENTIALS: Final = frozenset({"env", "explicit"})


@dataclass
class Access:
    """Calls AWS in Snow White's home region.

    Attributes:
        profile: of the AWS configuration; None for what boto3 finds by itself.
        home_region: given by the person; None for the region of the ARN, or of cdk.json.
        machine: the state machine's ARN given by the person; None to look it up.
    """

    profile: str | None = None
    home_region: str | None = None
    machine: str | None = None
    _session: boto3.Session | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.machine is None:
            return
        found = _MACHINE_ARN.fullmatch(self.machine)
        if not found:
            raise WrongUsage(
                f"{self.machine!r} is no state machine's ARN; it looks like "
                "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite."
            )
        if self.home_region not in (None, found["region"]):
            raise WrongUsage(f"The state machine is in {found['region']}, not in {self.home_region}.")
        self.home_region = found["region"]

    def client(self, service: str) -> Any:
        """A new client.

        Raises:
            WrongUsage: there is no such profile, region or endpoint.
            BotoCoreError: there are no credentials that can be read.
        """
        try:
            if self._session is None:
                self._session = boto3.Session(profile_name=self.profile)
            return self._session.client(service, region_name=self.region, config=_CONFIG)  # type: ignore[call-overload]
        except (ProfileNotFound, InvalidRegionError, ValueError) as error:
            raise WrongUsage(f"{str(error).rstrip('.')}.") from error

    def renew(self) -> None:
        """Read the credentials anew at the next `client`: the person may have logged in again."""
        self._session = None

    @property
    def can_be_renewed(self) -> bool:
        """Whether other credentials may be found while this process lives."""
        try:
            found = self._session.get_credentials() if self._session else None
        except AwsError:
            return True
        return found is None or found.method not in _FIXED_CREDENTIALS

    @property
    def region(self) -> str:
        """Snow White's home region."""
        if self.home_region is None:
            try:
                self.home_region = load_settings(context_of(_CDK_JSON)).home_region
            except InvalidSettings as error:
                raise CommandError(str(error)) from error
        return self.home_region

    def state_machine(self) -> str:
        """The state machine's ARN: as given, else the output of the stack in the home region."""
        if self.machine is None:
            self.machine = self._find_machine()
        return self.machine

    def _find_machine(self) -> str:
        instead = (
            "Give --home-region or --state-machine-arn, or set SNOW_WHITE_HOME_REGION or "
            "SNOW_WHITE_STATE_MACHINE_ARN."
        )
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        except ClientError as error:
            if trouble_of(error) is Trouble.OTHER:
                raise CommandError(f"There is no stack {STACK} in {self.region}. {instead}") from error
            if trouble_of(error) is Trouble.REFUSED:
                raise CommandError(f"{sentence(error)} {instead}") from error
            raise CommandError(sentence(error)) from error
        except AwsError as error:
            raise CommandError(sentence(error)) from error
        found = [one["OutputValue"] for one in stack.get("Outputs", []) if one["OutputKey"] == OUTPUT]
        if not found:
            raise CommandError(f"The stack {STACK} in {self.region} has no output {OUTPUT}. {instead}")
        return str(found[0])

    def caller(self) -> str:
        """Who calls, as Snow White's `requested_by`: an IAM user's name, else the ARN of the identity.

        AWS answers this to everybody whose credentials work, so it is their test too.
        """
        try:
            arn = str(self.client("sts").get_caller_identity()["Arn"])
        except AwsError as error:
            raise CommandError(f"{sentence(error)} Nothing was started.") from error
        _, user, name = arn.rpartition(":user/")
        return name.rpartition("/")[2] if user else arn

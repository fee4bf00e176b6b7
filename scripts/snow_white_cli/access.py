"""Access to AWS: the credentials, the home region, and the ARN of Snow White's state machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, InvalidRegionError, ProfileNotFound

from infra.settings import InvalidSettings, context_of, load_settings
from snow_white_cli.aws_errors import AwsError, ErrorKind, error_kind, explain
from snow_white_cli.exit_codes import CommandError, WrongUsage

STACK: Final = "SnowWhite"
OUTPUT: Final = "StateMachineArn"
_MACHINE_ARN: Final = re.compile(r"arn:aws[a-z-]*:states:(?P<region>[a-z0-9-]+):\d{12}:stateMachine:[\w.-]+")
_CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
_CDK_JSON: Final = Path(__file__).parents[2] / "cdk.json"
# boto3 reads credentials of these kinds once; they stay the same while this process runs.
_FIXED_CREDENTIALS: Final = frozenset({"env", "explicit"})


@dataclass
class Access:
    """Creates AWS clients for Snow White's home region, and finds its state machine.

    Attributes:
        profile: a profile of the AWS configuration; None for boto3's default.
        home_region: the region that the user gave; None for the region in `machine`, or else in cdk.json.
        machine: the state machine's ARN that the user gave; None to look it up.
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
                f"{self.machine!r} is not the ARN of a state machine. An example of one is "
                "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite."
            )
        if self.home_region not in (None, found["region"]):
            raise WrongUsage(f"The state machine is in {found['region']}, not in {self.home_region}.")
        self.home_region = found["region"]

    def client(self, service: str) -> Any:
        """A new boto3 client of the service in the home region.

        Raises:
            WrongUsage: the profile, region or endpoint does not exist.
            BotoCoreError: the credentials cannot be read.
        """
        try:
            if self._session is None:
                self._session = boto3.Session(profile_name=self.profile)
            return self._session.client(service, region_name=self.region, config=_CONFIG)  # type: ignore[call-overload]
        except (ProfileNotFound, InvalidRegionError, ValueError) as error:
            raise WrongUsage(f"{str(error).rstrip('.')}.") from error

    def renew(self) -> None:
        """Make the next `client` read the credentials again: the user may have logged in since."""
        self._session = None

    @property
    def can_be_renewed(self) -> bool:
        """Whether reading the credentials again may find different ones."""
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
        """The state machine's ARN: the one given, else the output of the stack in the home region.

        Raises:
            CommandError: AWS refuses or fails the look-up, or there is no such stack or output.
        """
        if self.machine is None:
            self.machine = self._find_machine()
        return self.machine

    def _find_machine(self) -> str:
        hint = (
            "Give --home-region or --state-machine-arn, or set SNOW_WHITE_HOME_REGION or "
            "SNOW_WHITE_STATE_MACHINE_ARN."
        )
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        except ClientError as error:
            if error_kind(error) is ErrorKind.OTHER:
                raise CommandError(f"There is no stack {STACK} in {self.region}. {hint}") from error
            if error_kind(error) is ErrorKind.ACCESS_DENIED:
                raise CommandError(f"{explain(error)} {hint}") from error
            raise CommandError(explain(error)) from error
        except AwsError as error:
            raise CommandError(explain(error)) from error
        found = [one["OutputValue"] for one in stack.get("Outputs", []) if one["OutputKey"] == OUTPUT]
        if not found:
            raise CommandError(f"The stack {STACK} in {self.region} has no output {OUTPUT}. {hint}")
        return str(found[0])

    def caller(self) -> str:
        """The caller's identity for `requested_by`: an IAM user's name, else the identity's ARN.

        Every identity may make this call, so it also tests the credentials.

        Raises:
            CommandError: the credentials do not work, or AWS cannot be reached.
        """
        try:
            arn = str(self.client("sts").get_caller_identity()["Arn"])
        except AwsError as error:
            raise CommandError(f"{explain(error)} Nothing was started.") from error
        _, user, name = arn.rpartition(":user/")
        return name.rpartition("/")[2] if user else arn

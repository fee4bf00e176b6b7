"""Access to AWS: the credentials, the home region, and the ARN of Snow White's state machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from snow_white_cli.exit_codes import CommandError, WrongUsage

if TYPE_CHECKING:
    import boto3

STACK: Final = "SnowWhite"
OUTPUT: Final = "StateMachineArn"
_MACHINE_ARN: Final = re.compile(r"arn:aws[a-z-]*:states:(?P<region>[a-z0-9-]+):\d{12}:stateMachine:[\w.-]+")
_CHECKOUT: Final = Path(__file__).parents[2]
_HINT: Final = (
    "Give --home-region or --state-machine-arn, or set SNOW_WHITE_HOME_REGION or "
    "SNOW_WHITE_STATE_MACHINE_ARN."
)
# boto3 reads credentials of these kinds once; they stay the same while this process runs.
_FIXED_CREDENTIALS: Final = frozenset({"env", "explicit"})


@dataclass
class Access:
    """Creates AWS clients for Snow White's home region, and finds its state machine.

    Attributes:
        profile: a profile of the AWS configuration; None for boto3's default.
        home_region: the region that the user gave; None for the region in `machine`, or else in the settings of this
            checkout, or else, in an installation without one, of the AWS configuration.
        machine: the state machine's ARN that the user gave; None to look it up.
    """

    profile: str | None = None
    home_region: str | None = None
    machine: str | None = None
    options: tuple[str, ...] = field(init=False)
    """The options that reach the same Snow White again, for a command to copy."""
    _session: boto3.Session | None = field(default=None, repr=False)
    _region_source: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self.options = self._given_options()
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
        from botocore.config import Config
        from botocore.exceptions import InvalidRegionError, ProfileNotFound

        config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
        try:
            # A service is known only when the program runs, so the stubs have no overload for it.
            return self._configuration().client(service, region_name=self.region, config=config)  # type: ignore[call-overload]
        except (ProfileNotFound, InvalidRegionError, ValueError) as error:
            raise WrongUsage(f"{str(error).rstrip('.')}.") from error

    def _configuration(self) -> boto3.Session:
        # Imported here, because it takes most of the time that `--help` would need.
        import boto3

        if self._session is None:
            self._session = boto3.Session(profile_name=self.profile)
        return self._session

    def renew(self) -> None:
        """Make the next `client` read the credentials again: the user may have logged in since."""
        self._session = None

    @property
    def can_be_renewed(self) -> bool:
        """Whether reading the credentials again may find different ones."""
        from snow_white_cli.aws_errors import AwsError

        try:
            found = self._session.get_credentials() if self._session else None
        except AwsError:
            return True
        return found is None or found.method not in _FIXED_CREDENTIALS

    @property
    def region(self) -> str:
        """Snow White's home region.

        Raises:
            CommandError: the settings of this checkout are invalid.
            WrongUsage: nothing names a region.
        """
        if self.home_region is None:
            self.home_region, self._region_source = self._find_region()
        return self.home_region

    def _find_region(self) -> tuple[str, str]:
        """The region, and where it is from."""
        if (_CHECKOUT / "cdk.json").is_file():
            from infra.settings import InvalidSettings, own_settings

            try:
                return own_settings().home_region, "the settings of this checkout"
            except InvalidSettings as error:
                raise CommandError(str(error)) from error
        region = self._configuration().region_name
        if not region:
            raise WrongUsage(f"Snow White's home region is not known. {_HINT}")
        return region, "your AWS configuration"

    def _given_options(self) -> tuple[str, ...]:
        given = (
            ("--profile", self.profile),
            ("--home-region", self.home_region),
            ("--state-machine-arn", self.machine),
        )
        return tuple(part for option, value in given if value for part in (option, value))

    def state_machine(self) -> str:
        """The state machine's ARN: the one given, else the output of the stack in the home region.

        Raises:
            CommandError: AWS refuses or fails the look-up, or there is no such stack or output.
        """
        if self.machine is None:
            self.machine = self._find_machine()
        return self.machine

    def _find_machine(self) -> str:
        from botocore.exceptions import ClientError

        from snow_white_cli.aws_errors import AwsError, ErrorKind, error_kind, explain

        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        except ClientError as error:
            if error_kind(error) is ErrorKind.OTHER:
                raise CommandError(
                    f"There is no stack {STACK} in {self.region}. {self._wrong_region()}"
                ) from error
            if error_kind(error) is ErrorKind.ACCESS_DENIED:
                raise CommandError(f"{explain(error)} {self._wrong_region()}") from error
            raise CommandError(explain(error)) from error
        except AwsError as error:
            raise CommandError(explain(error)) from error
        found = [one["OutputValue"] for one in stack.get("Outputs", []) if one["OutputKey"] == OUTPUT]
        if not found:
            raise CommandError(f"The stack {STACK} in {self.region} has no output {OUTPUT}. {_HINT}")
        return str(found[0])

    def _wrong_region(self) -> str:
        """The probable cause when the stack is not found: the invoke policy, too, covers the home region only."""
        region = self.region
        source = f" ({region} is from {self._region_source})" if self._region_source else ""
        return f"Probably Snow White's home region is another one{source}. {_HINT}"

    def caller(self) -> str:
        """The caller's identity for `requested_by`: an IAM user's name, else the identity's ARN.

        Every identity may make this call, so it also tests the credentials.

        Raises:
            CommandError: the credentials do not work, or AWS cannot be reached.
        """
        from snow_white_cli.aws_errors import AwsError, explain

        try:
            arn = str(self.client("sts").get_caller_identity()["Arn"])
        except AwsError as error:
            raise CommandError(f"{explain(error)} Nothing was started.") from error
        _, user, name = arn.rpartition(":user/")
        return name.rpartition("/")[2] if user else arn

"""What scripts/deploy asks an AWS account and tells it: `python -m infra.account COMMAND`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.settings import InvalidSettings, Settings, context_of, load_settings

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ROOT: Final = Path(__file__).parent.parent
STACK: Final = "SnowWhite"
SIGNING_SECRET: Final = re.compile(r"[0-9A-Za-z]{16,128}")
BOOTSTRAP_PARAMETER: Final = "/cdk-bootstrap/hnb659fds/version"


class DeploymentError(RuntimeError):
    """The account or its credentials are not as they must be; the message says what to do."""


def regions(settings: Settings) -> str:
    """Every region that something is deployed to, one a line."""
    return "\n".join(_regions(settings))


def identity(settings: Settings) -> str:
    """Whose credentials these are; raises DeploymentError if they are not of the account in the settings."""
    account, arn = _caller(settings)
    return f"Deploying to the account {account} as {arn}"


def unprepared(settings: Settings) -> str:
    """The environments, one a line as the CDK writes them, that have yet to be bootstrapped."""
    account, _ = _caller(settings)
    return "\n".join(
        f"aws://{account}/{region}" for region in _regions(settings) if not _is_bootstrapped(region)
    )


def store_token(settings: Settings) -> str:
    """Make what is on stdin the value of the deployed secret."""
    _secrets(settings).put_secret_value(
        SecretId=_outputs(settings)["SlackTokenSecretArn"], SecretString=sys.stdin.read().strip()
    )
    return "The Slack bot's token is stored."


def store_signing_secret(settings: Settings) -> str:
    """Make what is on stdin the Slack app's signing secret, which the slash command believes."""
    given = sys.stdin.read().strip()
    if not SIGNING_SECRET.fullmatch(given):
        raise DeploymentError("That is no Slack signing secret: it has letters and digits only, mostly 32.")
    outputs = _outputs(settings)
    if "SlackSigningSecretArn" not in outputs:
        raise DeploymentError("There is no slash command: set 'slash_command' to true and deploy first.")
    _secrets(settings).put_secret_value(SecretId=outputs["SlackSigningSecretArn"], SecretString=given)
    return "The Slack app's signing secret is stored."


def next_steps(settings: Settings) -> str:
    """What was deployed, who may use it, and how."""
    outputs = _outputs(settings)
    secret = _secrets(settings).describe_secret(SecretId=outputs["SlackTokenSecretArn"])
    token = "stored" if secret.get("VersionIdsToStages") else "not stored: runs work, but tell nobody"
    return f"""\
Snow White is deployed.

  State machine  {outputs["StateMachineArn"]}
  Invoke policy  {outputs["InvokePolicyArn"]}
  Workers in     {", ".join(settings.regions)}
  Slack token    {token}

Store the Slack bot's token, or another one:
  ./scripts/deploy --only-slack-token

Let somebody start it:
  aws iam attach-user-policy --user-name NAME --policy-arn {outputs["InvokePolicyArn"]}
  aws iam attach-role-policy --role-name NAME --policy-arn {outputs["InvokePolicyArn"]}

Put the workers of an application to sleep, and wake them:
  ./scripts/snow-white quiet -p NAME
  ./scripts/snow-white wake -p NAME

The same from anywhere else:
  aws stepfunctions start-execution --region {settings.home_region} \\
    --state-machine-arn {outputs["StateMachineArn"]} \\
    --input '{{"action": "quiet", "application": "NAME"}}'{_slash_command_steps(outputs)}"""


def _slash_command_steps(outputs: Mapping[str, str]) -> str:
    if "SlashCommandUrl" not in outputs:
        return ""
    return f"""

Give the Slack app its slash command, with this request URL:
  {outputs["SlashCommandUrl"]}
and store the app's signing secret, which is not shown while you paste it:
  read -rs secret && .venv/bin/python -m infra.account store-signing-secret <<<"$secret\""""


COMMANDS: Final[Mapping[str, Callable[[Settings], str]]] = {
    "regions": regions,
    "identity": identity,
    "unprepared": unprepared,
    "store-token": store_token,
    "store-signing-secret": store_signing_secret,
    "next-steps": next_steps,
}


def _regions(settings: Settings) -> list[str]:
    return sorted({settings.home_region, *settings.regions})


def _caller(settings: Settings) -> tuple[str, str]:
    try:
        caller = boto3.client("sts", region_name=settings.home_region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(
            f"There are no AWS credentials that work: {error}. Log in, set AWS_PROFILE, or give --profile."
        ) from error
    account, arn = caller["Account"], caller["Arn"]
    if settings.account not in (None, account):
        raise DeploymentError(
            f"The setting 'account' is {settings.account!r}, but the credentials are {arn}."
        )
    return account, arn


def _is_bootstrapped(region: str) -> bool:
    ssm = boto3.client("ssm", region_name=region)
    try:
        ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)
    except ssm.exceptions.ParameterNotFound:
        return False
    return True


def _outputs(settings: Settings) -> dict[str, str]:
    cloudformation = boto3.client("cloudformation", region_name=settings.home_region)
    try:
        (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    except ClientError as error:
        raise DeploymentError(
            f"The stack {STACK} cannot be read in {settings.home_region}: {error}. Is it deployed?"
        ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _secrets(settings: Settings) -> SecretsManagerClient:
    return boto3.client("secretsmanager", region_name=settings.home_region)


def main() -> None:
    """Run the command that is given; what went wrong is a sentence on stderr, and the exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m infra.account", description=__doc__)
    parser.add_argument("command", choices=list(COMMANDS))
    command = COMMANDS[parser.parse_args().command]
    try:
        said = command(load_settings(context_of(ROOT / "cdk.json")))
    except (InvalidSettings, DeploymentError, BotoCoreError, ClientError) as error:
        sys.exit(str(error))
    if said:
        print(said)


if __name__ == "__main__":
    main()

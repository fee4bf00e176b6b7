"""The parts of scripts/deploy that talk to the AWS account: `python -m infra.account COMMAND`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.settings import InvalidSettings, Settings, own_settings
from snow_white.version import VERSION

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

STACK: Final = "SnowWhite"
SIGNING_SECRET: Final = re.compile(r"[0-9A-Za-z]{16,128}")
VERSION_OUTPUT: Final = "Version"
TOOLKIT_STACK: Final = "CDKToolkit"
QUALIFIER: Final = "hnb659fds"
BOOTSTRAP_PARAMETER: Final = f"/cdk-bootstrap/{QUALIFIER}/version"
OLDEST_BOOTSTRAP: Final = 6
"""The version that the synthesized templates ask for."""


class DeploymentError(RuntimeError):
    """The account or its credentials do not allow the deployment; the message says what to do."""


def regions(settings: Settings) -> str:
    """Every region that gets a stack, one per line."""
    return "\n".join(_regions(settings))


def identity(settings: Settings) -> str:
    """The account and the user or role; raises DeploymentError if the account is not the one in the settings."""
    account, arn = _caller(settings)
    return f"Using the account {account} as {arn}"


def versions(settings: Settings) -> str:
    """From which version to which the deployment goes."""
    try:
        deployed = _outputs(settings).get(VERSION_OUTPUT, "a version before 0.2.0")
    except DeploymentError:
        return f"Deploying Snow White {VERSION}; it is not deployed in {settings.home_region} yet."
    if deployed == VERSION:
        return f"Deploying Snow White {VERSION} again."
    return f"Deploying Snow White {VERSION}; {deployed} is deployed now. CHANGELOG.md says what is new."


def unbootstrapped(settings: Settings) -> str:
    """The regions that are not bootstrapped yet, one per line, as `aws://ACCOUNT/REGION`.

    Raises DeploymentError for a region that others have bootstrapped in another way: bootstrapping it would change what
    their applications depend on.
    """
    account, _ = _caller(settings)
    return "\n".join(
        f"aws://{account}/{region}" for region in _regions(settings) if not _is_bootstrapped(region)
    )


def store_token(settings: Settings) -> str:
    """Store the Slack bot's token, read from stdin, in the deployed secret."""
    _secrets(settings).put_secret_value(
        SecretId=_outputs(settings)["SlackTokenSecretArn"], SecretString=sys.stdin.read().strip()
    )
    return "The Slack bot's token is stored."


def store_signing_secret(settings: Settings) -> str:
    """Store the Slack app's signing secret, read from stdin. The slash command checks signatures with it."""
    given = sys.stdin.read().strip()
    if not SIGNING_SECRET.fullmatch(given):
        raise DeploymentError("That is no Slack signing secret: it must have 16 to 128 letters and digits.")
    outputs = _outputs(settings)
    if "SlackSigningSecretArn" not in outputs:
        raise DeploymentError(
            "The slash command is not deployed: set 'slash_command' to true and deploy first."
        )
    _secrets(settings).put_secret_value(SecretId=outputs["SlackSigningSecretArn"], SecretString=given)
    return "The Slack app's signing secret is stored."


def next_steps(settings: Settings) -> str:
    """What is deployed, and how to use it: the text at the end of a deployment."""
    outputs = _outputs(settings)
    secret = _secrets(settings).describe_secret(SecretId=outputs["SlackTokenSecretArn"])
    token = (
        "stored" if secret.get("VersionIdsToStages") else "not stored: runs work, but send no Slack message"
    )
    return f"""\
Snow White {VERSION} is deployed.

  State machine  {outputs["StateMachineArn"]}
  Invoke policy  {outputs["InvokePolicyArn"]}
  Workers in     {", ".join(settings.regions)}
  Slack token    {token}

Store or replace the Slack bot's token:
  ./scripts/deploy --only-slack-token

Allow a user or a role to start runs:
  aws iam attach-user-policy --user-name NAME --policy-arn {outputs["InvokePolicyArn"]}
  aws iam attach-role-policy --role-name NAME --policy-arn {outputs["InvokePolicyArn"]}

Quiet the workers of an application, and wake them:
  ./scripts/snow-white quiet NAME
  ./scripts/snow-white wake NAME

Start a run with the AWS CLI:
  aws stepfunctions start-execution --region {settings.home_region} \\
    --state-machine-arn {outputs["StateMachineArn"]} \\
    --input '{{"action": "quiet", "application": "NAME"}}'{_slash_command_steps(outputs)}"""


def detach_policy(settings: Settings) -> str:
    """Take the invoke policy from whoever has it; one line for each."""
    try:
        arn = _outputs(settings)["InvokePolicyArn"]
    except DeploymentError:
        return ""
    iam = boto3.client("iam", region_name=settings.home_region)
    lines = []
    for page in iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn):
        for user in page["PolicyUsers"]:
            iam.detach_user_policy(UserName=user["UserName"], PolicyArn=arn)
            lines.append(f"The user {user['UserName']} has the invoke policy no more.")
        for group in page["PolicyGroups"]:
            iam.detach_group_policy(GroupName=group["GroupName"], PolicyArn=arn)
            lines.append(f"The group {group['GroupName']} has the invoke policy no more.")
        for role in page["PolicyRoles"]:
            iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
            lines.append(f"The role {role['RoleName']} has the invoke policy no more.")
    return "\n".join(lines)


def what_stays(settings: Settings) -> str:
    """What is left in the account after the stacks are deleted."""
    return f"""\
Snow White's stacks are deleted. These stay:

  Workers        the quiet ones stay quiet and the stopped ones stopped: restart them, or deploy your application
  CDK bootstrap  the stack {TOOLKIT_STACK} with its bucket and the uploaded code, in {", ".join(_regions(settings))}:
                 other applications may use it
  Records        Run Command keeps the answers of the hosts for 30 days, CloudWatch its metrics for 15 months
  Here           settings.json and .venv/"""


def _slash_command_steps(outputs: Mapping[str, str]) -> str:
    if "SlashCommandUrl" not in outputs:
        return ""
    return f"""

Add the slash command to the Slack app, with this request URL:
  {outputs["SlashCommandUrl"]}
Then store the app's signing secret (it is not shown while you paste it):
  read -rs secret && .venv/bin/python -m infra.account store-signing-secret <<<"$secret\""""


COMMANDS: Final[Mapping[str, Callable[[Settings], str]]] = {
    "regions": regions,
    "identity": identity,
    "versions": versions,
    "unbootstrapped": unbootstrapped,
    "store-token": store_token,
    "store-signing-secret": store_signing_secret,
    "next-steps": next_steps,
    "detach-policy": detach_policy,
    "what-stays": what_stays,
}


def _regions(settings: Settings) -> list[str]:
    return sorted({settings.home_region, *settings.regions})


def _caller(settings: Settings) -> tuple[str, str]:
    try:
        caller = boto3.client("sts", region_name=settings.home_region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(
            f"There are no AWS credentials that work: {error}. Log in, set AWS_PROFILE, or use --profile."
        ) from error
    account, arn = caller["Account"], caller["Arn"]
    if settings.account not in (None, account):
        raise DeploymentError(
            f"The setting 'account' is {settings.account!r}, but the credentials are {arn}."
        )
    return account, arn


def _is_bootstrapped(region: str) -> bool:
    """Whether the region has the bootstrap that the stacks use; raises DeploymentError if it has another one."""
    ssm = boto3.client("ssm", region_name=region)
    try:
        version = ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        _require_no_toolkit(region)
        return False
    if not version.isdecimal() or int(version) < OLDEST_BOOTSTRAP:
        raise DeploymentError(
            f"The CDK bootstrap in {region} is version {version}, and Snow White needs {OLDEST_BOOTSTRAP}. "
            f"{_OTHERS_DEPEND_ON_IT}"
        )
    return True


def _require_no_toolkit(region: str) -> None:
    cloudformation = boto3.client("cloudformation", region_name=region)
    try:
        (stack,) = cloudformation.describe_stacks(StackName=TOOLKIT_STACK)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return
        raise
    qualifiers = [
        one["ParameterValue"] for one in stack.get("Parameters", []) if one["ParameterKey"] == "Qualifier"
    ]
    which = (
        f"the qualifier {qualifiers[0]!r}"
        if qualifiers
        else "no qualifier, as old versions of the CDK made it"
    )
    raise DeploymentError(
        f"The stack {TOOLKIT_STACK} in {region} has {which}, and not {QUALIFIER!r}, which Snow White uses. "
        f"{_OTHERS_DEPEND_ON_IT} Or bootstrap {region} a second time, beside it: npx aws-cdk bootstrap "
        f"--toolkit-stack-name CDKToolkit-{QUALIFIER} --qualifier {QUALIFIER} aws://ACCOUNT/{region}"
    )


_OTHERS_DEPEND_ON_IT: Final = (
    "Bootstrapping would change it for every application that uses it, so nothing was changed. Ask its owner."
)


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
    """Run one command. A failure prints one sentence on stderr and exits with 1."""
    parser = argparse.ArgumentParser(prog="python -m infra.account", description=__doc__)
    parser.add_argument("command", choices=list(COMMANDS))
    command = COMMANDS[parser.parse_args().command]
    try:
        text = command(own_settings())
    except (InvalidSettings, DeploymentError, BotoCoreError, ClientError) as error:
        sys.exit(str(error))
    if text:
        print(text)


if __name__ == "__main__":
    main()

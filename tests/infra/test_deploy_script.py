"""./scripts/deploy: the commands it would run, its error messages, and its AWS calls on the local AWS."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.account import OLDEST_BOOTSTRAP
from local_aws import LocalAws
from local_aws.deploy import deploy as deploy_stacks
from local_aws.slack.commands import SIGNING_SECRET
from snow_white.version import VERSION
from tests.infra.templates import Assembly, Template

ROOT = Path(__file__).parents[2]
TOKEN = "xoxb-123-abc"


def deploy(
    *options: str, token: str = "", environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script without a terminal, and with no credentials but those in `environ`."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SNOW_WHITE_", "CDK_"))
    }
    nowhere = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "HOME": "/nonexistent",
        "SNOW_WHITE_SETTINGS_FILE": "",
    }
    return subprocess.run(
        ["scripts/deploy", *options],
        cwd=ROOT,
        env={**clean, **nowhere, **(environ or {})},
        input=token,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_says_every_option_the_script_knows() -> None:
    result = deploy("--help")
    assert result.returncode == 0
    known = ["--profile", "--settings", "--slack-token", "--slack-token-stdin", "--only-slack-token", "--yes"]
    for option in [*known, "--diff", "--destroy", "--dry-run", "--help"]:
        assert f"  {option} " in result.stdout


def test_a_dry_run_shows_the_whole_deployment_of_every_region_in_order() -> None:
    settings = '{"home_region": "us-east-1", "regions": ["eu-west-1", "us-east-1"]}'
    result = deploy("--dry-run", "--yes", "--slack-token-stdin", "--settings", settings, token=TOKEN)
    assert result.stdout.splitlines() == [
        "would run: .venv/bin/python -m infra.account identity",
        "would run: .venv/bin/python -m infra.account versions",
        "would run: npx --yes aws-cdk@2.1148.1 bootstrap aws://ACCOUNT/eu-west-1 aws://ACCOUNT/us-east-1",
        "would run: npx --yes aws-cdk@2.1148.1 deploy --all --concurrency 5 --require-approval never",
        "would run: .venv/bin/python -m infra.account store-token",
        "would run: .venv/bin/python -m infra.account next-steps",
    ]
    assert result.returncode == 0


def test_a_diff_changes_nothing() -> None:
    assert deploy("--dry-run", "--diff").stdout.splitlines() == [
        "would run: .venv/bin/python -m infra.account identity",
        "would run: npx --yes aws-cdk@2.1148.1 diff --all",
    ]


def test_the_stacks_are_deleted_after_nobody_has_their_policy_any_more_and_it_says_what_stays() -> None:
    assert deploy("--dry-run", "--destroy").stdout.splitlines() == [
        "would run: .venv/bin/python -m infra.account identity",
        "would run: .venv/bin/python -m infra.account detach-policy",
        "would run: npx --yes aws-cdk@2.1148.1 destroy --all --force",
        "would run: .venv/bin/python -m infra.account what-stays",
    ]


def test_permissions_are_asked_for_unless_told_otherwise() -> None:
    assert "--require-approval broadening" in deploy("--dry-run").stdout


@pytest.mark.parametrize(
    ("options", "token", "code", "said"),
    [
        (["--yess"], "", 2, "There is no option '--yess'."),
        (["--profile"], "", 2, "The option --profile needs a value."),
        ([], "", 2, "There is no terminal to ask for approval of new permissions: add --yes."),
        (["--destroy"], "", 2, "There is no terminal to ask whether to delete the stacks: add --yes."),
        (["--diff", "--destroy"], "", 2, "The option --destroy cannot be combined with --diff."),
        (["--diff", "--slack-token-stdin"], TOKEN, 2, "--diff stores no Slack token."),
        (["--yes", "--slack-token-stdin"], "", 1, "There is no Slack token on standard input."),
        (["--yes", "--slack-token-stdin"], "xoxp-1", 1, "That is no Slack bot token: it must be xoxb-"),
        (["--yes", "--slack-token-stdin"], "xoxb-1 2", 1, "That is no Slack bot token"),
        (["--yes", "--slack-token"], TOKEN, 1, "There is no terminal to ask for the Slack token: use"),
        (["--only-slack-token"], TOKEN, 1, "There is no terminal to ask for the Slack token: use"),
        (["--yes", "--settings", "{"], "", 1, "The environment variable SNOW_WHITE_OVERRIDES is not JSON"),
        (["--yes", "--settings", '{"regions": "all"}'], "", 1, "The setting 'regions' is 'all', but must be"),
        (["--yes"], "", 1, "There are no AWS credentials that work"),
        (["--yes", "--profile", "nobody"], "", 1, "There are no AWS credentials that work"),
    ],
)
def test_a_mistake_ends_it_with_a_sentence_before_anything_is_done(
    options: list[str], token: str, code: int, said: str
) -> None:
    result = deploy(*options, token=token)
    assert result.returncode == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws.start(tmp_path_factory.mktemp("aws")) as local_aws:
        yield local_aws


@pytest.fixture(scope="module")
def outputs(aws: LocalAws, credentials: dict[str, str], assembly: Assembly) -> dict[str, str]:
    """The outputs of a first deployment, before which the region was not bootstrapped, and after it it is."""
    assert account("unbootstrapped", credentials).stdout == f"aws://{aws.account}/us-east-1\n"
    outputs = deployed(aws, assembly)
    assert account("unbootstrapped", credentials).stdout == ""
    return outputs


def deployed(aws: LocalAws, assembly: Assembly) -> dict[str, str]:
    """The outputs of the home region's stack after a deployment of these templates."""
    return deploy_stacks(assembly.folder, aws.client)["SnowWhite"]


@pytest.fixture(scope="module")
def credentials(aws: LocalAws) -> dict[str, str]:
    """The environment of a person who may do everything on the local AWS."""
    return {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": aws.root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.root.secret_access_key,
    }


def account(
    command: str, credentials: dict[str, str], stdin: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run one of the commands that the script is made of."""
    return subprocess.run(
        [".venv/bin/python", "-m", "infra.account", command],
        cwd=ROOT,
        env={**os.environ, "SNOW_WHITE_SETTINGS_FILE": "", **credentials, **settings},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def test_credentials_of_another_account_than_the_one_set_are_refused(
    aws: LocalAws, credentials: dict[str, str]
) -> None:
    assert aws.account in account("identity", credentials).stdout
    other = account("identity", credentials, SNOW_WHITE_OVERRIDES='{"account": "999999999999"}')
    assert other.returncode == 1
    assert other.stderr.startswith("The setting 'account' is '999999999999', but the credentials are ")


def test_a_token_for_a_stack_that_is_not_there_is_refused_with_the_region(
    credentials: dict[str, str],
) -> None:
    settings = {**credentials, "SNOW_WHITE_OVERRIDES": '{"home_region": "eu-north-1"}'}
    result = deploy("--only-slack-token", "--slack-token-stdin", token=TOKEN, environ=settings)
    assert result.returncode == 1
    assert "The stack SnowWhite cannot be read in eu-north-1" in result.stderr


BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


def elsewhere(region: str) -> dict[str, str]:
    """Settings for another region, so that no test sees what another has left."""
    return {"SNOW_WHITE_OVERRIDES": json.dumps({"home_region": region, "regions": [region]})}


@pytest.mark.parametrize(
    ("region", "parameters", "said"),
    [
        ("eu-west-2", {"Qualifier": "acme"}, "has the qualifier 'acme', and not 'hnb659fds'"),
        ("eu-west-3", {}, "has no qualifier, as old versions of the CDK made it, and not 'hnb659fds'"),
    ],
)
def test_a_bootstrap_of_others_is_refused_and_not_changed(
    aws: LocalAws, credentials: dict[str, str], region: str, parameters: dict[str, str], said: str
) -> None:
    cloudformation = aws.client("cloudformation", region)
    template = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    cloudformation.create_stack(StackName="CDKToolkit", TemplateBody=json.dumps(template), Parameters=given)
    result = account("unbootstrapped", {**credentials, **elsewhere(region)})
    assert (result.returncode, result.stdout) == (1, "")
    assert f"The stack CDKToolkit in {region} {said}" in result.stderr
    assert "so nothing was changed. Ask its owner." in result.stderr


def test_a_bootstrap_that_is_too_old_is_refused(aws: LocalAws, credentials: dict[str, str]) -> None:
    aws.client("ssm", "sa-east-1").put_parameter(Name=BOOTSTRAP, Value="5", Type="String")
    result = account("unbootstrapped", {**credentials, **elsewhere("sa-east-1")})
    assert result.returncode == 1
    assert "The CDK bootstrap in sa-east-1 is version 5, and Snow White needs 6." in result.stderr


def test_the_oldest_bootstrap_is_the_one_that_the_templates_ask_for(home: Template) -> None:
    (rule,) = home.content["Rules"].values()
    (refused,) = [one["Assert"]["Fn::Not"][0]["Fn::Contains"][0] for one in rule["Assertions"]]
    assert int(refused[-1]) + 1 == OLDEST_BOOTSTRAP
    assert home.content["Parameters"]["BootstrapVersion"]["Default"] == BOOTSTRAP


@pytest.mark.synthesizes
def test_a_deployment_says_from_which_version_to_which_and_the_policy_is_detached_at_the_end(
    aws: LocalAws, credentials: dict[str, str], outputs: dict[str, str]
) -> None:
    nowhere = {**credentials, **elsewhere("eu-south-1")}
    assert account("versions", nowhere).stdout == (
        f"Deploying Snow White {VERSION}; it is not deployed in eu-south-1 yet.\n"
    )
    assert outputs["Version"] == VERSION
    assert account("versions", credentials).stdout == f"Deploying Snow White {VERSION} again.\n"

    aws.create_user("ann-with-policy", [outputs["InvokePolicyArn"]])
    detached = account("detach-policy", credentials)
    assert detached.stdout == "The user ann-with-policy has the invoke policy no more.\n", detached.stderr
    assert account("detach-policy", credentials).stdout == ""
    assert account("detach-policy", nowhere).stdout == ""
    assert "the stack CDKToolkit" in account("what-stays", credentials).stdout


@pytest.mark.synthesizes
def test_a_region_is_bootstrapped_once_and_the_token_is_stored_without_being_shown(
    aws: LocalAws, credentials: dict[str, str], outputs: dict[str, str]
) -> None:
    assert account("unbootstrapped", credentials).stdout == ""
    assert "not stored" in account("next-steps", credentials).stdout

    result = deploy("--only-slack-token", "--slack-token-stdin", token=f"{TOKEN}\n", environ=credentials)
    assert result.returncode == 0, result.stderr
    assert outputs["StateMachineArn"] in result.stdout
    assert f"--policy-arn {outputs['InvokePolicyArn']}" in result.stdout
    assert "Slack token    stored" in result.stdout
    assert TOKEN not in result.stdout + result.stderr
    secrets = aws.client("secretsmanager")
    assert secrets.get_secret_value(SecretId=outputs["SlackTokenSecretArn"])["SecretString"] == TOKEN


@pytest.mark.synthesizes
@pytest.mark.usefixtures("outputs")
def test_the_signing_secret_of_the_slash_command_is_stored_without_being_shown(
    aws: LocalAws, credentials: dict[str, str], assembly_with_slash_command: Assembly
) -> None:
    def store(secret: str) -> subprocess.CompletedProcess[str]:
        return account("store-signing-secret", credentials, stdin=f"{secret}\n")

    assert "slash" not in account("next-steps", credentials).stdout
    assert "set 'slash_command' to true and deploy first" in store(SIGNING_SECRET).stderr

    outputs = deployed(aws, assembly_with_slash_command)
    assert outputs["SlashCommandUrl"] in account("next-steps", credentials).stdout
    assert "That is no Slack signing secret" in store(TOKEN).stderr
    result = store(SIGNING_SECRET)
    assert (result.returncode, result.stdout) == (0, "The Slack app's signing secret is stored.\n")
    kept = aws.client("secretsmanager").get_secret_value(SecretId=outputs["SlackSigningSecretArn"])
    assert kept["SecretString"] == SIGNING_SECRET

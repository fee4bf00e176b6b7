"""scripts/snow-white on the deployed stack, as Ann, who has the invoke policy and nothing else."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from local_aws.engine.account import Credentials
from tests.snow_white_cli.cuttable_connection import CuttableConnection
from tests.snow_white_cli.terminal import CTRL_C, running, snow_white, terminal
from tests.workflow.shop import HOME, Shop, ended, eventually


def as_person(shop: Shop, person: Credentials | None = None, endpoint: str = "") -> dict[str, str]:
    """The environment variables of a person on the local AWS."""
    keys = person or shop.ann
    return {
        "AWS_ENDPOINT_URL": endpoint or shop.aws.endpoint,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        **({"AWS_SESSION_TOKEN": keys.session_token} if keys.session_token else {}),
    }


def run_name(shown: str) -> str:
    """The name of the run that the command said it has started."""
    return shown.split("Started ")[1].split(":")[0]


def test_status_shows_every_process_and_quiet_and_wake_end_with_0(shop: Shop) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    (instance,) = shop.instances(environment)
    ann = as_person(shop)
    to = ("-p", shop.name, "-e", "workers", "-r", HOME, "--channel", shop.channel)

    status = snow_white("status", *to, **ann)
    assert status.returncode == 0, status.stderr
    assert f"All workers of {shop.name} have reported" in status.stdout
    (row,) = [line for line in status.stdout.splitlines() if instance in line]
    assert all(part in row for part in (environment, HOME, "awake", "6.4.1", "systemd:"))
    assert "1 host, 1 process (1 awake), 0 jobs." in status.stdout

    quiet = snow_white("quiet", *to, "--json", "--timeout", "5m", **ann)
    assert quiet.returncode == 0, quiet.stderr
    answer = json.loads(quiet.stdout)
    assert (answer["status"], answer["report"]["counts"]) == ("SUCCEEDED", {"quiet": 1})
    assert answer["report"]["requested_by"].startswith("ann-")
    assert "of 1 instance quiet" in quiet.stderr
    assert [title for title in shop.titles(instance) if "stopping" in title]

    wake = snow_white("wake", shop.name, *to[2:], **ann)
    assert wake.returncode == 0, wake.stderr
    assert f"The workers of {shop.name} are confirmed awake: 1 awake" in wake.stdout


def test_ctrl_c_asks_and_a_lost_connection_is_waited_out(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    (job,) = shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    to = ("-p", shop.name, "--channel", shop.channel)

    with (
        CuttableConnection(shop.aws.endpoint) as connection,
        terminal("quiet", *to, **as_person(shop, endpoint=connection.endpoint)) as person,
    ):
        person.wait_for("0 of 1 instance quiet")
        connection.cut()
        person.wait_for("AWS cannot be reached")
        connection.restore()
        person.wait_for("AWS answers again.")
        person.press(CTRL_C)
        person.wait_for("What do you want to do?")
        person.press("w\n")
        person.wait_for("0 of 1 instance quiet", times=person.shown.count("0 of 1 instance quiet") + 1)
        person.press(CTRL_C)
        person.wait_for("What do you want to do?", times=2)
        person.press("s\n")
        assert person.end() == 1
        stopped = run_name(person.shown)
        assert "Stopped on the command line by ann-" in person.shown
        assert "NOT confirmed quiet" in person.shown
        assert "0 of 1 instance take no new jobs until they are woken." in " ".join(person.shown.split())
        assert f"/scripts/snow-white wake {shop.name}" in person.shown

    with terminal("quiet", *to, **as_person(shop)) as person:
        person.wait_for("0 of 1 instance quiet")
        person.press(CTRL_C)
        person.wait_for("What do you want to do?")
        person.press(CTRL_C)
        assert person.end() == 3
        left = run_name(person.shown)
        assert f"/scripts/snow-white follow {left}" in person.shown

    shop.release()
    follow = snow_white("follow", left, **as_person(shop))
    assert follow.returncode == 0, follow.stderr
    assert f"The workers of {shop.name} are confirmed quiet" in follow.stdout
    assert shop.ledger().finished == {job}

    listed = json.loads(snow_white("runs", "--json", "-n", "100", **as_person(shop)).stdout)
    statuses = {one["name"]: one["status"] for one in listed}
    assert (statuses[stopped], statuses[left]) == ("ABORTED", "SUCCEEDED")


def test_a_request_that_matches_nothing_ends_with_1_and_one_that_is_wrong_with_2(shop: Shop) -> None:
    nothing = snow_white("quiet", "-p", shop.name, "--channel", shop.channel, **as_person(shop))
    assert nothing.returncode == 1
    assert f"NothingMatched: No environment of application '{shop.name}'" in nothing.stdout
    assert "snow-white wake" not in nothing.stdout  # nothing was sent
    elsewhere = snow_white("quiet", "-p", shop.name, "-r", "ap-south-1", **as_person(shop))
    assert elsewhere.returncode == 2
    assert "InvalidRequest: 'regions' names 'ap-south-1'" in elsewhere.stdout


def test_without_waiting_nothing_is_confirmed_and_the_run_can_be_followed_later(shop: Shop) -> None:
    started = snow_white("quiet", "-p", shop.name, "--no-wait", "--json", **as_person(shop))
    assert started.returncode == 3
    answer = json.loads(started.stdout)
    assert (answer["status"], answer["report"]) == ("RUNNING", None)
    followed = snow_white("follow", answer["run"], "--json", **as_person(shop))
    assert followed.returncode == 1
    assert json.loads(followed.stdout)["error"] == "NothingMatched"
    listed = json.loads(snow_white("runs", "--json", "-n", "100", **as_person(shop)).stdout)
    (run,) = [one for one in listed if one["name"] == answer["name"]]
    assert (run["action"], run["application"], run["error"]) == ("quiet", shop.name, "NothingMatched")
    assert run["requested_by"].startswith("ann-")


def test_without_a_name_the_newest_run_is_followed(shop: Shop, tmp_path: Path) -> None:
    ended(shop.run("status"))
    log = tmp_path / "log"
    # It may be another test's, which may last.
    with running(log, "follow", **as_person(shop)) as process:
        eventually(lambda: log.read_text().startswith("Following "), "it follows one")
        process.kill()


def test_a_run_that_somebody_typed_anything_for_is_listed_and_shown(shop: Shop) -> None:
    execution = shop.start(["quiet", shop.name])
    ended(execution)
    assert execution.name in snow_white("runs", "-n", "100", **as_person(shop)).stdout
    followed = snow_white("follow", execution.name, **as_person(shop))
    assert followed.returncode == 2
    assert "InvalidRequest: The input must be a JSON object" in followed.stdout


def test_the_state_machine_may_be_named_instead_of_looked_up(shop: Shop) -> None:
    arn = shop.aws.outputs["StateMachineArn"]
    named = snow_white("runs", **as_person(shop), SNOW_WHITE_STATE_MACHINE_ARN=arn)
    assert named.returncode == 0
    unknown = snow_white("quiet", "-p", shop.name, "--state-machine-arn", f"{arn}x", **as_person(shop))
    assert unknown.returncode == 1
    elsewhere = snow_white("runs", "--home-region", "eu-west-1", **as_person(shop))
    assert elsewhere.returncode == 1
    assert "--home-region or --state-machine-arn" in elsewhere.stderr


def test_somebody_without_the_invoke_policy_is_told_what_is_missing(shop: Shop) -> None:
    eve = shop.aws.create_user(f"eve-{secrets.token_hex(4)}")
    arn = shop.aws.outputs["StateMachineArn"]
    refused = snow_white("quiet", "-p", shop.name, "--state-machine-arn", arn, **as_person(shop, eve))
    assert refused.returncode == 1
    assert "AWS denied access" in refused.stderr
    assert "InvokePolicyArn" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_somebody_in_a_role_is_named_by_the_session(shop: Shop) -> None:
    role = f"deployers-{secrets.token_hex(4)}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{shop.aws.account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam = shop.aws.client("iam")
    made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.attach_role_policy(RoleName=role, PolicyArn=shop.aws.outputs["InvokePolicyArn"])
    session = shop.aws.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="bob@example.com")
    keys = session["Credentials"]
    bob = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    started = snow_white("quiet", "-p", shop.name, "--no-wait", "--json", **as_person(shop, bob))
    name = json.loads(started.stdout)["name"]
    listed = json.loads(snow_white("runs", "--json", "-n", "100", **as_person(shop)).stdout)
    (asked_by,) = [one["requested_by"] for one in listed if one["name"] == name]
    assert asked_by == f"arn:aws:sts::{shop.aws.account}:assumed-role/{role}/bob@example.com"


def test_a_run_that_does_not_exist_is_wrong_usage(shop: Shop) -> None:
    missing = snow_white("follow", "nothing-of-that-name", **as_person(shop))
    assert missing.returncode == 2
    assert "There is no run nothing-of-that-name" in missing.stderr

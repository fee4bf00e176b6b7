"""Workers outside of Elastic Beanstalk on the deployed stack: Auto Scaling groups and tagged instances."""

from __future__ import annotations

import json
from typing import Any

from snow_white_cli.runs import FollowedRun
from tests.snow_white_cli.terminal import snow_white
from tests.workflow.shop import AWAY, HOME, Shop, ended, eventually
from tests.workflow.test_command_line import as_person
from tests.workflow.test_slash_command import CHANNEL, SlackApp


def asleep(shop: Shop, instance: str) -> bool:
    titles = shop.titles(instance)
    return bool(titles) and all(title.endswith("stopping") for title in titles)


def test_the_groups_that_a_glob_matches_are_quieted_without_losing_a_job_and_woken(shop: Shop) -> None:
    blue = shop.add_group("backups-blue", role="worker", instances=2)
    green = shop.add_group("backups-green", role="worker", region=AWAY)
    web = shop.add_group("web", role="web")
    shop.wait_until_up(workers=4)
    jobs = shop.enqueue(*[4] * 90)
    eventually(lambda: len(shop.ledger().running) >= 15, "the workers are busy")
    glob = ("--asg", f"{shop.name}-backups-*", "--channel", shop.channel)

    quiet = snow_white("quiet", *glob, "--json", **as_person(shop))

    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    report = json.loads(quiet.stdout)["report"]
    assert (report["counts"], report["groups"]) == ({"quiet": 3}, [blue, green])
    quieted = [*shop.members(blue), *shop.members(green, AWAY)]
    assert all(asleep(shop, one) for one in quieted)
    assert not any(asleep(shop, one) for one in shop.members(web))
    assert shop.told()[0]["text"].startswith(f"✅ {shop.name}-backups-*: 3 workers quiet (")

    wake = snow_white("wake", *glob, **as_person(shop))

    assert wake.returncode == 0, wake.stdout + wake.stderr
    assert f"The workers of {shop.name}-backups-* are confirmed awake: 3 awake" in wake.stdout
    eventually(lambda: shop.ledger().finished == set(jobs), "every job has finished")
    ledger = shop.ledger()
    assert (ledger.killed, ledger.run_twice, ledger.lost) == (frozenset(), frozenset(), frozenset())


def test_a_tag_selects_instances_in_a_group_and_without_one_also_such_as_are_launched_during_the_run(
    shop: Shop,
) -> None:
    group = shop.add_group("backups", role="worker")
    alone = shop.launch("worker", AWAY)
    other = shop.launch("web")
    shop.wait_until_up(workers=3)
    (job,) = shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    tag = f"Role={shop.name}-worker"

    run = shop.start({"action": "quiet", "tags": {"Role": f"{shop.name}-worker"}, "channel": shop.channel})
    eventually(lambda: run.has_left("DispatchCommand"), "the first command is sent")
    shop.scale(group, 2)
    eventually(lambda: len(shop.members(group)) == 2, "another instance is launched")
    eventually(lambda: all(asleep(shop, one) for one in shop.members(group)), "it is quieted too")
    shop.release()
    end = ended(run)

    assert end.status == "SUCCEEDED", end.cause
    assert end.output["counts"] == {"quiet": 3}
    assert (end.output["tags"], end.output["groups"]) == ([tag], sorted([tag, group]))
    assert asleep(shop, alone)
    assert not asleep(shop, other)
    eventually(lambda: shop.ledger().finished <= {job}, "nothing else was run")

    wake = snow_white("wake", "--tag", tag, **as_person(shop))
    assert wake.returncode == 0, wake.stdout + wake.stderr


def test_an_opposite_run_that_selects_the_same_instance_otherwise_is_named(shop: Shop) -> None:
    group = shop.add_group("backups", role="worker")
    shop.wait_until_up(workers=1)
    shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    quiet = shop.start({"action": "quiet", "auto_scaling_groups": group})
    eventually(lambda: quiet.has_left("DispatchCommand"), "it has been told to be quiet")

    wake = ended(shop.start({"action": "wake", "tags": {"Role": f"{shop.name}-worker"}}))

    assert wake.error == "OppositeRunUnderWay"
    assert f"A quiet of '{group}' is under way: the execution {quiet.name}" in str(wake.cause)
    quiet.stop("Test", "The test is over.")


def test_of_a_group_only_the_instance_that_is_named_is_quieted(shop: Shop) -> None:
    group = shop.add_group("backups", role="worker", instances=2)
    shop.wait_until_up(workers=2)
    named, other = shop.members(group)
    quiet = snow_white("quiet", "--asg", group, "-i", named, "--channel", shop.channel, **as_person(shop))
    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    assert f"The workers of {group} ({named}) are confirmed quiet: 1 quiet" in quiet.stdout
    assert asleep(shop, named)
    assert not asleep(shop, other)


def test_the_slash_command_and_its_buttons_take_a_tag_too(shop: Shop) -> None:
    instance = shop.launch("worker")
    shop.wait_until_up(workers=1)
    shop.aws.slack.add_channel(CHANNEL, "commands")
    app = SlackApp(shop.aws)
    tag = f"Role={shop.name}-worker"

    _, (quiet,) = app.type(f"quiet tag={tag}")

    assert ended(quiet).status == "SUCCEEDED"
    assert asleep(shop, instance)
    (message,) = [one for one in shop.aws.slack.messages(CHANNEL) if one["text"].startswith(f"✅ {tag}: ")]
    _, headers = app.press(message, "Wake")
    (wake,) = app.started_by(headers)
    assert ended(wake).status == "SUCCEEDED"
    assert not asleep(shop, instance)


def test_what_the_settings_do_not_allow_cannot_be_named(shop: Shop) -> None:
    for asked, said in (
        (
            {"auto_scaling_groups": "web-*"},
            "'auto_scaling_groups' names 'web-*', but the setting worker_groups allows",
        ),
        ({"tags": {"Role": "web"}}, "'tags' names 'Role=web', but the setting worker_tags allows only"),
    ):
        end = ended(shop.start({"action": "quiet", **asked}))
        assert (end.status, end.error) == ("FAILED", "InvalidRequest")
        assert said in str(end.cause)


def test_and_iam_lets_no_function_send_to_it_whatever_it_is_told(shop: Shop) -> None:
    allowed, outside = shop.launch("worker"), shop.launch("web")
    shop.wait_until_up(workers=2)
    run = shop.start({"action": "status", "tags": {"Role": f"{shop.name}-worker"}})
    assert ended(run).status == "SUCCEEDED"
    state = _state_after(run, "AnnounceStart")
    state["request"]["tags"] = {"Role": [f"{shop.name}-*"]}
    state["execution"]["arn"] += "-2"

    functions = shop.aws.client("lambda", HOME)
    (dispatch,) = [
        one["FunctionName"]
        for one in functions.list_functions()["Functions"]
        if one["Handler"] == "dispatch_command.handler"
    ]
    answer = functions.invoke(FunctionName=dispatch, Payload=json.dumps({"run": state}))
    after = json.loads(answer["Payload"].read())

    assert after["refusals"].keys() == {outside}
    assert after["refusals"][outside].startswith("IAM does not allow Snow White to send commands to it, ")
    (command,) = after["commands"][HOME]
    ssm = shop.aws.client("ssm", HOME)

    def asked() -> list[str]:
        listed = ssm.list_command_invocations(CommandId=command)["CommandInvocations"]
        return [one["InstanceId"] for one in listed]

    # Another test lets the lists lag behind.
    eventually(asked, "the list shows the command")
    assert asked() == [allowed]


def _state_after(run: FollowedRun, step: str) -> dict[str, Any]:
    """The run's state as the step has left it."""
    history = run.client.get_execution_history(executionArn=run.arn)["events"]
    details = [one["stateExitedEventDetails"] for one in history if "stateExitedEventDetails" in one]
    (output,) = [one["output"] for one in details if one["name"] == step]
    state: dict[str, Any] = json.loads(output)
    return state

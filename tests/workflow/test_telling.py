"""Who is told, and that nobody's deafness fails a run."""

from __future__ import annotations

import secrets

from tests.workflow.shop import Shop, ended, eventually


def test_the_person_is_found_by_the_users_tag_told_directly_and_mentioned(shop: Shop) -> None:
    member = f"U{secrets.token_hex(4).upper()}"
    name = f"bea-{secrets.token_hex(4)}"
    shop.aws.create_user(name, [], {"slack_userid": member})
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    end = ended(shop.run("status", requested_by=name))
    assert end.report["slack"]["told"] == [shop.channel, member]
    assert f"<@{member}>" in shop.told()[-1]["text"]


def test_a_run_whose_channel_slack_does_not_know_works_and_says_so(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    end = ended(shop.run("status", channel="C0NOWHERE"))
    assert end.status == "SUCCEEDED"
    assert end.report["slack"]["delivered"] is False
    assert "channel_not_found" in end.report["slack"]["not_told"][0]


def test_an_aborted_run_is_told_once_and_what_it_sent_is_cancelled(shop: Shop) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.enqueue(40)
    eventually(lambda: shop.ledger().running, "the job runs")
    execution = shop.run("quiet")
    eventually(lambda: execution.has_left("DispatchCommand"), "the command was sent")

    execution.client.stop_execution(executionArn=execution.arn)

    eventually(lambda: any("aborted" in str(one) for one in shop.told()), "the abortion was told")
    (instance,) = shop.instances(environment)
    ssm = shop.aws.client("ssm")
    (command,) = ssm.list_commands(InstanceId=instance)["Commands"]
    assert command["Status"] in ("Cancelling", "Cancelled")
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the job has finished by itself")
    assert len([one for one in shop.told() if one["thread_ts"] is None]) == 1
    assert shop.ledger().is_exact


def test_a_failed_run_that_has_told_is_not_told_again(shop: Shop) -> None:
    execution = shop.run("quiet")
    assert ended(execution).error == "NothingMatched"
    name = execution.arn.rpartition(":")[2]
    eventually(lambda: closing_lines(shop, name), "the rule on failed runs has done its work")
    assert len(shop.told()) == 2


def closing_lines(shop: Shop, execution: str) -> list[str]:
    """What close_run logged at its end for the execution."""
    logs = shop.aws.client("logs")
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    (group,) = [one for one in groups if "CloseRun" in one]
    events = logs.filter_log_events(logGroupName=group)["events"]
    return [one["message"] for one in events if execution in one["message"] and '"closed"' in one["message"]]

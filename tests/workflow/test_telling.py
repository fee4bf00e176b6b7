"""Who is told, and that nobody's deafness fails a run. A request that matches nothing needs no hosts to be told."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from local_aws.engine.account import Credentials
from tests.workflow.shop import HOME, Shop, ended, eventually


def test_the_person_is_found_by_the_users_tag_told_directly_and_mentioned(shop: Shop) -> None:
    member = f"U{secrets.token_hex(4).upper()}"
    name = f"bea-{secrets.token_hex(4)}"
    shop.aws.create_user(name, [], {"slack_userid": member})
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    execution = shop.run("status", requested_by=name, direct_message=True)
    end = ended(execution)
    assert end.output["slack"]["told"] == [shop.channel, member]
    assert f"<@{member}>" in shop.told()[-1]["text"]
    (line,) = eventually(lambda: logged(shop, "PollCommand", execution.name, '"verdict"'), "it is logged")
    assert (line["verdict"], line["environment"]) == ("reported", f"{shop.name}-workers")
    (measured,) = eventually(lambda: logged(shop, "NotifySlack", shop.name, '"_aws"'), "it is measured")
    assert measured["action"] == "status"
    assert measured["Runs"] == measured["RunsConfirmed"] == measured["WorkersConfirmed"] == [1.0]
    assert not any("i-" in str(value) for value in measured.values() if isinstance(value, str))
    told = shop.told()
    eventually(lambda: closing_lines(shop, execution.name), "the rule on the ends of runs has done its work")
    assert shop.told() == told


def test_a_run_that_names_nobody_is_asked_for_in_cloudtrail(shop: Shop) -> None:
    execution = shop.run("status")
    assert ended(execution).error == "NothingMatched"
    assert "<@U0ANN> (ann-" in json.dumps(shop.told()[0]["attachments"])
    assert shop.told()[-1]["text"].startswith("<@U0ANN> ")


def test_somebody_who_signed_in_with_an_e_mail_address_is_found_by_it(shop: Shop) -> None:
    member, address = f"U{secrets.token_hex(4).upper()}", f"{shop.name}@example.com"
    shop.aws.slack.add_person(member, address)
    execution = shop.start(
        {"action": "status", "application": shop.name, "channel": shop.channel}, signed_in(shop, address)
    )
    assert ended(execution).error == "NothingMatched"
    assert shop.told()[-1]["text"].startswith(f"<@{member}> ")
    report = execution.end().output
    assert report["requested_by"].startswith(f"{address} (")
    assert report["slack"]["told"] == [shop.channel]


def test_others_hear_of_the_end_of_a_run_by_an_event(shop: Shop) -> None:
    events, sqs, name = shop.aws.client("events"), shop.aws.client("sqs"), f"heard-{shop.name}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{HOME}:{shop.aws.account}:{name}"
    let_in = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [{**let_in, "Action": "sqs:SendMessage"}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    events.put_rule(
        Name=name,
        EventPattern=json.dumps(
            {
                "source": ["snow-white"],
                "detail-type": ["Snow White Run Ended"],
                "detail": {"application": [shop.name], "result": ["not_confirmed"]},
            }
        ),
    )
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    execution = shop.run("quiet")
    assert ended(execution).error == "NothingMatched"

    heard: list[dict[str, Any]] = []

    def is_heard() -> bool:
        heard.extend(sqs.receive_message(QueueUrl=queue).get("Messages", []))
        return bool(heard)

    eventually(is_heard, "the event is there")
    event = json.loads(heard[0]["Body"])
    assert event["resources"] == [execution.arn]
    assert event["detail"]["execution"] == {"arn": execution.arn, "name": execution.name}
    assert (event["detail"]["action"], event["detail"]["error"]) == ("quiet", "NothingMatched")


def test_a_run_whose_channel_slack_does_not_know_works_and_says_so(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    end = ended(shop.run("status", channel="C0NOWHERE"))
    assert end.status == "SUCCEEDED"
    assert end.output["slack"]["delivered"] is False
    assert "channel_not_found" in end.output["slack"]["not_told"][0]


def test_an_aborted_run_is_told_once_and_what_it_sent_is_cancelled(shop: Shop) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    execution = shop.run("quiet")
    eventually(lambda: execution.has_left("DispatchCommand"), "the command was sent")

    execution.client.stop_execution(executionArn=execution.arn)

    eventually(
        lambda: any("stopped" in one["text"] and one["thread_ts"] for one in shop.told()), "the stop was told"
    )
    first, reply = shop.told()
    assert re.fullmatch(rf"⏹ {shop.name}: stopped by ann-[0-9a-f]{{8}} at 0 of 1", first["text"])
    assert f"```/snow-white wake {shop.name}```" in json.dumps(first["attachments"])
    assert reply["text"] == f"<@U0ANN> {first['text']}"
    (instance,) = shop.instances(environment)
    ssm = shop.aws.client("ssm")
    (command,) = ssm.list_commands(InstanceId=instance)["Commands"]
    assert command["Status"] in ("Cancelling", "Cancelled")
    shop.release()
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the job has finished by itself")
    assert len([one for one in shop.told() if one["thread_ts"] is None]) == 1
    assert shop.ledger().is_exact


def test_a_failed_run_that_has_told_is_not_told_again(shop: Shop) -> None:
    execution = shop.run("quiet")
    assert ended(execution).error == "NothingMatched"
    name = execution.arn.rpartition(":")[2]
    eventually(lambda: closing_lines(shop, name), "the rule on the ends of runs has done its work")
    assert len(shop.told()) == 2


def test_a_step_that_is_called_again_gives_the_same_answer_and_tells_nobody_again(shop: Shop) -> None:
    execution = shop.run("quiet")
    assert ended(execution).error == "NothingMatched"
    events = execution.client.get_execution_history(executionArn=execution.arn)["events"]
    (entered,) = details(events, "stateEnteredEventDetails", "NotifySlack")
    (left,) = details(events, "stateExitedEventDetails", "NotifySlack")
    told = shop.told()
    again = {"step": "NotifySlack", "run": json.loads(entered["input"]), "redrives": 0}
    functions = shop.aws.client("lambda")
    (name,) = [
        one["FunctionName"]
        for one in functions.list_functions()["Functions"]
        if one["Handler"] == "notify_slack.handler"
    ]
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(again))
    assert json.load(answer["Payload"]) == json.loads(left["output"])
    assert shop.told() == told
    eventually(lambda: logged(shop, "NotifySlack", execution.name, '"already done"'), "it says why")
    for function in ("NotifySlack", "CloseRun"):
        failures = [
            line["failure"] for line in logged(shop, function, "the idempotency table cannot be used")
        ]
        # The local AWS answers late now and then while everything else is tested beside it.
        assert [failure for failure in failures if "timeout on endpoint" not in failure] == []


def details(events: list[dict[str, Any]], kind: str, state: str) -> list[dict[str, Any]]:
    return [event[kind] for event in events if event.get(kind, {}).get("name") == state]


def closing_lines(shop: Shop, execution: str) -> list[str]:
    """What close_run logged at its end for the execution."""
    return [json.dumps(line) for line in logged(shop, "CloseRun", execution, '"closed"')]


def signed_in(shop: Shop, session: str) -> Credentials:
    """Keys of a session of that name in a role that may start Snow White."""
    iam, role = shop.aws.client("iam"), f"deployer-{shop.name}"
    trust = {"Effect": "Allow", "Principal": {"AWS": shop.aws.account}, "Action": "sts:AssumeRole"}
    created = iam.create_role(
        RoleName=role,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    iam.attach_role_policy(RoleName=role, PolicyArn=shop.aws.outputs["InvokePolicyArn"])
    keys = shop.aws.client("sts").assume_role(RoleArn=created["Role"]["Arn"], RoleSessionName=session)
    given = keys["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def logged(shop: Shop, function: str, text: str, *more: str) -> list[dict[str, Any]]:
    """The JSON lines of a function's log that contain all of the texts."""
    logs = shop.aws.client("logs")
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    (group,) = [one for one in groups if function in one]
    events = logs.filter_log_events(logGroupName=group, filterPattern=f'"{text}"')["events"]
    messages = [one["message"] for one in events]
    return [json.loads(one) for one in messages if all(each in one for each in (text, *more))]

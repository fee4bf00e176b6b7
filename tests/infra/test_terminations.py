"""Events that an instance is about to end: which ones reach the home region, what starts there, and who may do what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.checks import require_clean_report
from infra.package import write_package
from infra.settings import InvalidSettings, Settings
from tests.infra.conftest import REGIONS
from tests.infra.templates import Assembly, Template, allowed, text
from tests.infra.test_checks import complaints_of_cfn_lint
from tests.infra.test_price import ALARM_MONTH, README, SECRET_MONTH

ENOUGH: dict[str, Any] = {"home_region": "us-east-1", "regions": REGIONS, "worker_groups": ["backups-*"]}
ELSEWHERE = "SnowWhite-Documents-eu-west-1"
HOME_BUS = "arn:aws:events:us-east-1:<AWS::AccountId>:event-bus/default"
IN_WORKER_REGIONS = json.dumps({"StringEquals": {"aws:RequestedRegion": REGIONS}})
GROUPS = [
    f"arn:aws:autoscaling:*:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/{name}"
    for name in ("awseb-*", "backups-*", "jobs-?")
]
LIFECYCLE_PATTERN = {
    "source": ["aws.autoscaling"],
    "detail-type": ["EC2 Instance-terminate Lifecycle Action"],
    "region": REGIONS,
    "detail": {
        "LifecycleTransition": ["autoscaling:EC2_INSTANCE_TERMINATING"],
        "LifecycleHookName": [{"prefix": "SnowWhite"}],
        "AutoScalingGroupName": [{"wildcard": "awseb-*"}, {"wildcard": "backups-*"}, {"wildcard": "jobs-*"}],
    },
}
SPOT_PATTERN = {
    "source": ["aws.ec2"],
    "detail-type": ["EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"],
    "region": REGIONS,
}


def rules(template: Template) -> list[dict[str, Any]]:
    """The rules for these events."""
    found = template.resources("AWS::Events::Rule").values()
    return [rule for rule in found if rule["EventPattern"]["source"] != ["aws.states"]]


@pytest.fixture
def drained_home(assembly_with_drains: Assembly) -> Template:
    return assembly_with_drains.home


def test_by_default_no_event_about_instances_is_taken_and_no_such_right_is_given(assembly: Assembly) -> None:
    for stack in assembly.stacks():
        template = assembly.template(stack)
        assert rules(template) == []
        assert "autoscaling:" not in json.dumps(template.content)


@pytest.mark.synthesizes
@pytest.mark.parametrize("stack", ["SnowWhite", ELSEWHERE])
def test_only_events_that_may_concern_the_settings_are_taken(
    assembly_with_drains: Assembly, stack: str
) -> None:
    patterns = [rule["EventPattern"] for rule in rules(assembly_with_drains.template(stack))]
    assert patterns == [LIFECYCLE_PATTERN, SPOT_PATTERN]


@pytest.mark.synthesizes
def test_a_worker_region_sends_them_to_the_home_region_and_may_do_nothing_else(
    assembly_with_drains: Assembly,
) -> None:
    template = assembly_with_drains.template(ELSEWHERE)
    targets = [target for rule in rules(template) for target in rule["Targets"]]
    assert [text(target["Arn"]) for target in targets] == [HOME_BUS, HOME_BUS]
    for target in targets:
        assert allowed(template.role(target["RoleArn"])) == {("events:PutEvents", HOME_BUS, "")}
    assert rules(assembly_with_drains.template("SnowWhite-Documents-us-east-1")) == [], (
        "they are there already"
    )


@pytest.mark.synthesizes
def test_the_home_region_calls_the_function_which_retries(drained_home: Template) -> None:
    for rule in rules(drained_home):
        (target,) = rule["Targets"]
        assert drained_home.function_name(target["Arn"]) == "drain_instance"
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    variables = drained_home.function("drain_instance")["Environment"]["Variables"]
    assert (variables["DRAIN_ENVIRONMENTS"], variables["DRAIN_GROUPS"]) == (
        "workers,mail",
        "backups-*,jobs-?",
    )


@pytest.mark.synthesizes
def test_the_functions_may_do_what_a_termination_needs_and_no_more(
    drained_home: Template, home: Template
) -> None:
    def added(name: str) -> set[tuple[str, str, str]]:
        now, before = (allowed(one.role(one.function(name)["Role"])) for one in (drained_home, home))
        return {right for right in now - before if "autoscaling" in right[0]}

    heartbeat = {("autoscaling:RecordLifecycleActionHeartbeat", group, IN_WORKER_REGIONS) for group in GROUPS}
    complete = {("autoscaling:CompleteLifecycleAction", group, IN_WORKER_REGIONS) for group in GROUPS}
    see = {("autoscaling:DescribeAutoScalingGroups", "*", IN_WORKER_REGIONS)}
    assert added("dispatch_command") == see
    assert added("poll_command") == heartbeat | see
    assert added("notify_slack") == added("close_run") == complete
    for name in ("discover_instances", "dispatch_command", "poll_command", "notify_slack"):
        sees = "SEES_TERMINATIONS" in drained_home.function(name)["Environment"]["Variables"]
        assert sees is (name in ("dispatch_command", "poll_command"))
    own = allowed(drained_home.role(drained_home.function("drain_instance")["Role"]))
    assert {right for right in own if not right[0].startswith(("logs:", "xray:"))} == {
        ("ec2:DescribeInstances", "*", IN_WORKER_REGIONS),
        ("autoscaling:DescribeLifecycleHooks", "*", IN_WORKER_REGIONS),
        ("states:StartExecution", "arn:aws:states:us-east-1:<AWS::AccountId>:stateMachine:SnowWhite", ""),
    }


@pytest.mark.synthesizes
def test_it_passes_the_checks(assembly_with_drains: Assembly) -> None:
    require_clean_report(assembly_with_drains.folder)
    assert complaints_of_cfn_lint(assembly_with_drains) == []


@pytest.mark.synthesizes
def test_an_alarm_tells_of_runs_that_could_not_be_started_and_an_idle_month_stays_below_a_dollar(
    drained_home: Template,
) -> None:
    alarms = drained_home.resources("AWS::CloudWatch::Alarm")
    (name,) = [one for one in alarms if one.startswith("Terminations")]
    assert alarms[name]["MetricName"] == "AsyncEventsDropped"
    cost = (
        len(alarms) * ALARM_MONTH + len(drained_home.resources("AWS::SecretsManager::Secret")) * SECRET_MONTH
    )
    assert cost < 1
    assert f"${cost:.2f} with `drain_on_termination`" in README


@pytest.mark.synthesizes
def test_one_template_forwards_the_events_in_every_region_but_the_home_region(tmp_path: Path) -> None:
    drained = {"environments": ["workers"], "auto_scaling_groups": ["backups-*"]}
    settings = Settings.from_mapping({**ENOUGH, "drain_on_termination": drained})
    content = json.loads(write_package(settings, "acme", tmp_path).read_text())
    conditions = {
        (name.startswith("Forwarded"), one["Condition"])
        for name, one in content["Resources"].items()
        if one["Type"] in ("AWS::Events::Rule", "AWS::IAM::Role")
    }
    assert conditions == {(True, "IsOtherRegion"), (False, "IsHomeRegion")}
    (lifecycle, _) = rules(
        Template(
            {
                **content,
                "Resources": {
                    name: one for name, one in content["Resources"].items() if name.startswith("Forwarded")
                },
            }
        )
    )
    assert lifecycle["EventPattern"]["region"] == {"Ref": "Regions"}


@pytest.mark.parametrize(
    "drained",
    [
        {},
        {"environments": ["workers"]},
        {"auto_scaling_groups": ["backups-blue", "backups-night-*"]},
        {"environments": ["workers"], "auto_scaling_groups": ["backups-*"]},
    ],
)
def test_environments_and_groups_within_worker_groups_may_be_drained(drained: dict[str, list[str]]) -> None:
    settings = Settings.from_mapping({**ENOUGH, "drain_on_termination": drained})
    assert settings.drain_on_termination == {key: tuple(some) for key, some in drained.items()}


@pytest.mark.parametrize(
    "drained",
    [True, ["workers"], {"environments": []}, {"environments": "workers"}, {"applications": ["a"]},
     {"environments": ["a,b"]}, {"environments": ["a", "a"]}, {"auto_scaling_groups": ["a$b"]},
     {"auto_scaling_groups": [f"backups-{n}" for n in range(9)]},
     {"auto_scaling_groups": [f"backups-{letter * 240}" for letter in "abcd"]}],
)  # fmt: skip
def test_what_is_no_such_object_is_refused_with_what_is_allowed(drained: Any) -> None:
    with pytest.raises(
        InvalidSettings, match=r"'drain_on_termination' is .*, but must be an object with lists"
    ):
        Settings.from_mapping({**ENOUGH, "drain_on_termination": drained})


@pytest.mark.parametrize("glob", ["web", "*", "backup?-*"])
def test_a_group_to_which_nothing_could_be_sent_is_refused(glob: str) -> None:
    with pytest.raises(InvalidSettings, match="so nothing could be sent to them"):
        Settings.from_mapping({**ENOUGH, "drain_on_termination": {"auto_scaling_groups": [glob]}})

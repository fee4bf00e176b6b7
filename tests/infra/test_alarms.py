"""A run that failed, met its time limit or could not be started alarms; whom, is a setting."""

from __future__ import annotations

import pytest

from infra.settings import InvalidSettings, Settings
from tests.infra.conftest import ALARM_TOPIC
from tests.infra.templates import Assembly, Template

SETTINGS = {"home_region": "us-east-1", "regions": ["us-east-1"]}


def test_one_failed_run_is_enough_and_no_run_is_no_alarm(home: Template) -> None:
    (machine,) = home.resources("AWS::StepFunctions::StateMachine")
    alarms = home.resources("AWS::CloudWatch::Alarm").values()
    of_machine = ("AWS/States", [{"Name": "StateMachineArn", "Value": {"Ref": machine}}])
    of_schedules = ("AWS/Scheduler", [{"Name": "ScheduleGroup", "Value": "SnowWhite"}])
    assert {alarm["MetricName"]: (alarm["Namespace"], alarm["Dimensions"]) for alarm in alarms} == {
        "ExecutionsFailed": of_machine,
        "ExecutionsTimedOut": of_machine,
        "InvocationDroppedCount": of_schedules,
        "Sleeping": ("SnowWhite", [{"Name": "service", "Value": "snow-white"}]),
    }
    for alarm in alarms:
        statistic = "Maximum" if alarm["MetricName"] == "Sleeping" else "Sum"
        assert (alarm["Statistic"], alarm["Threshold"], alarm["EvaluationPeriods"]) == (statistic, 1, 1)
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"


def test_without_a_topic_nobody_is_told(home: Template) -> None:
    for alarm in home.resources("AWS::CloudWatch::Alarm").values():
        assert "AlarmActions" not in alarm


@pytest.mark.synthesizes
def test_the_topic_of_the_settings_is_told(home: Template, assembly_with_drains: Assembly) -> None:
    alarms = assembly_with_drains.home.resources("AWS::CloudWatch::Alarm")
    assert [alarm["AlarmActions"] for alarm in alarms.values()] == [[ALARM_TOPIC]] * 5
    drains = {name for name in alarms if name.startswith("Terminations")}
    assert len(drains) == 1
    assert alarms.keys() - drains == home.resources("AWS::CloudWatch::Alarm").keys()


@pytest.mark.parametrize(
    "wrong", ["alerts", "arn:aws:sqs:us-east-1:111122223333:alerts", None, ALARM_TOPIC + " "]
)
def test_what_is_no_topic_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidSettings, match="'alarm_topic'"):
        Settings.from_mapping({**SETTINGS, "alarm_topic": wrong})

"""close_run is called for every run that has ended, whatever its status."""

from __future__ import annotations

from tests.infra.templates import Template


def test_the_rule_matches_every_end_of_a_run_of_this_machine_only(home: Template) -> None:
    (machine,) = home.resources("AWS::StepFunctions::StateMachine")
    rule = home.only("AWS::Events::Rule")
    assert rule["State"] == "ENABLED"
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"],
            "stateMachineArn": [{"Ref": machine}],
        },
    }


def test_the_rule_calls_close_run_and_retries(home: Template) -> None:
    (target,) = home.only("AWS::Events::Rule")["Targets"]
    assert home.function_name(target["Arn"]) == "close_run"
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0


def test_nothing_else_may_call_close_run(home: Template) -> None:
    (rule,) = home.resources("AWS::Events::Rule")
    permission = home.only("AWS::Lambda::Permission")
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": [rule, "Arn"]}
    assert home.function_name(permission["FunctionName"]) == "close_run"

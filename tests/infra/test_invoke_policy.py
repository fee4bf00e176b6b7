"""Who has the invoke policy may start, watch and stop Snow White's runs, and touch nothing else."""

from __future__ import annotations

from tests.infra.templates import Template, allowed


def test_the_invoke_policy_is_about_this_machine_its_runs_and_this_stack_only(home: Template) -> None:
    (machine,) = home.resources("AWS::StepFunctions::StateMachine")
    runs = "arn:aws:states:us-east-1:<AWS::AccountId>:execution:SnowWhite:*"
    stack = "arn:aws:cloudformation:us-east-1:<AWS::AccountId>:stack/SnowWhite/*"
    assert allowed(home.only("AWS::IAM::ManagedPolicy")) == {
        ("states:StartExecution", f"<{machine}>", ""),
        ("states:ListExecutions", f"<{machine}>", ""),
        ("states:DescribeStateMachine", f"<{machine}>", ""),
        ("states:DescribeExecution", runs, ""),
        ("states:GetExecutionHistory", runs, ""),
        ("states:StopExecution", runs, ""),
        ("cloudformation:DescribeStacks", stack, ""),
    }


def test_the_runs_it_names_are_those_of_the_machine_s_own_name(home: Template) -> None:
    assert home.only("AWS::StepFunctions::StateMachine")["StateMachineName"] == "SnowWhite"


def test_the_stack_says_what_a_person_needs_next(home: Template) -> None:
    assert {"StateMachineArn", "InvokePolicyArn", "SlackTokenSecretArn"} <= set(home.content["Outputs"])

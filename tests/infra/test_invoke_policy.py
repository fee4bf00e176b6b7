"""The invoke policy allows starting, watching and stopping runs, and nothing else."""

from __future__ import annotations

from tests.infra.templates import Template, allowed


def test_the_invoke_policy_covers_only_this_machine_its_executions_and_this_stack(home: Template) -> None:
    (machine,) = home.resources("AWS::StepFunctions::StateMachine")
    runs = "arn:aws:states:us-east-1:<AWS::AccountId>:execution:SnowWhite:*"
    stack = "arn:aws:cloudformation:us-east-1:<AWS::AccountId>:stack/<AWS::StackName>/*"
    assert allowed(home.only("AWS::IAM::ManagedPolicy")) == {
        ("states:StartExecution", f"<{machine}>", ""),
        ("states:ListExecutions", f"<{machine}>", ""),
        ("states:DescribeStateMachine", f"<{machine}>", ""),
        ("states:DescribeExecution", runs, ""),
        ("states:GetExecutionHistory", runs, ""),
        ("states:StopExecution", runs, ""),
        ("cloudformation:DescribeStacks", stack, ""),
    }


def test_the_execution_arns_have_the_name_of_the_machine(home: Template) -> None:
    assert home.only("AWS::StepFunctions::StateMachine")["StateMachineName"] == "SnowWhite"


def test_the_stack_outputs_what_a_person_needs_next(home: Template) -> None:
    assert {"StateMachineArn", "InvokePolicyArn", "SlackTokenSecretArn"} <= set(home.content["Outputs"])

"""The policy for people and pipelines that start, watch and stop runs."""

from __future__ import annotations

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.checks import acknowledge_wildcard


class InvokePolicy(Construct):
    """A managed policy that allows access to this state machine, its executions and this stack's outputs only."""

    def __init__(self, scope: Construct, construct_id: str, *, machine_arn: str, execution_arns: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        # The command line names the stack without the unique id that the stack's own ARN ends with.
        stack_arns = stack.format_arn(
            service="cloudformation", resource="stack", resource_name=f"{Aws.STACK_NAME}/*"
        )
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            description="May start, watch and stop runs of Snow White",
            statements=[
                iam.PolicyStatement(
                    sid="StartRuns",
                    actions=["states:StartExecution", "states:ListExecutions", "states:DescribeStateMachine"],
                    resources=[machine_arn],
                ),
                iam.PolicyStatement(
                    sid="WatchAndStopRuns",
                    actions=[
                        "states:DescribeExecution",
                        "states:GetExecutionHistory",
                        "states:StopExecution",
                    ],
                    resources=[execution_arns],
                ),
                iam.PolicyStatement(
                    sid="FindTheStateMachine",
                    actions=["cloudformation:DescribeStacks"],
                    resources=[stack_arns],
                ),
            ],
        )
        acknowledge_wildcard(self.policy, execution_arns, "An execution gets its name when it starts.")
        acknowledge_wildcard(
            self.policy, stack_arns, "The stack is looked up by name; its ARN ends with an id."
        )

"""Who may start, watch and stop runs: whoever this policy is attached to."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.acknowledgement import acknowledge_wildcard


class InvokePolicy(Construct):
    """A managed policy for users and roles: this machine, its executions and this stack's outputs only."""

    def __init__(self, scope: Construct, construct_id: str, *, machine_arn: str, execution_arns: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        # The stack's own id does not match a call that names the stack, as the command line's does.
        stack_arns = stack.format_arn(
            service="cloudformation", resource="stack", resource_name=f"{stack.stack_name}/*"
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
        acknowledge_wildcard(self.policy, execution_arns, "A run gets its name when it is started.")
        acknowledge_wildcard(self.policy, stack_arns, "The stack is looked up by its name, without its id.")

"""The table that lets each piece of a run's news be told once."""

from __future__ import annotations

from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.checks import acknowledge

# Powertools' names.
KEY: Final = "id"
EXPIRY: Final = "expiration"


class IdempotencyTable(Construct):
    """A DynamoDB table, paid per request. Its records hold the state of a run and are removed after a day.

    Losing the table fails no run: lambdas/runtime/idempotency.py works without it.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=KEY, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=EXPIRY,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            table, "AwsSolutions-DDB3", "A record is of use for a day; nobody would restore one after that."
        )
        self.name = table.table_name
        self.arn = table.table_arn

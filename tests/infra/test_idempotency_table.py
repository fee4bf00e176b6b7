"""The table that remembers what was told: it costs what is used, forgets by itself, and two functions know it."""

from __future__ import annotations

from infra.constructs.idempotency_table import EXPIRY, KEY
from tests.infra.templates import Template, text
from tests.infra.test_permissions import FUNCTIONS


def test_the_table_is_paid_per_request_encrypted_and_deleted_with_the_stack(home: Template) -> None:
    (table,) = home.resources("AWS::DynamoDB::Table").values()
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    (whole,) = [each for each in home.content["Resources"].values() if each["Type"] == "AWS::DynamoDB::Table"]
    assert (whole["DeletionPolicy"], whole["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_key_and_expiry_have_the_names_that_powertools_uses(home: Template) -> None:
    (table,) = home.resources("AWS::DynamoDB::Table").values()
    assert (KEY, EXPIRY) == ("id", "expiration")
    assert table["KeySchema"] == [{"AttributeName": KEY, "KeyType": "HASH"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": EXPIRY, "Enabled": True}


def test_only_the_functions_that_tell_know_the_table(home: Template) -> None:
    (table,) = home.resources("AWS::DynamoDB::Table")
    for name in FUNCTIONS:
        told = home.function(name)["Environment"]["Variables"].get("IDEMPOTENCY_TABLE")
        assert (text(told) if told else None) == (
            f"<{table}>" if name in ("notify_slack", "close_run") else None
        )

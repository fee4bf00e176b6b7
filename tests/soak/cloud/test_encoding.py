"""The simulated cloud answers only what AWS answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.soak.cloud.encoding import Call, NotSimulated, answer


@pytest.mark.parametrize(
    ("operation", "value", "said"),
    [
        ("ListCommands", {"Commands": [{"Status": "DeliveryTimedOut"}]}, "not one of Pending"),
        ("ListCommands", {"Command": []}, "ListCommands has no Command"),
        ("ListCommands", {"Commands": [{"RequestedDateTime": "2026-03-01"}]}, "not a timestamp"),
    ],
)
def test_an_answer_that_aws_never_gives_ends_the_scenario(
    operation: str, value: dict[str, Any], said: str
) -> None:
    with pytest.raises(NotSimulated, match=said):
        answer(Call("ssm", "us-east-1", operation, {}), value, "request-1")

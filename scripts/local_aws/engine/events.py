"""Events of AWS's own services on EventBridge."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.engine.account import ACCOUNT
from local_aws.engine.ministack import find


def put_event(
    region: str, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]
) -> None:
    """Put an event of an AWS service on the account's default bus of the region."""
    from ministack.core.responses import request_scope
    from ministack.services import eventbridge

    event = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": list(resources),
    }
    with request_scope(ACCOUNT, region):
        find(eventbridge, "_put_events")({"Entries": [event]}, allow_aws_source=True)

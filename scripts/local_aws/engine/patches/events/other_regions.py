"""A rule sends events to an event bus in another region, and to nothing else there."""

import logging
from typing import Any

from local_aws.engine.ministack import find, wrap

_CROSSED = "_CrossedRegions"
_logger = logging.getLogger(__name__)


def install() -> None:
    """On AWS the target of a rule may be an event bus in another region of the account. The event keeps its id, source,
    time and region, is matched by the rules there, and is sent to no third region. A target that is no event bus has
    to be in the rule's own region, or the delivery fails. MiniStack delivers to no other region.
    """
    from ministack.services import eventbridge

    for needed in ("_ensure_default_bus", "_event_buses", "_dispatch_event", "_archive_event"):
        find(eventbridge, needed)
    wrap(eventbridge, "_dispatch_to_event_bus", _also_to_other_regions)
    wrap(eventbridge, "_dispatch_to_stepfunctions", _only_in_this_region)


def _also_to_other_regions(dispatch: Any) -> Any:
    from ministack.core.responses import get_account_id, get_region, request_scope
    from ministack.services import eventbridge

    def dispatch_also_elsewhere(
        spec: Any, event: dict[str, Any], rule: Any, path: Any, payload: Any = None
    ) -> None:
        if spec.region == get_region() or spec.account_id != get_account_id():
            dispatch(spec, event, rule, path, payload)
            return
        if event.get(_CROSSED):
            _logger.warning("%s: an event is sent to another region once, not on to %s.", rule["Arn"], spec)
            return
        bus = spec.resource.partition("/")[2]
        forwarded = {**event, "EventBusName": bus, _CROSSED: True, "_DispatchPath": []}
        if payload is not None:
            forwarded["Detail"] = payload
        with request_scope(spec.account_id, spec.region):
            eventbridge._ensure_default_bus()
            if bus not in eventbridge._event_buses:
                _logger.warning("%s: there is no event bus %s.", rule["Arn"], spec)
                return
            eventbridge._dispatch_event(forwarded)
            eventbridge._archive_event(
                {key: value for key, value in forwarded.items() if not key.startswith("_")}
            )

    return dispatch_also_elsewhere


def _only_in_this_region(dispatch: Any) -> Any:
    from ministack.core.responses import get_region

    def dispatch_in_this_region(arn: str, payload: str) -> None:
        if arn.split(":")[3] == get_region():
            dispatch(arn, payload)
        else:
            _logger.warning("A rule in %s does not start %s in another region.", get_region(), arn)

    return dispatch_in_this_region

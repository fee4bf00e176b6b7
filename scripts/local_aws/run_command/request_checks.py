"""What Run Command refuses in a SendCommand, before it looks at documents and instances."""

import re
from collections.abc import Mapping
from typing import Any, Final

from local_aws.engine.service_error import ServiceError

INSTANCES_PER_COMMAND: Final = 50
DEFAULT_DELIVERY_SECONDS: Final = 3600
DEFAULT_MAX_CONCURRENCY: Final = "50"
DEFAULT_MAX_ERRORS: Final = "0"
_MAX_CONCURRENCY: Final = re.compile(r"([1-9][0-9]{0,6})|([1-9]|[1-9][0-9]|100)%")
_MAX_ERRORS: Final = re.compile(r"(0|[1-9][0-9]{0,6})|([0-9]|[1-9][0-9]|100)%")


def instance_ids(request: Mapping[str, Any]) -> list[str]:
    """The instances that a SendCommand names, by id or as targets of the key InstanceIds.

    Raises ServiceError when there are none, too many, or one twice.
    """
    ids = [str(each) for each in request.get("InstanceIds") or []]
    for target in request.get("Targets") or []:
        if target.get("Key") != "InstanceIds":
            raise ServiceError("InvalidTarget", "Only targets of the key InstanceIds are served here.")
        ids += target.get("Values") or []
    if not ids:
        raise ServiceError("ValidationException", "Specify instance ids or targets, and at least one.")
    if len(ids) > INSTANCES_PER_COMMAND:
        raise violation(
            "instanceIds", f"Member must have length less than or equal to {INSTANCES_PER_COMMAND}"
        )
    if len(set(ids)) < len(ids):
        raise ServiceError("DuplicateInstanceId", "An instance id is named more than once.")
    return ids


def check_limits(request: Mapping[str, Any]) -> None:
    """Raise ServiceError ValidationException when a value is too long, out of range or malformed."""
    if len(request.get("Comment") or "") > 100:
        raise violation("comment", "Member must have length less than or equal to 100")
    if not 30 <= int(request.get("TimeoutSeconds") or DEFAULT_DELIVERY_SECONDS) <= 2592000:
        raise violation("timeoutSeconds", "Member must have value between 30 and 2592000")
    if not _MAX_CONCURRENCY.fullmatch(str(request.get("MaxConcurrency") or DEFAULT_MAX_CONCURRENCY)):
        raise violation("maxConcurrency", "Member must satisfy regular expression pattern")
    if not _MAX_ERRORS.fullmatch(str(request.get("MaxErrors") or DEFAULT_MAX_ERRORS)):
        raise violation("maxErrors", "Member must satisfy regular expression pattern")


def violation(member: str, constraint: str) -> ServiceError:
    """The ValidationException for a member of a request that breaks a constraint of the API's model."""
    message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
    return ServiceError("ValidationException", message)

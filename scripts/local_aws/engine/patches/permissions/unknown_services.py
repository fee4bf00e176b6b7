"""IAM denies by default, also what MiniStack does not know."""

from typing import Any

from local_aws.engine.ministack import wrap


def install() -> None:
    """MiniStack lets every caller through to a service that has no IAM namespace in its tables. Such calls get one
    here, the service's own name, so that a policy has to allow them.
    """
    from ministack.core import iam_actions

    wrap(iam_actions, "extract_iam_action", _never_none_for_unknown_services)


def _never_none_for_unknown_services(extract: Any) -> Any:
    def extract_or_deny(service: str, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        from ministack.core import iam_actions

        if service in iam_actions.SERVICE_TO_IAM_NAMESPACE:
            return extract(service, method, path, headers, body, query)
        named = iam_actions._action_from_query(query, body, headers.get("content-type", ""))
        return f"{service}:{named or iam_actions._action_from_target(headers) or method.title() + 'Request'}"

    return extract_or_deny

"""IAM denies calls to services that MiniStack does not know, too."""

from typing import Any

from local_aws.engine.ministack import wrap


def install() -> None:
    """AWS denies what no policy allows. MiniStack allows every call to a service that has no IAM namespace in its
    tables. The patch gives such calls the service's own name as their namespace, so that a policy must allow them.
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

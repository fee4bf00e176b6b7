"""A request with JSON to one of our own servers on 127.0.0.1."""

import json
import urllib.request
from typing import Any

_TIMEOUT_SECONDS = 60


def json_request(method: str, url: str, content: dict[str, Any] | None = None) -> Any:
    """Send `content` as JSON; returns the answer, None when it is empty. Raises urllib.error.HTTPError."""
    request = urllib.request.Request(  # noqa: S310  # our own server on 127.0.0.1
        url,
        data=json.dumps(content).encode() if content is not None else None,
        headers={"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
        body = answer.read()
    return json.loads(body) if body else None

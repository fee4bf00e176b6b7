"""What a request selects, as keys of a request: for another run of the same fleet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snow_white.model.fleet import read_tag_texts
from snow_white.model.stated_request import StatedRequest, texts


def selection(request: StatedRequest) -> dict[str, Any]:
    """The keys that select the fleet, as far as the request itself has named them."""
    tags: Mapping[str, tuple[str, ...]] = read_tag_texts(texts(request.tags))
    named = {
        "application": request.application,
        "environments": list(texts(request.environments)) if request.environments_named else None,
        "auto_scaling_groups": list(texts(request.auto_scaling_groups)),
        "tags": {key: list(values) for key, values in tags.items()},
        "instances": list(texts(request.instances)),
        "regions": list(texts(request.regions)) if request.regions_named else None,
    }
    return {key: value for key, value in named.items() if value}

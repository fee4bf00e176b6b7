"""What the clients of one process share, so that they are made quickly: the service descriptions and their classes."""

from __future__ import annotations

import functools
from typing import Any

import botocore.client
import botocore.session


def share() -> None:
    """Let all sessions read botocore's files once, and all clients of a service be of one class.

    Every function and region has a client of its own all the same, which remembers throttling by itself.
    """
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    creator: Any = botocore.client.ClientCreator
    original = creator._create_client_class
    classes: dict[str, type] = {}

    def create_client_class(self: Any, service_name: str, service_model: Any) -> type:
        if service_name not in classes:
            classes[service_name] = original(self, service_name, service_model)
        return classes[service_name]

    creator._create_client_class = create_client_class

"""What the clients of one process share, so that they are made quickly and read times quickly."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import botocore.client
import botocore.parsers
import botocore.session
import botocore.utils

_parse_timestamp: Final = functools.lru_cache(4_000)(botocore.utils.parse_timestamp)
_loader: Final = functools.cache(botocore.session.create_loader)
_classes: Final[dict[str, type]] = {}


@contextmanager
def shared_clients() -> Iterator[None]:
    """Within it, all sessions read botocore's files once, and all clients of a service are of one class.

    Each text of a time is read once.

    Every function and region has a client of its own all the same, which remembers throttling by itself. Outside of
    it nothing is shared: other tests of the process may give their sessions other files.
    """
    creator: Any = botocore.client.ClientCreator
    original = creator._create_client_class

    def create_client_class(self: Any, service_name: str, service_model: Any) -> type:
        if service_name not in _classes:
            _classes[service_name] = original(self, service_name, service_model)
        return _classes[service_name]

    with (
        mock.patch.object(botocore.session, "create_loader", _loader),
        mock.patch.object(botocore.parsers, "DEFAULT_TIMESTAMP_PARSER", _parse_timestamp),
        mock.patch.object(creator, "_create_client_class", create_client_class),
    ):
        yield

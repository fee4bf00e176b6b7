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
from botocore.model import ServiceModel

_parse_timestamp: Final = functools.lru_cache(4_000)(botocore.utils.parse_timestamp)
_loader: Final = functools.cache(botocore.session.create_loader)
_classes: Final[dict[str, type]] = {}
_models: Final[dict[str, ServiceModel]] = {}


@contextmanager
def shared_clients() -> Iterator[None]:
    """Within it, all sessions read botocore's files once, and all clients of a service are of one class and model.

    Each text of a time is read once.

    Every function and region has a client of its own all the same, which remembers throttling by itself. Outside of
    it nothing is shared: other tests of the process may give their sessions other files.
    """
    creator: Any = botocore.client.ClientCreator
    original, load = creator._create_client_class, creator._load_service_model

    def create_client_class(self: Any, service_name: str, service_model: Any) -> type:
        if service_name not in _classes:
            _classes[service_name] = original(self, service_name, service_model)
        return _classes[service_name]

    def load_service_model(self: Any, service_name: str, api_version: str | None = None) -> ServiceModel:
        # Each client looks through all operations of its model, which are many hundreds of EC2's.
        assert api_version is None
        if service_name not in _models:
            _models[service_name] = load(self, service_name)
        return _models[service_name]

    with (
        mock.patch.object(botocore.session, "create_loader", _loader),
        mock.patch.object(botocore.parsers, "DEFAULT_TIMESTAMP_PARSER", _parse_timestamp),
        mock.patch.object(creator, "_create_client_class", create_client_class),
        mock.patch.object(creator, "_load_service_model", load_service_model),
    ):
        yield

"""Calling the local AWS from inside its own process."""

import threading
from typing import Any

import boto3

_session_lock = threading.Lock()


def own_client(service: str, region: str) -> Any:
    """A boto3 client of this process's own services, by the endpoint and root credentials of its environment."""
    with _session_lock:  # boto3 sessions are not safe to create from several threads at once
        return boto3.Session(region_name=region).client(service)  # type: ignore[call-overload]  # any service

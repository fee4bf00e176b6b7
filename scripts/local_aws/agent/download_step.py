"""Running one aws:downloadContent step: from the local S3, whatever address in AWS's S3 the document names."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.agent.document import Download
from local_aws.agent.shell_step import ShellOutcome
from local_aws.hosts.host import Host

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_S3_OBJECT = re.compile(
    r"https://s3\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<bucket>[^/]+)/(?P<key>.+)"
)
_session_lock = threading.Lock()


def run_download(host: Host, download: Download) -> ShellOutcome:
    """Put the object into the destination, a folder if it ends in a slash. A failed one leaves an empty file.

    Nobody checks whether an instance profile would allow it: local hosts have none.
    """
    try:
        where = json.loads(download.source_info)["path"] if download.source_type == "S3" else ""
    except (ValueError, KeyError, TypeError):
        return _failed(f"sourceInfo is no JSON text with a path: {download.source_info!r}")
    found = _S3_OBJECT.fullmatch(where)
    if not found:
        return _failed(f"Only objects of S3 by region and bucket are downloaded here, not {download}.")
    path = download.destination
    if path.endswith("/"):
        path += found["key"].rsplit("/", 1)[-1]
    try:
        content = _client(found["region"]).get_object(Bucket=found["bucket"], Key=found["key"])["Body"].read()
    except (BotoCoreError, ClientError) as error:
        host.write(path, b"")
        return _failed(f"{where}: {error}")
    host.write(path, content)
    return ShellOutcome(0, f"Content downloaded to {path}\n".encode(), b"", was_cancelled=False)


def _failed(why: str) -> ShellOutcome:
    return ShellOutcome(1, b"", f"{why}\n".encode(), was_cancelled=False)


def _client(region: str) -> S3Client:
    """S3 of this very process, by the endpoint and root credentials of its environment."""
    with _session_lock:  # boto3 sessions are not safe to create from several threads at once
        return boto3.Session(region_name=region).client("s3")

"""Running one aws:downloadContent step: an address in AWS's S3 is read from the local S3."""

from __future__ import annotations

import json
import re

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.agent.document import Download
from local_aws.agent.result import StepOutcome
from local_aws.engine.own_client import own_client
from local_aws.hosts.host import Host

_S3_OBJECT = re.compile(
    r"https://s3\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<bucket>[^/]+)/(?P<key>.+)"
)


def run_download(host: Host, download: Download) -> StepOutcome:
    """Put the object into the destination, a folder if it ends in a slash. A failed download leaves an empty file.

    No instance profile limits it: local hosts have none.
    """
    try:
        where = json.loads(download.source_info)["path"] if download.source_type == "S3" else ""
    except (ValueError, KeyError, TypeError):
        return _failed(f"sourceInfo is no JSON text with a path: {download.source_info!r}")
    found = _S3_OBJECT.fullmatch(where)
    if not found:
        return _failed(f"Only S3 objects named by region and bucket can be downloaded here, not {download}.")
    path = download.destination
    if path.endswith("/"):
        path += found["key"].rsplit("/", 1)[-1]
    try:
        s3 = own_client("s3", found["region"])
        content = s3.get_object(Bucket=found["bucket"], Key=found["key"])["Body"].read()
    except (BotoCoreError, ClientError) as error:
        host.write(path, b"")
        return _failed(f"{where}: {error}")
    host.write(path, content)
    return StepOutcome(0, f"Content downloaded to {path}\n".encode(), b"")


def _failed(why: str) -> StepOutcome:
    return StepOutcome(1, b"", f"{why}\n".encode())

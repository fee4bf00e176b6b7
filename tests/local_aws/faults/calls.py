"""Calling the local AWS without retries, to see each answer as it is."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import Credentials, LocalAws


def without_retries(
    aws: LocalAws,
    service: str,
    region: str = "us-east-1",
    credentials: Credentials | None = None,
    read_timeout: float = 60,
) -> Any:
    keys = credentials or aws.root
    return boto3.client(
        service,  # type: ignore[call-overload]  # one of several
        region_name=region,
        endpoint_url=aws.endpoint,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout),
    )


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])

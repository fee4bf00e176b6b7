"""Every answer has a request id, by which a caller tells it from a page that some proxy has sent."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("ssm", "list_commands"),
        ("ssm", "list_command_invocations"),
        ("ssm", "describe_instance_information"),
        ("ssm", "list_documents"),
        ("ssm", "describe_parameters"),
        ("ec2", "describe_instances"),
        ("elasticbeanstalk", "describe_environments"),
        ("stepfunctions", "list_state_machines"),
        ("lambda", "list_functions"),
        ("cloudtrail", "lookup_events"),
        ("iam", "list_users"),
        ("secretsmanager", "list_secrets"),
        ("dynamodb", "list_tables"),
    ],
)
def test_an_answer_has_a_request_id_of_its_own(aws: LocalAws, service: str, operation: str) -> None:
    call = getattr(aws.client(service), operation)
    ids = {call()["ResponseMetadata"]["RequestId"] for _ in range(2)}
    assert len(ids) == 2
    assert all(ids)


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("ssm", "send_command", {"DocumentName": "Missing", "InstanceIds": ["i-0123456789abcdef0"]}),
        ("ec2", "describe_instances", {"InstanceIds": ["i-0123456789abcdef0"]}),
        ("elasticbeanstalk", "describe_environments", {"MaxRecords": 1001}),
    ],
)
def test_a_refusal_has_one_too(aws: LocalAws, service: str, operation: str, request_: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), operation)(**request_)
    assert refused.value.response["ResponseMetadata"]["RequestId"]

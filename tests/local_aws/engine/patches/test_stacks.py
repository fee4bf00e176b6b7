"""CloudFormation answers as it does on AWS."""

import json

import pytest

from local_aws import LocalAws
from tests.patience import eventually

TEMPLATE = {
    "Conditions": {"IsIreland": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}},
    "Resources": {
        "Everywhere": {"Type": "AWS::SNS::Topic"},
        "InIreland": {"Type": "AWS::SNS::Topic", "Condition": "IsIreland"},
    },
}


@pytest.mark.parametrize(
    ("region", "made"), [("eu-west-1", ["Everywhere", "InIreland"]), ("us-east-1", ["Everywhere"])]
)
def test_a_condition_knows_the_region_of_the_launch(aws: LocalAws, region: str, made: list[str]) -> None:
    cloudformation = aws.client("cloudformation", region)
    cloudformation.create_stack(StackName="where", TemplateBody=json.dumps(TEMPLATE))
    eventually(
        lambda: (
            cloudformation.describe_stacks(StackName="where")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        ),
        "the stack is there",
    )
    listed = cloudformation.describe_stack_resources(StackName="where")["StackResources"]
    assert sorted(one["LogicalResourceId"] for one in listed) == made

"""The services MiniStack lacks, registered beside its own so that IAM and CloudTrail see their calls too."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.command_delivery import Agent
from local_aws.iam_check import is_running
from local_aws.run_command import RunCommand
from local_aws.running import ACCOUNT
from local_aws.ssm_documents import DocumentStore
from local_aws.ssm_service import DocumentResource, SystemsManager


def install() -> Callable[[], None]:
    """Register them; returns what ends everything they run."""
    from ministack import app
    from ministack.services.cloudformation import provisioners

    beanstalk = _register_elastic_beanstalk()
    documents = DocumentStore()
    run_command = RunCommand(documents, _agents(), is_running, ACCOUNT)
    app.SERVICE_HANDLERS["ssm"] = SystemsManager(
        documents, run_command, ACCOUNT, app.SERVICE_HANDLERS["ssm"]
    ).handle
    provisioners._RESOURCE_HANDLERS["AWS::SSM::Document"] = DocumentResource(documents).handlers()

    def close() -> None:
        run_command.close()
        if beanstalk is not None:
            beanstalk.close()

    return close


def _agents() -> Mapping[tuple[str, str], Agent]:
    """The agents of all instances by (region, instance id)."""
    try:
        registry: Mapping[tuple[str, str], Agent] = importlib.import_module("local_aws.agent").registry
    except ImportError:
        return {}
    return registry


def _register_elastic_beanstalk() -> Any:
    """Route calls signed for Elastic Beanstalk to it, and let IAM and error answers know its protocol."""
    from ministack import app
    from ministack.core import iam_actions, router

    try:
        beanstalk = importlib.import_module("local_aws.elastic_beanstalk")
    except ImportError:
        return None
    router.SERVICE_PATTERNS["elasticbeanstalk"] = {}
    iam_actions._SERVICE_PROTOCOL["elasticbeanstalk"] = "query-xml"
    iam_actions._QUERY_XML_NS["elasticbeanstalk"] = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
    iam_actions.SERVICE_TO_IAM_NAMESPACE["elasticbeanstalk"] = "elasticbeanstalk"
    app.SERVICE_HANDLERS["elasticbeanstalk"] = beanstalk.handle
    return beanstalk

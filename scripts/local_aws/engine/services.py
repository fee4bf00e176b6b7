"""The services MiniStack lacks, registered beside its own so that IAM and CloudTrail see their calls too."""

from collections.abc import Callable

from local_aws.agent.agent import registry
from local_aws.elastic_beanstalk import service as elastic_beanstalk
from local_aws.engine.iam_check import is_running
from local_aws.engine.patches.target import find
from local_aws.engine.running import ACCOUNT
from local_aws.run_command.documents import DocumentStore
from local_aws.run_command.service import RunCommand
from local_aws.run_command.systems_manager import DocumentResource, SystemsManager


def install() -> Callable[[], None]:
    """Register them; returns what ends everything they run, hosts included."""
    from ministack import app
    from ministack.services.cloudformation import provisioners

    _register_elastic_beanstalk()
    documents = DocumentStore()
    run_command = RunCommand(documents, registry, is_running, ACCOUNT)
    handlers = find(app, "SERVICE_HANDLERS")
    handlers["ssm"] = SystemsManager(documents, run_command, ACCOUNT, handlers["ssm"]).handle
    find(provisioners, "_RESOURCE_HANDLERS")["AWS::SSM::Document"] = DocumentResource(documents).handlers()

    def close() -> None:
        run_command.close()
        elastic_beanstalk.close()

    return close


def _register_elastic_beanstalk() -> None:
    """Route calls signed for Elastic Beanstalk to it, and let IAM and error answers know its protocol."""
    from ministack import app
    from ministack.core import iam_actions, router

    elastic_beanstalk.install()
    find(router, "SERVICE_PATTERNS")["elasticbeanstalk"] = {}
    find(iam_actions, "_SERVICE_PROTOCOL")["elasticbeanstalk"] = "query-xml"
    find(iam_actions, "_QUERY_XML_NS")["elasticbeanstalk"] = elastic_beanstalk.NAMESPACE
    find(iam_actions, "SERVICE_TO_IAM_NAMESPACE")["elasticbeanstalk"] = "elasticbeanstalk"
    find(app, "SERVICE_HANDLERS")["elasticbeanstalk"] = elastic_beanstalk.handle

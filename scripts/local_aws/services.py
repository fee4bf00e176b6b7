"""The services MiniStack lacks, registered beside its own so that IAM and CloudTrail see their calls too."""

import os
from dataclasses import dataclass
from pathlib import Path

from local_aws.agent.registry import AgentRegistry
from local_aws.auto_scaling import capacity, description_calls
from local_aws.auto_scaling.lifecycle import Lifecycle
from local_aws.auto_scaling.lifecycle_calls import LifecycleCalls
from local_aws.code_pipeline import CodePipeline
from local_aws.elastic_beanstalk import ec2_lifecycle
from local_aws.elastic_beanstalk.query_protocol import NAMESPACE
from local_aws.elastic_beanstalk.service import ElasticBeanstalk
from local_aws.engine.account import ACCOUNT
from local_aws.engine.iam_check import is_running
from local_aws.engine.ministack import Handler, find
from local_aws.run_command.document_resource import DocumentResource
from local_aws.run_command.documents import DocumentStore
from local_aws.run_command.listing import Consistency
from local_aws.run_command.managed_instances import ManagedInstances
from local_aws.run_command.service import RunCommand
from local_aws.run_command.systems_manager import SystemsManager


@dataclass(frozen=True)
class Services:
    """What was registered."""

    agents: AgentRegistry
    run_command: RunCommand
    elastic_beanstalk: ElasticBeanstalk
    code_pipeline: CodePipeline

    def close(self) -> None:
        """End everything they run, hosts included."""
        self.run_command.close()
        self.elastic_beanstalk.close()


def install() -> Services:
    """Register them."""
    from ministack import app

    agents = AgentRegistry()
    handlers = find(app, "SERVICE_HANDLERS")
    run_command = _register_run_command(handlers, agents)
    code_pipeline = CodePipeline(ACCOUNT)
    code_pipeline.install(handlers)
    return Services(agents, run_command, _register_elastic_beanstalk(handlers, agents), code_pipeline)


def _register_run_command(handlers: dict[str, Handler], agents: AgentRegistry) -> RunCommand:
    """Answer documents and commands, in the API and in templates; MiniStack answers the rest of SSM."""
    from ministack.services.cloudformation import provisioners

    documents = DocumentStore()
    consistency = Consistency()
    instances = ManagedInstances(agents, is_running, consistency=consistency)
    run_command = RunCommand(documents, instances, ACCOUNT, consistency=consistency)
    systems_manager = SystemsManager(documents, run_command, instances, ACCOUNT, handlers["ssm"])
    handlers["ssm"] = systems_manager.handle
    find(provisioners, "_RESOURCE_HANDLERS")["AWS::SSM::Document"] = DocumentResource(documents).handlers()
    return run_command


def _register_elastic_beanstalk(handlers: dict[str, Handler], agents: AgentRegistry) -> ElasticBeanstalk:
    """Route calls signed for Elastic Beanstalk to it, and register its protocol for IAM and error answers."""
    from ministack.core import iam_actions, router

    lifecycle = Lifecycle()
    service = ElasticBeanstalk(Path(os.environ["TMPDIR"]).parent / "hosts", agents, lifecycle, ACCOUNT)
    ec2_lifecycle.install(service.operations)
    capacity.install(lifecycle, service.operations)
    LifecycleCalls(lifecycle).install()
    description_calls.install()
    find(router, "SERVICE_PATTERNS")["elasticbeanstalk"] = {}
    find(iam_actions, "_SERVICE_PROTOCOL")["elasticbeanstalk"] = "query-xml"
    find(iam_actions, "_QUERY_XML_NS")["elasticbeanstalk"] = NAMESPACE
    find(iam_actions, "SERVICE_TO_IAM_NAMESPACE")["elasticbeanstalk"] = "elasticbeanstalk"
    handlers["elasticbeanstalk"] = service.handle
    return service

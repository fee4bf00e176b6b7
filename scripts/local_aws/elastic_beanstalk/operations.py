"""The operations on environments, in the background: launching, deploying to and terminating their instances."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from local_aws.agent.registry import AgentRegistry
from local_aws.elastic_beanstalk import ec2_instances
from local_aws.elastic_beanstalk.environment import Environment, EnvironmentStatus
from local_aws.elastic_beanstalk.worker_instance import HostOptions, WorkerInstance

_MAX_THREADS = 16
_Item = TypeVar("_Item")
_logger = logging.getLogger(__name__)


class EnvironmentOperations:
    """Runs each operation in a thread of its own, on the environment's instances side by side."""

    def __init__(self, hosts: Path, agents: AgentRegistry) -> None:
        self._hosts = hosts
        self._agents = agents
        self._instances: dict[tuple[str, str], WorkerInstance] = {}
        self._environments: dict[tuple[str, str], Environment] = {}
        self._lock = threading.Lock()
        self._closed = False

    def launch(self, environment: Environment) -> None:
        """Launch as many instances as the settings say; Ready when all are up."""
        self._start(environment, lambda: self._resize(environment))

    def update(self, environment: Environment, *, deploys: bool) -> None:
        """Deploy to the present instances if `deploys`, and launch or terminate some as the settings say."""

        def deploy_and_resize() -> None:
            if deploys:
                version, variables = environment.version, dict(environment.settings.environment)
                self._each(environment.instances, lambda each: each.deploy(version, variables))
            self._resize(environment)

        self._start(environment, deploy_and_resize)

    def terminate(self, environment: Environment) -> None:
        """Terminate every instance; Terminated when all have ended."""

        def terminate_all() -> None:
            self._terminate(environment, list(environment.instances))

        self._start(environment, terminate_all, then=EnvironmentStatus.TERMINATED)

    def boot_instance(
        self, region: str, instance_id: str, host_name: str, variables: Mapping[str, str]
    ) -> None:
        """Boot the host of an instance that belongs to no environment, in the background."""
        instance = WorkerInstance(region, instance_id, host_name, HostOptions())
        with self._lock:
            if self._closed:
                return
            self._instances[region, instance_id] = instance

        def boot() -> None:
            try:
                instance.boot(self._hosts, "", dict(variables), self._agents)
            except Exception:
                if not self._closed:
                    _logger.exception("%s does not boot", instance_id)

        threading.Thread(target=boot, name=f"boot-{instance_id}", daemon=True).start()

    def has(self, region: str, instance_id: str) -> bool:
        """Whether this EC2 instance is a worker host."""
        with self._lock:
            return (region, instance_id) in self._instances

    def end_instance(self, region: str, instance_id: str) -> None:
        """End the host of an instance; returns when nothing of it is left."""
        with self._lock:
            instance = self._instances.pop((region, instance_id), None)
        if instance is not None:
            instance.end(self._agents)

    def stop_instance(self, region: str, instance_id: str) -> None:
        """End the host of an instance that stays in its environment and may be started again."""
        if (instance := self._instance(region, instance_id)) is not None:
            instance.shut_down(self._agents)

    def start_instance(self, region: str, instance_id: str) -> None:
        """Boot the host of an instance that was stopped."""
        if (instance := self._instance(region, instance_id)) is not None:
            instance.boot_again(self._agents)

    def reboot_instance(self, region: str, instance_id: str) -> None:
        """End the host of an instance and boot it again. What it had on its disk is lost, unlike on AWS."""
        if (instance := self._instance(region, instance_id)) is not None:
            instance.shut_down(self._agents)
            instance.boot_again(self._agents)

    def replace_instance(self, region: str, instance_id: str) -> None:
        """Terminate an instance and launch another in its environment, as Auto Scaling does with an unhealthy one."""
        instance = self._instance(region, instance_id)
        environment = self._environments.get((region, instance_id))
        if instance is None or environment is None:
            raise KeyError(f"{instance_id} in {region} is no worker host.")
        with environment.lock:
            environment.instances = [each for each in environment.instances if each is not instance]
        ec2_instances.terminate(region, [instance_id])
        self._launch_instance(environment)

    def close(self) -> None:
        """End every host, and boot no other."""
        with self._lock:
            self._closed = True
            instances = list(self._instances)
        self._each(instances, lambda each: self.end_instance(*each))

    def _instance(self, region: str, instance_id: str) -> WorkerInstance | None:
        with self._lock:
            return self._instances.get((region, instance_id))

    def _resize(self, environment: Environment) -> None:
        present = [each for each in environment.instances if self.has(each.region, each.instance_id)]
        environment.instances = present
        wanted = environment.settings.instances
        self._terminate(environment, present[wanted:])
        self._each(range(wanted - len(present)), lambda _: self._launch_instance(environment))

    def _launch_instance(self, environment: Environment) -> None:
        launched = ec2_instances.launch(environment.region, environment.name, environment.id)
        settings = environment.settings
        instance = WorkerInstance(
            environment.region, launched.instance_id, launched.host_name, settings.host_options
        )
        with self._lock:
            if self._closed:
                return
            self._instances[environment.region, instance.instance_id] = instance
            self._environments[environment.region, instance.instance_id] = environment
        with environment.lock:
            environment.instances.append(instance)
        instance.boot(self._hosts, environment.version, dict(settings.environment), self._agents)

    def _terminate(self, environment: Environment, instances: list[WorkerInstance]) -> None:
        with environment.lock:
            environment.instances = [each for each in environment.instances if each not in instances]
        remaining = [each for each in instances if self.has(each.region, each.instance_id)]
        ec2_instances.terminate(environment.region, [each.instance_id for each in remaining])
        # The call to EC2 ends them in the background; this waits for that.
        self._each(remaining, lambda each: each.end(self._agents))

    def _start(
        self,
        environment: Environment,
        operation: Callable[[], None],
        then: EnvironmentStatus = EnvironmentStatus.READY,
    ) -> None:
        def run() -> None:
            try:
                operation()
            except Exception:
                environment.failed = True
                if not self._closed:
                    _logger.exception("%s of %s failed", environment.status, environment.name)
            environment.set_status(then)

        threading.Thread(target=run, name=f"{environment.name}-{environment.status}", daemon=True).start()

    @staticmethod
    def _each(items: Sequence[_Item], act: Callable[[_Item], None]) -> None:
        if items:
            with ThreadPoolExecutor(min(_MAX_THREADS, len(items))) as pool:
                list(pool.map(act, items))

"""The operations on environments, in the background: launching, deploying to and terminating their instances."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from local_aws.agent.registry import AgentRegistry
from local_aws.auto_scaling import groups
from local_aws.auto_scaling.lifecycle import Lifecycle
from local_aws.elastic_beanstalk import ec2_instances
from local_aws.elastic_beanstalk.environment import DeploymentPolicy, Environment, EnvironmentStatus
from local_aws.elastic_beanstalk.worker_instance import HostOptions, WorkerInstance

_MAX_THREADS = 16
_Item = TypeVar("_Item")
_logger = logging.getLogger(__name__)


class EnvironmentOperations:
    """Runs each operation in a thread of its own, on the environment's instances side by side."""

    def __init__(self, hosts: Path, agents: AgentRegistry, lifecycle: Lifecycle) -> None:
        self._hosts = hosts
        self._agents = agents
        self._lifecycle = lifecycle
        self._instances: dict[tuple[str, str], WorkerInstance] = {}
        self._environments: dict[tuple[str, str], Environment] = {}
        self._groups: dict[tuple[str, str], Environment] = {}
        self._lock = threading.Lock()
        self._closed = False

    def launch(self, environment: Environment) -> None:
        """Launch as many instances as the settings say, in a new Auto Scaling group; Ready when all are up."""
        groups.create_group(environment.region, environment.group_name, environment.tags)
        self._groups[environment.region, environment.group_name] = environment
        self._start(environment, lambda: self._resize(environment))

    def update(self, environment: Environment, *, deploys: bool) -> None:
        """Deploy if `deploys`, and launch or terminate instances as the settings say.

        A deploy is to the present instances, or to as many new ones that take their place.
        """

        def deploy_and_resize() -> None:
            if deploys and environment.settings.deployment_policy is DeploymentPolicy.IMMUTABLE:
                self._replace_all(environment)
            elif deploys:
                version, variables = environment.version, dict(environment.settings.environment)
                self._each(environment.instances, lambda each: each.deploy(version, variables))
            self._resize(environment)

        self._start(environment, deploy_and_resize)

    def terminate(self, environment: Environment) -> None:
        """Terminate every instance; Terminated when all have ended."""

        def terminate_all() -> None:
            groups.delete_hooks(environment.region, environment.group_name)
            with self._lock:
                instances = [
                    instance
                    for key, instance in self._instances.items()
                    if self._environments.get(key) is environment
                ]
            environment.instances = []
            self._each(instances, self._end)
            groups.delete_group(environment.region, environment.group_name)

        self._start(environment, terminate_all, then=EnvironmentStatus.TERMINATED)

    def resize_group(self, region: str, group_name: str, instances: int) -> bool:
        """Launch or terminate instances of an environment in the background, as its Auto Scaling group asks for.

        The environment stays Ready. False if the group is not an environment's.
        """
        environment = self._groups.get((region, group_name))
        if environment is None:
            return False
        environment.settings = replace(environment.settings, instances=instances)

        def resize() -> None:
            try:
                self._resize(environment)
            except Exception:
                if not self._closed:
                    _logger.exception("scaling of %s failed", environment.name)

        threading.Thread(target=resize, name=f"{environment.name}-scaling", daemon=True).start()
        return True

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
        groups.remove_if_staying(region, instance_id)

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
        self._leave(environment, [instance])
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
        with environment.resizing:
            present = [each for each in environment.instances if self.has(each.region, each.instance_id)]
            environment.instances = present
            wanted = environment.settings.instances
            groups.set_capacity(environment.region, environment.group_name, wanted)
            self._leave(environment, present[wanted:])
            self._each(range(wanted - len(present)), lambda _: self._launch_instance(environment))

    def _replace_all(self, environment: Environment) -> None:
        with environment.resizing:
            before = [each for each in environment.instances if self.has(each.region, each.instance_id)]
            self._each(before, lambda _: self._launch_instance(environment))
            self._leave(environment, before)

    def _launch_instance(self, environment: Environment) -> None:
        group = environment.group_name
        launched = ec2_instances.launch(
            environment.region, {**environment.tags, groups.GROUP_NAME_TAG: group}
        )
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
        groups.add_member(environment.region, group, instance.instance_id, "Pending")
        instance.boot(self._hosts, environment.version, dict(settings.environment), self._agents)
        groups.set_member_state(environment.region, group, instance.instance_id, "InService")

    def _leave(self, environment: Environment, instances: list[WorkerInstance]) -> None:
        """Take instances out of the environment. Those that no hook waits for have ended when this returns."""
        with environment.lock:
            environment.instances = [each for each in environment.instances if each not in instances]
        self._each(
            instances,
            lambda each: self._lifecycle.leave(
                each.region, environment.group_name, each.instance_id, lambda: self._end(each)
            ),
        )

    def _end(self, instance: WorkerInstance) -> None:
        """Terminate an instance in EC2, and wait until its host has ended."""
        if self.has(instance.region, instance.instance_id):
            ec2_instances.terminate(instance.region, instance.instance_id)
        instance.end(self._agents)

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

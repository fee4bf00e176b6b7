"""What Elastic Beanstalk does in the background: launching, deploying to and terminating an environment's hosts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from local_aws.agent.agent import Registry
from local_aws.elastic_beanstalk import ec2_instances
from local_aws.elastic_beanstalk.environment import Environment, Status
from local_aws.elastic_beanstalk.worker_instance import WorkerInstance

_AT_ONCE = 16
_Item = TypeVar("_Item")
_logger = logging.getLogger(__name__)


class EnvironmentWork:
    """Runs each operation on a thread of its own, the environment's instances side by side."""

    def __init__(self, hosts: Path, agents: Registry) -> None:
        self._hosts = hosts
        self._agents = agents
        self._instances: dict[tuple[str, str], WorkerInstance] = {}
        self._lock = threading.Lock()
        self._closed = False

    def launch(self, environment: Environment) -> None:
        """Launch as many instances as the settings want; Ready when all are up."""
        self._start(environment, lambda: self._resize(environment))

    def update(self, environment: Environment, *, deploys: bool) -> None:
        """Deploy to the instances there are, if asked to, and grow or shrink to what the settings want."""

        def work() -> None:
            if deploys:
                version, variables = environment.version, dict(environment.settings.environment)
                self._each(environment.instances, lambda each: each.deploy(version, variables))
            self._resize(environment)

        self._start(environment, work)

    def terminate(self, environment: Environment) -> None:
        """Terminate every instance; Terminated when all have ended."""

        def work() -> None:
            self._terminate(environment, list(environment.instances))

        self._start(environment, work, then=Status.TERMINATED)

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

    def close(self) -> None:
        """End every host now, and boot none any more."""
        with self._lock:
            self._closed = True
            instances = list(self._instances)
        self._each(instances, lambda each: self.end_instance(*each))

    def _resize(self, environment: Environment) -> None:
        here = [each for each in environment.instances if self.has(each.region, each.instance_id)]
        environment.instances = here
        wanted = environment.settings.instances
        self._terminate(environment, here[wanted:])
        self._each(range(wanted - len(here)), lambda _: self._launch_instance(environment))

    def _launch_instance(self, environment: Environment) -> None:
        launched = ec2_instances.launch(environment.region, environment.name, environment.id)
        settings = environment.settings
        instance = WorkerInstance(
            environment.region, launched.instance_id, launched.host_name, settings.knobs
        )
        with self._lock:
            if self._closed:
                return
            self._instances[environment.region, instance.instance_id] = instance
        with environment.lock:
            environment.instances.append(instance)
        instance.boot(self._hosts, environment.version, dict(settings.environment), self._agents)

    def _terminate(self, environment: Environment, instances: list[WorkerInstance]) -> None:
        with environment.lock:
            environment.instances = [each for each in environment.instances if each not in instances]
        still_there = [each for each in instances if self.has(each.region, each.instance_id)]
        ec2_instances.terminate(environment.region, [each.instance_id for each in still_there])
        # Whoever ends an instance twice waits for the first end.
        self._each(still_there, lambda each: each.end(self._agents))

    def _start(self, environment: Environment, work: Callable[[], None], then: Status = Status.READY) -> None:
        def run() -> None:
            try:
                work()
            except Exception:
                environment.failed = True
                if not self._closed:
                    _logger.exception("%s of %s did not go as wanted", environment.status, environment.name)
            environment.turn(then)

        threading.Thread(target=run, name=f"{environment.name}-{environment.status}", daemon=True).start()

    @staticmethod
    def _each(items: Sequence[_Item], act: Callable[[_Item], None]) -> None:
        if items:
            with ThreadPoolExecutor(min(_AT_ONCE, len(items))) as pool:
                list(pool.map(act, items))

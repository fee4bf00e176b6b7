"""One instance of an environment: its EC2 instance, its host, its agent and the application on it."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from local_aws.agent.agent import Agent, PingStatus
from local_aws.agent.registry import AgentRegistry
from local_aws.elastic_beanstalk import ec2_instances
from local_aws.hosts.choice import start_host
from local_aws.hosts.host import Host, HostError, Restart, Service

_APPLICATION = Path(__file__).parents[1] / "hosts" / "sidekiq_app"
_CURRENT, _STAGING = "/var/app/current", "/var/app/staging"
_SERVICE = "worker"
_DEFAULT_SIDEKIQ_ARGUMENTS = "--concurrency 5 --timeout 25"

# Booting a host takes a quarter of a second of a processor, starting its Sidekiq as much again.
_boot_slots = threading.Semaphore(max(2, os.cpu_count() or 2))


@dataclass(frozen=True)
class HostOptions:
    """The local options of a host, from the namespace `snow-white:local`."""

    agent: PingStatus | None = "Online"
    launched_minutes_ago: float | None = None
    restart: Restart = Restart.ALWAYS
    has_workers: bool = True


class WorkerInstance:
    """An instance from its launch to its end. Its host's folder is `<hosts>/<instance id>`."""

    def __init__(self, region: str, instance_id: str, host_name: str, options: HostOptions) -> None:
        self.region = region
        self.instance_id = instance_id
        self.host: Host | None = None
        self._host_name = host_name
        self._options = options
        self._hosts: Path | None = None
        self._application: tuple[str, dict[str, str]] = ("", {})
        self._lock = threading.Lock()
        self._ended = False

    def boot(self, hosts: Path, version: str, environment: dict[str, str], agents: AgentRegistry) -> None:
        """Boot the host, install the application, start its worker, and set the instance to running.

        Does nothing more once the instance has been ended.
        """
        self._hosts = hosts
        host = self._boot_host(hosts, version, environment)
        with self._lock:
            if self._ended or host is None:
                return
            agents.add(self._agent(host))
        if self._options.launched_minutes_ago is not None:
            ec2_instances.set_launched(self.region, self.instance_id, self._options.launched_minutes_ago)
        ec2_instances.set_state(self.region, self.instance_id, "running")

    def boot_again(self, agents: AgentRegistry) -> None:
        """Boot a host that was shut down, with the same application; its agent answers again, if it did before."""
        if self._hosts is None:
            return
        host = self._boot_host(self._hosts, *self._application)
        agent = agents.get((self.region, self.instance_id))
        if host is None or agent is None:
            return
        agent.host = host
        if self._options.agent == "Online":
            agent.reconnect(time.time())
        ec2_instances.set_state(self.region, self.instance_id, "running")

    def _boot_host(self, hosts: Path, version: str, environment: dict[str, str]) -> Host | None:
        """The host, with its application; None when the instance has been ended."""
        with _boot_slots:
            if self._ended:
                return None
            host = start_host(hosts / self.instance_id, self._host_name)
            with self._lock:
                self.host = host
                ended_meanwhile = self._ended
            if ended_meanwhile:
                host.stop()
                return None
            self.deploy(version, environment)
        return host

    def deploy(self, version: str, environment: dict[str, str]) -> None:
        """Replace the application, then stop its worker and start the new one, as Elastic Beanstalk does."""
        self._application = (version, environment)
        host = self.host
        if self._ended or host is None:
            return
        try:
            self._install(host, version)
            if self._options.has_workers:
                host.add_service(self._service(environment))
        except (HostError, OSError, subprocess.SubprocessError):
            if not self._ended:
                raise

    def shut_down(self, agents: AgentRegistry) -> None:
        """End the host at once with its jobs; its agent stays registered, and does not answer."""
        agent = agents.get((self.region, self.instance_id))
        if agent is not None and agent.ping_status == "Online":
            agent.lose_connection(time.time())
        with self._lock:
            host, self.host = self.host, None
        if host is not None:
            host.stop()

    def end(self, agents: AgentRegistry) -> None:
        """End the host at once with its jobs: an instance that is terminated does not wait for them."""
        with self._lock:
            self._ended = True
            agents.remove(self.region, self.instance_id)
        if self.host is not None:
            self.host.stop()

    def _agent(self, host: Host) -> Agent:
        """One whose connection is lost from the start has pinged once, when the instance was launched."""
        registered_at = time.time()
        if self._options.agent == "ConnectionLost":
            registered_at -= 60 * (self._options.launched_minutes_ago or 0)
        return Agent(self.region, self.instance_id, host, self._options.agent, registered_at)

    @staticmethod
    def _install(host: Host, version: str) -> None:
        host.run(["rm", "-rf", _STAGING], check=True)
        for file in _APPLICATION.iterdir():
            if file.is_file():
                host.write(f"{_STAGING}/{file.name}", file.read_bytes())
        host.write(f"{_STAGING}/VERSION", version + "\n")
        host.run(["sh", "-c", f"rm -rf {_CURRENT} && mv {_STAGING} {_CURRENT}"], check=True)

    def _service(self, environment: dict[str, str]) -> Service:
        arguments = environment.get("SIDEKIQ_ARGS") or _DEFAULT_SIDEKIQ_ARGUMENTS
        return Service(
            name=_SERVICE,
            command=["/usr/bin/sidekiq", "--require", f"{_CURRENT}/app.rb", *shlex.split(arguments)],
            working_directory=_CURRENT,
            environment={**environment, "INSTANCE_ID": self.instance_id},
            restart=self._options.restart,
        )

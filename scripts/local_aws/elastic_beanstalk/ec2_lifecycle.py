"""What EC2's calls do to worker hosts: an instance that is terminated, stopped, started or rebooted has a real host.

It is `shutting-down` or `stopping` for some seconds, as on AWS, before it is `terminated` or `stopped`.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from local_aws.elastic_beanstalk.ec2_instances import ENVIRONMENT_ID_TAG, scaled_pause, set_state
from local_aws.elastic_beanstalk.user_data import is_worker, variables_in
from local_aws.engine.ministack import MissingTarget, Response, find

ENDING_SECONDS: Final = 5.0
"""How long an instance is at least shutting down or stopping."""

_INSTANCE_ID: Final = re.compile(rb"<instanceId>(i-[0-9a-f]+)</instanceId>")
_FROM: Final = {
    "TerminateInstances": frozenset({"pending", "running", "stopping", "stopped"}),
    "StopInstances": frozenset({"running"}),
    "StartInstances": frozenset({"stopped"}),
    "RebootInstances": frozenset({"running"}),
}
"""The states in which each call changes something."""

_DURING: Final = {
    "TerminateInstances": "shutting-down",
    "StopInstances": "stopping",
    "StartInstances": "pending",
    "RebootInstances": "running",
}
_AFTER: Final = {"TerminateInstances": "terminated", "StopInstances": "stopped"}
_logger = logging.getLogger(__name__)
Action = Callable[[Any], Response]


class WorkerHosts(Protocol):
    """The hosts behind the instances; each call but `boot_instance` returns when it is done."""

    def boot_instance(
        self, region: str, instance_id: str, host_name: str, variables: Mapping[str, str]
    ) -> None:
        """Begin to boot the host of an instance without an environment; the instance is running then."""

    def has(self, region: str, instance_id: str) -> bool:
        """Whether this EC2 instance is a worker host."""

    def end_instance(self, region: str, instance_id: str) -> None:
        """End the host for good."""

    def stop_instance(self, region: str, instance_id: str) -> None:
        """End the host; it can be started again."""

    def start_instance(self, region: str, instance_id: str) -> None:
        """Boot a host that was stopped; the instance is running then."""

    def reboot_instance(self, region: str, instance_id: str) -> None:
        """End the host and boot it again."""


def install(hosts: WorkerHosts) -> None:
    """Hook EC2's calls; MissingTarget if MiniStack does not have them."""
    from ministack.services import ec2

    actions = find(ec2, "_ACTION_MAP")
    for needed in ("_instances", "_tags", "_parse_member_list", "_p"):
        find(ec2, needed)
    changes: dict[str, Callable[[str, str], None]] = {
        "TerminateInstances": hosts.end_instance,
        "StopInstances": hosts.stop_instance,
        "StartInstances": hosts.start_instance,
        "RebootInstances": hosts.reboot_instance,
    }
    for name in ("RunInstances", *changes):
        if name not in actions:
            raise MissingTarget(f"MiniStack's EC2 has no {name}: it is not the pinned version.")
    actions["RunInstances"] = _pending_at_first(actions["RunInstances"], hosts)
    for name, change in changes.items():
        actions[name] = _changing_hosts(name, actions[name], hosts, change)


def _pending_at_first(run: Action, hosts: WorkerHosts) -> Action:
    def run_instances(parameters: Any) -> Response:
        from ministack.core.responses import get_region
        from ministack.services import ec2

        status, headers, body = run(parameters)
        for instance_id in map(bytes.decode, _INSTANCE_ID.findall(body)):
            if any(tag["Key"] == ENVIRONMENT_ID_TAG for tag in ec2._tags.get(instance_id, [])):
                set_state(get_region(), instance_id, "pending")
            elif is_worker(user_data := ec2._p(parameters, "UserData")):
                set_state(get_region(), instance_id, "pending")
                host_name = ec2._instances[instance_id]["PrivateDnsName"].partition(".")[0]
                hosts.boot_instance(get_region(), instance_id, host_name, variables_in(user_data))
        return status, headers, body

    return run_instances


def _changing_hosts(
    name: str, action: Action, hosts: WorkerHosts, change: Callable[[str, str], None]
) -> Action:
    """The call as MiniStack answers it, with the change of the host in the background."""

    def finish(region: str, instance_id: str) -> None:
        try:
            change(region, instance_id)
        except Exception:
            _logger.exception("%s of %s failed", name, instance_id)
        if name in _AFTER:
            scaled_pause(ENDING_SECONDS)
            set_state(region, instance_id, _AFTER[name])

    def change_instances(parameters: Any) -> Response:
        from ministack.core.responses import get_region
        from ministack.services import ec2

        region = get_region()
        before = {
            instance_id: dict(ec2._instances[instance_id]["State"])
            for instance_id in ec2._parse_member_list(parameters, "InstanceId")
            if instance_id in ec2._instances and hosts.has(region, instance_id)
        }
        status, headers, body = action(parameters)
        if status != 200:
            return status, headers, body
        for instance_id, state in before.items():
            if state["Name"] not in _FROM[name]:
                ec2._instances[instance_id]["State"] = state
                continue
            ec2._instances[instance_id]["State"] = state  # MiniStack has changed it at once
            set_state(region, instance_id, _DURING[name])
            threading.Thread(
                target=finish, args=(region, instance_id), name=f"{name}-{instance_id}", daemon=True
            ).start()
        return status, headers, body

    return change_instances

"""The lifecycle hook for an Auto Scaling group of your own: its instances wait until Snow White has drained them.

    WorkerLifecycleHook(stack, "Drain", group=workers)

Snow White's setting `drain_on_termination` has to name the group, too.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration, Token
from aws_cdk import aws_autoscaling as autoscaling
from constructs import Construct

from snow_white.model.termination import HOOK_PREFIX

SHORTEST_TIMEOUT: Final = Duration.seconds(30)
LONGEST_TIMEOUT: Final = Duration.hours(2)
USUAL_TIMEOUT: Final = Duration.minutes(30)
"""The shortest whole half hour with which an instance may wait for 48 hours: that is 100 timeouts at the most."""


class InvalidLifecycleHook(ValueError):
    """Auto Scaling takes no such hook, or Snow White does not serve it; the message says what is allowed."""


class WorkerLifecycleHook(Construct):
    """Lets instances of the group wait in Terminating:Wait until they are drained; `name` is the hook's.

    Args:
        group: the Auto Scaling group.
        heartbeat_timeout: 30 seconds to 2 hours. An instance waits for 100 times as long at the most, and never longer
            than 48 hours; it waits for this time alone if Snow White does not answer.
        suffix: to tell the hook from another of the same group; the name begins with `SnowWhite`.

    Raises InvalidLifecycleHook.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        group: autoscaling.IAutoScalingGroup,
        heartbeat_timeout: Duration = USUAL_TIMEOUT,
        suffix: str = "",
    ) -> None:
        super().__init__(scope, construct_id)
        seconds = heartbeat_timeout.to_seconds()
        if not Token.is_unresolved(seconds) and not (
            SHORTEST_TIMEOUT.to_seconds() <= seconds <= LONGEST_TIMEOUT.to_seconds()
        ):
            raise InvalidLifecycleHook(
                f"The heartbeat timeout is {seconds:.0f} seconds, but Auto Scaling takes 30 to 7200."
            )
        self.name = f"{HOOK_PREFIX}{suffix}"
        autoscaling.CfnLifecycleHook(
            self,
            "Hook",
            auto_scaling_group_name=group.auto_scaling_group_name,
            lifecycle_hook_name=self.name,
            lifecycle_transition="autoscaling:EC2_INSTANCE_TERMINATING",
            heartbeat_timeout=seconds,
            # Other hooks of the group are waited for all the same; ABANDON would end them.
            default_result="CONTINUE",
        )

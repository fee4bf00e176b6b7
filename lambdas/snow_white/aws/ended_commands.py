"""The answers to commands: of one that has ended everywhere they are read once, as long as the process lives."""

from __future__ import annotations

from typing import Final

from snow_white.aws import run_command
from snow_white.aws.regions import Regions
from snow_white.aws.run_command import Command, Invocation

# An end that an agent has told is the last one. After one that the service has set, such as a delivery that timed out,
# the agent may answer all the same.
_TOLD_BY_THE_AGENT: Final = frozenset({"success", "failed"})
_MOST_KEPT: Final = 20_000  # rows of 2.5 KB at most, in a process that may serve one run after the other


def invocations_of(regions: Regions, region: str, command: Command) -> list[Invocation]:
    """What the command did on each of its instances."""
    if (known := regions.ended.get(command.id)) is not None:
        return known
    found = run_command.invocations(regions.ssm(region), command.id)
    if {one.instance_id for one in found if one.status in _TOLD_BY_THE_AGENT} == {*command.instance_ids}:
        if len(found) + sum(map(len, list(regions.ended.values()))) > _MOST_KEPT:
            regions.ended.clear()
        regions.ended[command.id] = found
    return found

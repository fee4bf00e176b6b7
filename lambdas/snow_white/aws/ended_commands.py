"""The answers to commands: of one that has ended everywhere they are read once, as long as the process lives."""

from __future__ import annotations

from typing import Final

from snow_white.aws import run_command
from snow_white.aws.regions import Regions
from snow_white.aws.run_command import Command, Invocation

_TOLD_BY_THE_AGENT: Final = frozenset({"success", "failed"})
_MOST_KEPT: Final = 20_000  # rows of about 2.5 KB, in a process that may serve one run after the other


def invocations_of(regions: Regions, region: str, command: Command) -> list[Invocation]:
    """What the command did on each of its instances."""
    if (known := regions.ended.get(command.id)) is not None:
        return known
    found = run_command.invocations(regions.ssm(region), command.id)
    if {one.instance_id for one in found if _is_final(one)} == {*command.instance_ids}:
        if len(found) + sum(map(len, list(regions.ended.values()))) > _MOST_KEPT:
            regions.ended.clear()
        regions.ended[command.id] = found
    return found


def _is_final(row: Invocation) -> bool:
    """Whether it says all that it is ever going to.

    After an end that the service has set, such as a delivery that timed out, the agent may answer all the same; and an
    answer may come to the list after the status.
    """
    return row.status in _TOLD_BY_THE_AGENT and row.exit_code not in (None, -1) and bool(row.output.strip())

"""Where the design ends: the quotas of AWS that a large enough fleet comes up against, computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from snow_white.aws.instances import INSTANCES_A_PAGE
from snow_white.aws.run_command import INSTANCES_A_COMMAND
from snow_white.judgement.freshness import FRESH_FOR
from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.state_budget import COMMAND_IDS, ID_BYTES, STATE_BYTES, group_bytes, listed_bytes
from snow_white.steps.pacing import LONGEST_SECONDS
from tests.benchmarks.fleet.figures import Table
from tests.soak.states_language.machine import MOST_BYTES, MOST_EVENTS

_SENDS_A_SECOND: Final = 2
"""Not published; as low as users report it. A burst of ten comes on top."""
_LIST_PAGE: Final = 50
"""https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListCommandInvocations.html"""
_LISTS_A_SECOND: Final = 5
"""Not published; as low as users report it."""
_EC2_A_SECOND: Final = 20
"""https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html: refilled for filtered, paginated calls"""
_FUNCTION_SECONDS: Final = 300
_EVENTS_OF_A_TURN: Final = 19
"""Wait, poll and choice are 9; an announcement and a sending 5 each."""
_LONGEST_RUN_SECONDS: Final = 172_800
_ENVIRONMENT: Final = Group("shop-workers-1234", "e-0123456789")
_POLL_MEGABYTES: Final = 512
_LEAST_MEGABYTES: Final = 60
"""Of a poll of few instances."""
_JUDGED_BYTES: Final = 5_500
"""Of an instance whose answer lists twenty processes, in the memory of the poll that judges it, as measured here."""


@dataclass(frozen=True)
class Wall:
    """One quota: what it limits, how far that goes, and what one would do beyond it."""

    quota: str
    source: str
    reaches: str
    beyond: str


_DOCS: Final = "https://docs.aws.amazon.com"


def walls() -> list[Wall]:
    """All of them, the nearest first."""
    fresh = FRESH_FOR.total_seconds()
    renewed = int(fresh * _SENDS_A_SECOND * INSTANCES_A_COMMAND)
    judged = int(fresh * _LISTS_A_SECOND * _LIST_PAGE)
    described = int(60 * _EC2_A_SECOND * INSTANCES_A_PAGE)
    turns = math.ceil(_LONGEST_RUN_SECONDS / LONGEST_SECONDS) + 150
    held = (_POLL_MEGABYTES - _LEAST_MEGABYTES) * 1_000 // _JUDGED_BYTES * 1_000
    an_environment = group_bytes([RegionPlan("us-east-1", (_ENVIRONMENT,))])
    lists = COMMAND_IDS * ID_BYTES + listed_bytes([RegionPlan("us-east-1", (_ENVIRONMENT,) * 10_000)])
    small, carried = ((most - lists) // an_environment for most in (STATE_BYTES, MOST_BYTES))
    return [
        Wall(
            f"SSM takes about {_SENDS_A_SECOND} SendCommand a second, {INSTANCES_A_COMMAND} instances each",
            f"{_DOCS}/general/latest/gr/ssm.html (the rate is not published)",
            f"{renewed:,} instances a region: more cannot all be asked again within {fresh / 60:.0f} minutes, so that "
            "the first confirmations are stale when the last one comes",
            "ask AWS for a higher rate, or start one run for each group of environments",
        ),
        Wall(
            f"SSM answers about {_LISTS_A_SECOND} ListCommandInvocations a second, {_LIST_PAGE} rows each",
            f"{_DOCS}/general/latest/gr/ssm.html (the rate is not published)",
            f"{judged:,} instances a region are judged within {fresh / 60:.0f} minutes, the length of one invocation",
            "keep judgements in the run's table, for all functions; then let the hosts' answers come as events of "
            "EventBridge instead of being read",
        ),
        Wall(
            f"EC2 refills {_EC2_A_SECOND} DescribeInstances a second, {INSTANCES_A_PAGE:,} instances each",
            f"{_DOCS}/ec2/latest/devguide/ec2-api-throttling.html",
            f"{described:,} instances a region in a minute: SSM's rates end first",
            "nothing",
        ),
        Wall(
            f"Step Functions keeps {MOST_EVENTS:,} events of an execution",
            f"{_DOCS}/step-functions/latest/dg/service-quotas.html",
            f"48 hours are about {turns:,} turns; with an announcement and a sending in each of them "
            f"{turns * _EVENTS_OF_A_TURN:,} events",
            "wait longer between polls once half of the events are used, or go on in a new execution",
        ),
        Wall(
            f"Step Functions carries {MOST_BYTES:,} bytes from state to state",
            f"{_DOCS}/step-functions/latest/dg/service-quotas.html",
            f"an environment counts {an_environment} bytes with its name in the report (hundreds are packed, and take "
            f"half of it), and the report's lists get shorter the more there are: {STATE_BYTES:,} bytes up to "
            f"{small:,} environments, all of them at {carried:,}",
            "keep lists in the run's DynamoDB table, and only their key in the state",
        ),
        Wall(
            f"A function runs {_FUNCTION_SECONDS} seconds here, 900 at most",
            f"{_DOCS}/lambda/latest/dg/gettingstarted-limits.html",
            f"at {_LISTS_A_SECOND} pages a second it reads {_FUNCTION_SECONDS * _LISTS_A_SECOND * _LIST_PAGE:,} "
            "instances of a region before it is ended, and the step is tried again",
            "a longer time limit; then one function for each region in a Map state, whose events then count",
        ),
        Wall(
            f"PollCommand has {_POLL_MEGABYTES} MB here, 10,240 at most",
            f"{_DOCS}/lambda/latest/dg/gettingstarted-limits.html",
            f"each instance that is judged takes about {_JUDGED_BYTES:,} bytes if its answer lists twenty processes: "
            f"{held:,} instances in all regions",
            "more memory, with which more CPU comes",
        ),
    ]


def walls_table() -> Table:
    """The walls as the page shows them."""
    rows = tuple((one.quota, one.reaches, one.beyond, one.source) for one in walls())
    return Table("Where the design ends", ("quota", "how far that goes", "beyond it", "source"), rows)

"""The whole matrix."""

from __future__ import annotations

from typing import Final

from tests.soak.matrix.function_faults import FUNCTIONS
from tests.soak.matrix.home_faults import SERVICES
from tests.soak.matrix.host_faults import HOSTS
from tests.soak.matrix.region_faults import CALLS, LISTS
from tests.soak.matrix.run_faults import RUNS
from tests.soak.matrix.slack_faults import SLACK

GROUPS: Final = (CALLS, LISTS, HOSTS, SERVICES, FUNCTIONS, SLACK, RUNS)

"""Each fault, beginning in each step of a run of each action, ends as docs/faults.md says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak.matrix.examine import differences
from tests.soak.matrix.groups import GROUPS
from tests.soak.matrix.outcomes import CONFIRMED, REGION_UNAVAILABLE
from tests.soak.matrix.page import page
from tests.soak.matrix.region_faults import CALLS
from tests.soak.matrix.table import Cell, Group, Row, Step

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"
ROWS = [pytest.param(group, row, id=f"{group.title}: {row.fault}") for group in GROUPS for row in group.rows]


@pytest.mark.parametrize(("group", "row"), ROWS)
def test_a_run_under_the_fault_ends_as_expected(group: Group, row: Row) -> None:
    cells = list(group.cells(row))
    assert cells
    found = [difference for cell in cells for difference in differences(cell)]
    assert not found, "\n".join(found)


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m tests.soak.matrix"


def throttled(step: Step) -> Cell:
    (row,) = [one for one in CALLS.rows if one.fault == "throttled"]
    return next(cell for cell in CALLS.cells(row) if cell.stays and cell.step is step)


@pytest.mark.parametrize("step", [Step.DISCOVER, Step.DISPATCH])
def test_a_wrong_expectation_is_found(step: Step) -> None:
    (found, *_) = differences(replace(throttled(step), expected=CONFIRMED))
    assert "expected ('SUCCEEDED', ''), ended FAILED" in found


def test_a_reason_that_is_not_named_is_found() -> None:
    wanted = REGION_UNAVAILABLE.of("ca-central-1")
    found = differences(replace(throttled(Step.DISCOVER), expected=wanted))
    assert [one.split(": ")[2].split(" is")[0] for one in found] == ["'ca-central-1'", "'ca-central-1'"]


def test_a_message_that_nobody_should_get_is_found() -> None:
    wanted = replace(REGION_UNAVAILABLE, told=False)
    (found,) = differences(replace(throttled(Step.DISCOVER), expected=wanted))
    assert "the end was told 1 times, expected 0" in found

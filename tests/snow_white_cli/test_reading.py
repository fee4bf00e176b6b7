"""Reading a run and its report: of every version, and whatever is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.model.report import Report
from snow_white.model.run_so_far import RunSoFar
from snow_white.model.serialisation import from_json
from snow_white_cli.reading import read

SHAPES = sorted((Path(__file__).parents[1] / "lambdas" / "model" / "states").glob("*.json"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def states(value: Any) -> list[dict[str, Any]]:
    """All JSON objects in the value that look like the state of a run."""
    if not isinstance(value, dict):
        return []
    inner = [state for one in value.values() for state in states(one)]
    return [value, *inner] if "execution" in value else inner


@pytest.mark.parametrize("shape", SHAPES, ids=lambda path: path.stem)
def test_the_state_of_every_version_is_read_as_the_functions_read_it(shape: Path) -> None:
    found = states(json.loads(shape.read_text()))
    assert found
    for state in found:
        assert read(state, RunSoFar) == from_json(state, RunSoFar)
        if report := state.get("report"):
            assert read(report, Report) == from_json(report, Report)


@given(st.dictionaries(st.sampled_from(sorted(Report.__dataclass_fields__)), JSON))
def test_a_report_of_any_json_is_read_and_confirms_only_if_it_says_so(raw: dict[str, Any]) -> None:
    assert read(raw, Report).confirmed == (raw.get("result") == "confirmed")


@given(JSON)
def test_any_json_is_read_as_the_state_of_a_run(raw: Any) -> None:
    assert isinstance(read(raw, RunSoFar), RunSoFar)


def test_what_is_of_another_type_or_unknown_gets_the_default_and_the_rest_is_read() -> None:
    raw = {
        "instances": "three",
        "duration_seconds": 9,
        "counts": {"quiet": 2},
        "started_at": "noon",
        "new": 1,
    }
    assert read(raw, Report) == Report(duration_seconds=9, counts={"quiet": 2})

"""In which order tests are run by several processes, and what is said of those that took longest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_runner.timing import FAST, RECORDED, SLOW_SECONDS, Timing, dealt, recorded

ROOT = Path(__file__).parents[2]
TESTS = [f"test_{number:02}" for number in range(12)]


def runs(tests: list[str], processes: int) -> list[list[str]]:
    """What `--dist worksteal` of pytest-xdist gives each process at the start."""
    given = []
    for left in range(processes, 0, -1):
        size = len(tests) // left
        given.append(tests[:size])
        tests = tests[size:]
    return given


def test_each_process_begins_with_its_slowest_test_and_the_slow_ones_are_spread() -> None:
    seconds = {"test_03": 9.0, "test_04": 5.0, "test_08": 4.0, "test_11": 3.0}
    assert runs(dealt(TESTS, seconds, 3), 3) == [
        ["test_03", "test_00", "test_01", "test_02"],
        ["test_04", "test_05", "test_06", "test_07"],
        ["test_08", "test_11", "test_09", "test_10"],
    ]


@given(
    seconds=st.dictionaries(st.sampled_from(TESTS), st.floats(min_value=0.1, max_value=100)),
    processes=st.integers(min_value=1, max_value=15),
)
def test_no_test_is_lost_or_run_twice(seconds: dict[str, float], processes: int) -> None:
    assert sorted(dealt(TESTS, seconds, processes)) == TESTS


@given(
    seconds=st.dictionaries(st.sampled_from(TESTS), st.floats(min_value=0.1, max_value=100)),
    processes=st.integers(min_value=1, max_value=15),
)
def test_slow_tests_come_first_in_each_run_and_fast_ones_keep_their_order(
    seconds: dict[str, float], processes: int
) -> None:
    for run in runs(dealt(TESTS, seconds, processes), processes):
        took = [seconds.get(test, 0.0) for test in run]
        assert took == sorted(took, reverse=True)
        fast = [test for test in run if test not in seconds]
        assert fast == sorted(fast)


def test_what_is_recorded_is_of_use() -> None:
    there = [test for test in recorded() if (ROOT / test.partition("::")[0]).is_file()]
    assert len(there) > 0.8 * len(recorded()), f"{RECORDED} is old: ./scripts/test -- --record-durations"
    assert all(seconds >= SLOW_SECONDS for seconds in recorded().values())


def test_what_took_long_is_left_out_of_a_fast_run_and_nothing_else_is() -> None:
    slow, fast = (
        SimpleNamespace(nodeid=next(iter(recorded()))),
        SimpleNamespace(nodeid="tests/test_new.py::test_it"),
    )
    for is_asked, left in ((True, [fast]), (False, [slow, fast])):
        config, items = MagicMock(workerinput={}), [slow, fast]
        config.getoption.side_effect = {FAST: is_asked}.__getitem__
        Timing(config).pytest_collection_modifyitems(items)  # type: ignore[arg-type]
        assert items == left


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a run of three tests in two processes says; one of the tests is slow as a whole, but in no phase."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "conftest.py").write_text(
        "from tests.test_runner.timing import Timing\n"
        "def pytest_addoption(parser):\n"
        "    for option in ('--record-durations', '--fast'): parser.addoption(option, action='store_true')\n"
        "def pytest_configure(config): config.pluginmanager.register(Timing(config))\n"
    )
    (folder / "test_it.py").write_text(
        "import pytest, time\n"
        "@pytest.fixture\n"
        "def slow():\n"
        "    time.sleep(0.4)\n"
        "    yield\n"
        "    time.sleep(0.4)\n"
        "def test_fast(): pass\n"
        "def test_with_slow_parts(slow): pass\n"
        "def test_slow(): time.sleep(1.2)\n"
    )
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "2",
            "-p",
            "no:cacheprovider",
            "--dist",
            "worksteal",
            folder,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_slowest_tests_are_printed_at_the_end_with_all_their_phases(run: str) -> None:
    (_, said) = run.split("= slowest tests =")
    lines = [line.split() for line in said.splitlines() if "::" in line]
    seconds = {line[2].partition("::")[2]: float(line[0]) for line in lines}
    assert list(seconds.values()) == sorted(seconds.values(), reverse=True)
    assert seconds["test_slow"] >= 1.2
    assert seconds["test_with_slow_parts"] >= 0.8

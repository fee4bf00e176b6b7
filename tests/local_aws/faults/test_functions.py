"""Functions crash, time out and run twice, for callers and for state machines."""

from pathlib import Path
from typing import Any

import pytest

from local_aws import LocalAws
from local_aws.faults.client import FaultSwitches
from local_aws.faults.rules import Failure, FunctionFault
from tests.local_aws.workbench import Workbench

RETRYING = {"Retry": [{"ErrorEquals": ["Runtime.ExitError", "Sandbox.Timedout"], "IntervalSeconds": 1}]}


def effects(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


def event(file: Path) -> dict[str, Any]:
    """One at which the function leaves a line in the file and then raises WorkerBusy."""
    return {"marks": str(file)}


@pytest.mark.parametrize(
    ("failure", "error", "times"),
    [
        ("crash_before", "Runtime.ExitError", 0),
        ("crash_after", "Runtime.ExitError", 1),
        ("timeout", "Sandbox.Timedout", 1),
        ("called_twice", "WorkerBusy", 2),
    ],
)
def test_a_function_fails_before_or_after_its_effect_or_has_it_twice(
    workbench: Workbench, faults: FaultSwitches, tmp_path: Path, failure: Failure, error: str, times: int
) -> None:
    marks = tmp_path / "marks"
    faults.add(FunctionFault(function="workbench", failure=failure))

    ended = workbench.run({"Work": workbench.task(End=True)}, event(marks))
    assert (ended["error"], effects(marks)) == (error, times)
    again = workbench.run({"Work": workbench.task(End=True)}, event(marks))
    assert (again["error"], effects(marks)) == ("WorkerBusy", times + 1)
    assert faults.happened() == [{"function": "workbench"}]


@pytest.mark.parametrize("failure", ["crash_before", "crash_after", "timeout"])
def test_a_state_machine_may_retry_it(
    workbench: Workbench, faults: FaultSwitches, aws: LocalAws, failure: Failure
) -> None:
    faults.add(FunctionFault(function="workbench", failure=failure))
    aws.set_wait_scale(0.01)
    try:
        assert workbench.run({"Work": workbench.task(End=True, **RETRYING)})["status"] == "SUCCEEDED"
    finally:
        aws.set_wait_scale(1)


def test_other_functions_are_not_concerned(workbench: Workbench, faults: FaultSwitches) -> None:
    faults.add(FunctionFault(function="another", failure="crash_before", calls=None))
    assert workbench.run({"Work": workbench.task(End=True)})["status"] == "SUCCEEDED"

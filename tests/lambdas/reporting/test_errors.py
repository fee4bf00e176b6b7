"""What is told of a run that ended: its own report if the execution ended as that says, else what ended it."""

from __future__ import annotations

import pytest

from snow_white.aws.execution_history import ExecutionEnd
from snow_white.model.ended_run import EndedRun, StepError
from snow_white.model.report import Delivery, Report, Result
from snow_white.reporting.errors import execution_error, reportable
from tests.lambdas.aws.test_execution_history import EXECUTION

CONFIRMED = Report(result=Result.CONFIRMED)
NOT_CONFIRMED = Report(result=Result.NOT_CONFIRMED)


def ended_as(status: str, report: Report | None = None, error: StepError | None = None) -> EndedRun | None:
    end = ExecutionEnd(EXECUTION, status, error="Some.Error", cause="something")
    return reportable(EndedRun(EXECUTION, report=report, error=error), end)


@pytest.mark.parametrize(("status", "report"), [("SUCCEEDED", CONFIRMED), ("FAILED", NOT_CONFIRMED)])
def test_a_run_that_could_not_tell_is_told_by_its_own_report(status: str, report: Report) -> None:
    run = ended_as(status, report)
    assert run is not None
    assert run.report == report


@pytest.mark.parametrize(
    ("status", "report"),
    [("ABORTED", CONFIRMED), ("TIMED_OUT", CONFIRMED), ("FAILED", CONFIRMED), ("ABORTED", NOT_CONFIRMED)],
)
def test_a_report_that_the_execution_s_end_contradicts_is_not_told(status: str, report: Report) -> None:
    run = ended_as(status, report)
    assert run is not None
    assert run.report is None
    assert run.error is not None
    assert "Some.Error" in run.error.cause


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ABORTED"])
def test_a_run_that_has_told_keeps_the_report_that_it_told(status: str) -> None:
    told = Report(result=Result.CONFIRMED, slack=Delivery(delivered=True))
    run = ended_as(status, told)
    assert run is not None
    assert run.report == told


def test_an_error_that_the_machine_has_caught_is_told_and_not_that_telling_failed() -> None:
    caught = StepError("InvalidRequest", "'action' is missing.")
    failed, aborted = ended_as("FAILED", error=caught), ended_as("ABORTED", error=caught)
    assert failed is not None
    assert failed.error == caught
    assert aborted is not None
    assert aborted.error is not None
    assert "aborted" in aborted.error.cause


@pytest.mark.parametrize("report", [None, NOT_CONFIRMED])
def test_of_a_success_nothing_is_told_that_its_report_does_not_say(report: Report | None) -> None:
    assert ended_as("SUCCEEDED", report) is None


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_a_dead_run_says_what_ended_it(status: str) -> None:
    error = execution_error(ExecutionEnd(EXECUTION, status, error="States.Runtime", cause="no such path"))
    assert error.cause.startswith("The run was ended: it ")
    assert error.cause.endswith("States.Runtime no such path")

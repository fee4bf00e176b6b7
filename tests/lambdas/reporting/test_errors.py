"""How an ended run is reported: by its own report if that agrees with the execution's status, else by its error."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from snow_white.aws.execution_history import ExecutionEnd
from snow_white.model.ended_run import EndedRun, StepError
from snow_white.model.report import Delivery, Report, Result
from snow_white.model.stopping import stopped_in_slack, stopped_on_command_line, who_stopped
from snow_white.reporting.errors import execution_error, read_error, reportable
from tests.lambdas.aws.test_execution_history import EXECUTION

CONFIRMED = Report(result=Result.CONFIRMED)
NOT_CONFIRMED = Report(result=Result.NOT_CONFIRMED)


def ended_as(status: str, report: Report | None = None, error: StepError | None = None) -> EndedRun | None:
    end = ExecutionEnd(EXECUTION, status, error="Some.Error", cause="something")
    return reportable(EndedRun(EXECUTION, report=report, error=error), end)


@pytest.mark.parametrize(("status", "report"), [("SUCCEEDED", CONFIRMED), ("FAILED", NOT_CONFIRMED)])
def test_an_unannounced_end_is_reported_by_the_run_s_own_report(status: str, report: Report) -> None:
    run = ended_as(status, report)
    assert run is not None
    assert run.report == report


@pytest.mark.parametrize(
    ("status", "report"),
    [("ABORTED", CONFIRMED), ("TIMED_OUT", CONFIRMED), ("FAILED", CONFIRMED), ("ABORTED", NOT_CONFIRMED)],
)
def test_a_report_that_contradicts_the_execution_s_status_is_not_used(status: str, report: Report) -> None:
    run = ended_as(status, report)
    assert run is not None
    assert run.report is None
    assert run.error is not None
    assert "Some.Error" in run.error.cause


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ABORTED"])
def test_an_announced_report_is_kept(status: str) -> None:
    told = Report(result=Result.CONFIRMED, slack=Delivery(delivered=True))
    run = ended_as(status, told)
    assert run is not None
    assert run.report == told


def test_the_error_that_the_state_machine_caught_is_reported() -> None:
    caught = StepError("InvalidRequest", "'action' is missing.")
    failed, aborted = ended_as("FAILED", error=caught), ended_as("ABORTED", error=caught)
    assert failed is not None
    assert failed.error == caught
    assert aborted is not None
    assert aborted.error is not None
    assert aborted.error.name == "RunAborted"


@pytest.mark.parametrize("report", [None, NOT_CONFIRMED])
def test_a_success_without_a_confirmed_report_is_not_reported(report: Report | None) -> None:
    assert ended_as("SUCCEEDED", report) is None


@pytest.mark.parametrize(
    ("status", "name", "said"),
    [
        ("ABORTED", "RunAborted", "The run was stopped."),
        ("TIMED_OUT", "RunTimedOut", "The run was ended at the longest duration of an execution."),
        ("FAILED", "RunFailed", "The run failed outside the state machine's error handling."),
    ],
)
def test_the_error_of_a_run_that_was_ended_from_outside_says_what_ended_it(
    status: str, name: str, said: str
) -> None:
    bare = execution_error(ExecutionEnd(EXECUTION, status))
    assert bare == StepError(name, said)
    error = execution_error(ExecutionEnd(EXECUTION, status, error="States.Runtime", cause="no such path"))
    assert error == StepError(name, f"{said} States.Runtime: no such path")


@pytest.mark.parametrize("name", ["RunAborted", "RunTimedOut"])
def test_a_run_that_was_ended_from_outside_is_no_failure_of_snow_white(name: str) -> None:
    assert read_error(StepError(name, "The run was stopped.")) == (name, "The run was stopped.")
    assert read_error(StepError("RunFailed", "It broke."))[1].startswith("Snow White itself failed")


@pytest.mark.parametrize(
    ("error", "cause", "who"),
    [
        ("StoppedByPerson", stopped_on_command_line("ann"), "ann"),
        ("StoppedByPerson", stopped_in_slack("Slack user ann.lee (U0ANN)"), "Slack user ann.lee (U0ANN)"),
        ("StoppedByPerson", "because", ""),
        ("Other", stopped_on_command_line("ann"), ""),
        (None, None, ""),
    ],
)
def test_the_cause_of_a_stop_says_who_it_was_if_a_tool_of_snow_white_did_it(
    error: str | None, cause: str | None, who: str
) -> None:
    assert who_stopped(error, cause) == who


def test_the_error_of_a_stopped_run_says_who_and_when_if_it_is_known() -> None:
    end = ExecutionEnd(EXECUTION, "ABORTED", 1_000)
    run = reportable(EndedRun(EXECUTION, stopped_by="ann"), end)
    assert run is not None
    assert run.error == StepError("RunAborted", "The run was stopped by ann.")
    assert run.stopped_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)

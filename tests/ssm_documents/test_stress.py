"""A short run of the stress command."""

from __future__ import annotations

from pathlib import Path

from tests.ssm_documents.stress import run_rounds


def test_under_a_constant_stream_of_jobs_every_job_runs_once_and_none_starts_on_a_quiet_worker(
    tmp_path: Path,
) -> None:
    outcome = run_rounds(2, tmp_path / "stress", print)

    assert outcome.complaint() is None
    assert outcome.jobs["enqueued"] > 100

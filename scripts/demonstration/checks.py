"""What the demo promises, checked against the ledger: a sentence for each promise that was not kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from demonstration.ledger import Ledger
from demonstration.scale_in import ScaledIn


def problems_when_quiet(ledger: Ledger, confirmed_at: Mapping[str, datetime]) -> Iterator[str]:
    """No job may run at the moment of the ledger, and no worker may have started one after it was confirmed.

    `confirmed_at` has the time by host, for all hosts that were reported quiet.
    """
    if ledger.running:
        yield f"{len(ledger.running)} jobs ran when the workers were reported quiet."
    for history in ledger.workers:
        host = history.host
        if host not in confirmed_at:
            continue
        if history.quieted_at is None:
            yield f"{host} was reported quiet, but its worker never got the signal to be quiet."
        if late := ledger.starts_on(host, since=confirmed_at[host]):
            yield f"{host} started {len(late)} jobs after it was confirmed quiet."


def problems_of_a_lease(
    ledger: Ledger, jobs: frozenset[str], wakes_at: datetime, status: str
) -> Iterator[str]:
    """The jobs that came while the workers slept began when they were woken, not before, and that run is confirmed."""
    if early := [start for start in ledger.starts if start.jid in jobs and start.at < wakes_at]:
        yield f"{len(early)} jobs started on workers that had been reported quiet, before these were woken."
    if left := jobs - ledger.finished:
        yield f"{len(left)} jobs are not done, although the workers should have been woken."
    if status != "SUCCEEDED":
        yield f"The wake that nobody asked for ended {status}."


def problems_of_a_scale_in(ledger: Ledger, scaled: ScaledIn, runs: Mapping[str, str]) -> Iterator[str]:
    """The jobs of the instances that have ended were finished by them, and each has had a confirmed run.

    `runs` has the status of the run by instance.
    """
    for instance in sorted(scaled.ended):
        if runs.get(instance) != "SUCCEEDED":
            yield f"{instance} was to be drained, but its run ended {runs.get(instance, 'before it began')}."
    if cut_off := scaled.at_work - ledger.finished:
        yield f"{len(cut_off)} jobs were cut off when their instances were terminated."
    if left := scaled.jobs - ledger.finished - cut_off:
        yield f"{len(left)} jobs that came before the environment was scaled in are not done."


def problems_at_the_end(ledger: Ledger, environment: str, host: str, ssm: Any) -> Iterator[str]:
    """Every job ran exactly once, and the host of the environment that does not match was never touched.

    `ssm` is a boto3 client in the region of the host.
    """
    if not ledger.is_exact:
        yield "The ledger is not exact: a job was lost, killed or run twice."
    histories = [history for history in ledger.workers if history.host == host]
    if len(histories) != 1 or histories[0].quieted_at or histories[0].stopping_at:
        yield f"{environment} does not match, but its worker was touched."
    if ssm.list_commands(InstanceId=host)["Commands"]:
        yield f"{environment} does not match, but a command was sent to it."

"""Quieting on the deployed stack: real Sidekiq on real hosts, and never a word that is not confirmed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from snow_white.judgement.verdict import STARTS_WITHIN
from snow_white.model.action import Action
from tests.workflow.shop import AWAY, HOME, Shop, ended, eventually, verdicts


def test_all_workers_are_quieted_their_jobs_end_by_themselves_and_none_is_taken_anew(shop: Shop) -> None:
    workers = shop.add_environment("workers", instances=2)
    abroad = shop.add_environment("Workers-eu", region=AWAY)
    web = shop.add_environment("web")
    shop.wait_until_up(workers=4)
    shop.enqueue(*[4] * 90)
    eventually(lambda: len(shop.ledger().running) >= 15, "the workers are busy")

    end = ended(shop.run("quiet"))

    assert end.status == "SUCCEEDED"
    assert end.output["counts"] == {"quiet": 3}
    assert end.output["environments"] == sorted([workers, abroad])
    quieted = [*shop.instances(workers), *shop.instances(abroad, AWAY)]
    assert all(title.endswith("stopping") for one in quieted for title in shop.titles(one))
    ledger = shop.ledger()
    lives = {life.worker.host: life for life in ledger.workers}
    for host, region in [(one, HOME) for one in shop.instances(workers)] + [
        (shop.instances(abroad, AWAY)[0], AWAY)
    ]:
        assert lives[host].quieted_at is not None
        confirmed_at = shop.application.confirmed_at(host, region, Action.QUIET.document_name)
        assert ledger.starts_on(host, since=confirmed_at) == ()
    on_quieted = {start.jid for start in ledger.starts if start.worker.host in quieted}
    assert not ledger.running & on_quieted, "only the other environment's worker goes on"
    assert (ledger.killed, ledger.run_twice, ledger.lost) == (frozenset(), frozenset(), frozenset())
    (other,) = shop.instances(web)
    assert not any(title.endswith("stopping") for title in shop.titles(other))
    first, reply = shop.told()
    assert " 3 workers quiet (" in first["text"]
    assert reply["thread_ts"] == first["ts"]
    assert end.output["slack"]["delivered"] is True


def test_a_worker_without_an_agent_is_named_and_the_run_fails(shop: Shop) -> None:
    shop.add_environment("workers")
    lonely = shop.add_environment("workers-lonely", Agent="none")
    shop.wait_until_up(workers=2)
    (instance,) = shop.instances(lonely)

    end = ended(shop.run("quiet"))

    assert (end.status, end.error) == ("FAILED", "NotConfirmed")
    assert verdicts(end) == {instance: "unreachable"}
    assert f"{lonely} {instance} ({HOME}) unreachable: its SSM agent is not registered" in str(end.cause)
    assert end.output["counts"] == {"quiet": 1, "unreachable": 1}
    first, reply = shop.told()
    assert first["text"] == f"❌ {shop.name}: 1 of 2 quiet, 1 unreachable"
    assert instance in str(first["attachments"])
    assert first["text"] in reply["text"]


def test_a_worker_that_is_still_busy_at_the_deadline_is_named_with_its_jobs_and_keeps_them(
    shop: Shop,
) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.hold(2)
    eventually(lambda: len(shop.ledger().running) == 2, "both jobs run")
    (instance,) = shop.instances(environment)

    end = ended(shop.run("quiet", timeout_seconds=60))

    assert (end.status, end.error) == ("FAILED", "NotConfirmed")
    assert verdicts(end) == {instance: "busy"}
    (process,) = end.output["problems"][0]["processes"]
    assert process["busy"] == 2
    assert f"process {process['pid']}" in str(end.cause)
    assert "2 jobs" in str(end.cause)
    assert shop.ledger().running == frozenset(jobs)
    shop.release()
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the jobs have finished by themselves")
    assert shop.ledger().is_exact


def test_an_instance_that_appears_during_the_drain_is_quieted_before_the_others_are_done(shop: Shop) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    (slow,) = shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    (old,) = shop.instances(environment)

    execution = shop.run("quiet")
    eventually(lambda: execution.has_left("DispatchCommand"), "the command was sent")
    shop.application.resize(2, environment, HOME)
    eventually(lambda: len(shop.ledger().workers) == 2, "the new worker started")
    (new,) = set(shop.instances(environment)) - {old}
    eventually(lambda: any(t.endswith("stopping") for t in shop.titles(new)), "the new worker is quieted")
    assert slow in shop.ledger().running
    shop.release()

    end = ended(execution)
    assert end.status == "SUCCEEDED"
    assert end.output["counts"] == {"quiet": 2}


def test_an_instance_that_is_terminated_is_gone_and_no_failure(shop: Shop) -> None:
    environment = shop.add_environment("workers", instances=2)
    shop.wait_until_up(workers=2)
    shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    busy = shop.ledger().starts[0].worker.host

    execution = shop.run("quiet")
    eventually(lambda: execution.has_left("DispatchCommand"), "the command was sent")
    shop.aws.client("ec2", HOME).terminate_instances(InstanceIds=[busy])

    end = ended(execution)
    assert end.status == "SUCCEEDED"
    assert end.output["counts"] == {"quiet": 1, "gone": 1}
    assert shop.instances(environment) != []


def test_environments_that_match_nothing_fail_and_say_what_was_looked_for(shop: Shop) -> None:
    web = shop.add_environment("web")
    end = ended(shop.run("quiet", environments=["wrokers"]))
    assert (end.status, end.error) == ("FAILED", "NothingMatched")
    assert "'wrokers'" in str(end.cause)
    assert web in str(end.cause)
    assert f"{HOME}, {AWAY}" in str(end.cause)
    assert "wrokers" in shop.told()[0]["text"]


@pytest.fixture
def up_for_long() -> None:
    """The hosts have the machine's kernel, and on one that has just booted a worker is still waited for."""
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    time.sleep(max(0.0, STARTS_WITHIN.total_seconds() - uptime))


@pytest.mark.usefixtures("up_for_long")
def test_a_host_without_sidekiq_is_listed_and_does_not_fail_the_run(shop: Shop) -> None:
    shop.add_environment("workers")
    bare = shop.add_environment("workers-bare", Workers="none")
    shop.wait_until_up(workers=1)
    end = ended(shop.run("quiet"))
    assert end.status == "SUCCEEDED"
    assert [(one["environment"], one["verdict"]) for one in end.output["notes"]] == [(bare, "no_worker")]


@pytest.mark.usefixtures("up_for_long")
def test_where_no_worker_is_found_anywhere_the_run_fails(shop: Shop) -> None:
    shop.add_environment("workers", Workers="none")
    shop.wait_until_up(workers=0)
    end = ended(shop.run("quiet"))
    assert (end.status, end.error) == ("FAILED", "NotConfirmed")
    assert "No worker was found" in str(end.cause)


def test_the_same_action_twice_in_a_row_succeeds_both_times(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    assert ended(shop.run("quiet")).status == "SUCCEEDED"
    assert ended(shop.run("quiet")).output["counts"] == {"quiet": 1}
    assert len(shop.ledger().workers) == 1


def test_two_runs_at_once_both_come_to_the_truth(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    shop.enqueue(20)
    eventually(lambda: shop.ledger().running, "the job runs")
    runs = [shop.run("quiet"), shop.run("quiet")]
    assert [ended(one).status for one in runs] == ["SUCCEEDED", "SUCCEEDED"]
    assert shop.ledger().is_exact


def test_lists_that_lag_behind_delay_a_run_and_do_not_fail_it(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    shop.aws.faults.lists(lag_seconds=4, for_seconds=120)
    try:
        end = ended(shop.run("quiet"))
    finally:
        shop.aws.faults.lists()
    assert (end.status, end.output["counts"]) == ("SUCCEEDED", {"quiet": 1})

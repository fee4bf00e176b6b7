"""Waking, stopping and asking on the deployed stack."""

from __future__ import annotations

from tests.workflow.shop import HOME, Shop, ended, eventually, verdicts


def test_from_quiet_over_a_deploy_to_awake_no_job_is_lost_killed_or_run_twice(shop: Shop) -> None:
    environment = shop.add_environment("workers", instances=2)
    shop.wait_until_up(workers=2)
    jobs = shop.enqueue(*[1, 3, 6] * 12)
    eventually(lambda: shop.ledger().running, "jobs run")

    assert ended(shop.run("quiet")).status == "SUCCEEDED"
    assert shop.ledger().running == frozenset()
    shop.application.deploy("v2", environment, HOME)
    shop.wait_until_up(workers=4)
    woken = ended(shop.run("wake"))

    assert woken.status == "SUCCEEDED"
    assert woken.output["counts"] == {"awake": 2}
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the backlog is done")
    assert shop.ledger().is_exact


def test_quiet_workers_are_woken_by_new_processes(shop: Shop) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    assert ended(shop.run("quiet")).status == "SUCCEEDED"
    (job,) = shop.enqueue(1)

    end = ended(shop.run("wake"))

    assert end.status == "SUCCEEDED"
    (instance,) = shop.instances(environment)
    assert not any(title.endswith("stopping") for title in shop.titles(instance))
    eventually(lambda: shop.ledger().finished == {job}, "the woken worker does the job")
    assert len(shop.ledger().workers) == 2


def test_a_quieted_worker_that_still_runs_a_job_at_the_end_of_wake_s_time_is_not_woken_and_the_job_is_unharmed(
    shop: Shop,
) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    assert ended(shop.run("quiet", timeout_seconds=60)).error == "NotConfirmed"

    end = ended(shop.run("wake", timeout_seconds=60))

    assert (end.status, end.error) == ("FAILED", "NotConfirmed")
    (instance,) = shop.instances(environment)
    assert verdicts(end) == {instance: "busy"}
    assert shop.ledger().running == frozenset(jobs)
    shop.release()
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the job has finished by itself")
    assert shop.ledger().is_exact


def test_waking_workers_that_are_awake_leaves_them_alone(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.enqueue(30)
    eventually(lambda: shop.ledger().running, "the job runs")
    assert ended(shop.run("wake")).output["counts"] == {"awake": 1}
    assert len(shop.ledger().workers) == 1
    assert shop.ledger().started == frozenset(jobs)


def test_stopped_workers_stay_down_until_they_are_woken(shop: Shop) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.enqueue(8)
    eventually(lambda: shop.ledger().running, "the job runs")
    (instance,) = shop.instances(environment)

    stopped = ended(shop.run("stop"))

    assert (stopped.status, stopped.output["counts"]) == ("SUCCEEDED", {"stopped": 1})
    assert shop.titles(instance) == []
    assert shop.ledger().finished == frozenset(jobs)
    again = ended(shop.run("stop"))
    assert again.output["counts"] == {"stopped": 1}
    woken = ended(shop.run("wake"))
    assert (woken.status, woken.output["counts"]) == ("SUCCEEDED", {"awake": 1})
    assert len(shop.titles(instance)) == 1
    assert shop.ledger().is_exact


def test_asking_for_the_status_changes_nothing(shop: Shop) -> None:
    shop.add_environment("workers")
    rested = shop.add_environment("workers-rested")
    shop.wait_until_up(workers=2)
    assert ended(shop.run("quiet", environments="workers-rested")).status == "SUCCEEDED"
    jobs = shop.hold(2)
    eventually(lambda: len(shop.ledger().running) == 2, "the jobs run")

    end = ended(shop.run("status"))

    assert end.status == "SUCCEEDED"
    assert end.output["counts"] == {"reported": 2}
    assert end.output["processes"] == {"awake": 1, "quiet": 1}
    states = {host["environment"]: host["processes"][0]["state"] for host in end.output["hosts"]}
    assert states[rested] == "quiet"
    assert len(shop.ledger().workers) == 2
    shop.release()
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the jobs have finished")
    assert shop.ledger().is_exact

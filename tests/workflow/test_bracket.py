"""`snow-white quiet ... -- COMMAND` on the deployed stack, with real workers."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from tests import patience
from tests.snow_white_cli.terminal import running, snow_white
from tests.workflow.shop import HOME, Shop, eventually
from tests.workflow.test_command_line import as_person

# Counts the jobs that run, which are the lists of Redis that the ledger keeps; fails as a broken deploy does.
DEPLOY = """
import sys, redis
from demonstration.ledger import Ledger
print(len(Ledger.read(redis.Redis.from_url(sys.argv[1], decode_responses=True)).running))
sys.exit(7)
"""


def test_a_deploy_that_fails_runs_while_no_job_does_and_the_fleet_wakes_by_itself(shop: Shop) -> None:
    environment = shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.enqueue(*[1, 4] * 8)
    eventually(lambda: shop.ledger().running, "jobs run")
    to = (shop.name, "-e", "workers", "-r", HOME, "--channel", shop.channel, "--timeout", "5m")
    # The command gets the caller's PYTHONPATH, which has the ledger here.
    variables = {**as_person(shop), "PYTHONPATH": ":".join(sys.path)}

    deploy = ("--", sys.executable, "-c", DEPLOY, shop.redis_server.url)
    failed = snow_white("quiet", *to, *deploy, **variables)

    assert failed.returncode == 7, failed.stderr
    assert failed.stdout == "0\n"
    (instance,) = shop.instances(environment)
    assert not any(title.endswith("stopping") for title in shop.titles(instance))
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the backlog is done")
    assert shop.ledger().is_exact
    listed = json.loads(snow_white("runs", "--json", "-n", "100", **as_person(shop)).stdout)
    mine = [(one["action"], one["status"]) for one in listed if one["application"] == shop.name]
    assert mine == [("wake", "SUCCEEDED"), ("quiet", "SUCCEEDED")]


def test_stopped_while_a_job_is_waited_for_it_wakes_the_worker_when_the_job_is_done(
    shop: Shop, tmp_path: Path
) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    jobs = shop.hold()
    eventually(lambda: shop.ledger().running, "the job runs")
    log = tmp_path / "log"

    process = running(log, "quiet", shop.name, "--channel", shop.channel, "--", "true", **as_person(shop))
    eventually(lambda: "0 of 1 instance quiet, until" in log.read_text(), "the job is waited for")
    process.send_signal(signal.SIGTERM)
    eventually(lambda: "0 of 1 instance awake" in log.read_text(), "it waits for the job to wake the worker")
    shop.release()
    patience.eventually(
        lambda: process.poll() is not None, lambda: f"the command ends:\n{log.read_text()}", seconds=600
    )

    shown = log.read_text()
    assert process.returncode == 125, shown
    assert "NOT run, because the workers are not confirmed quiet: true" in shown
    assert f"The workers of {shop.name} are confirmed awake" in shown, shown
    jobs += shop.enqueue(1)
    eventually(lambda: shop.ledger().finished == frozenset(jobs), "the woken worker does the next job")
    assert shop.ledger().is_exact

"""What judging a fleet takes grows with its instances, and no faster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from snow_white.aws.run_command import comment, send
from snow_white.judgement.assessment import assess_all
from snow_white.judgement.host_answer import parse_answer
from snow_white.judgement.snapshot import take_snapshot
from snow_white.model.action import Action
from snow_white.model.fleet import Instance
from snow_white.model.run import Execution, Run
from snow_white.steps.discover import discover
from tests.lambdas.fake_cloud import START, FakeCloud
from tests.lambdas.fake_hosts import quieted
from tests.lambdas.story import request

REGION = "us-east-1"
EXECUTION = Execution("arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1", "night-1", START)


class Counted(tuple[Instance, ...]):
    """Instances that count how often somebody looks through all of them."""

    looks = 0

    def __iter__(self) -> Iterator[Instance]:
        self.looks += 1
        return super().__iter__()


def looks_while_judging(instances: int) -> int:
    cloud: Any = FakeCloud((REGION,))
    for one in cloud[REGION].add_environment("shop", "shop-workers", instances=instances):
        one.answers = [quieted(20)]
    run = Run.planned(EXECUTION, request(regions=(REGION,)), discover(request(regions=(REGION,)), cloud).plan)
    ids = list(cloud[REGION].instances)
    send(cloud.ssm(REGION), Action.QUIET, ids, execution_timeout=3600, comment=comment(EXECUTION, 1))
    cloud.clock.advance(60)
    snapshot = take_snapshot(cloud, run, run.region_plan(REGION), cloud.clock.now)
    counted = Counted(snapshot.instances)
    assessments, _ = assess_all(cloud, replace(snapshot, instances=counted), run, cloud.clock.now)
    assert [one.confirmed for one in assessments] == [True] * instances
    assert len(cloud[REGION].commands) == instances / 50
    return counted.looks


def test_all_instances_are_not_looked_through_again_for_each_command() -> None:
    assert looks_while_judging(1_000) == looks_while_judging(100)


def test_the_texts_of_equal_processes_are_kept_once() -> None:
    line = (
        '{"result": "quiet", "message": "", "processes": [{"pid": %d, "version": "8.0.1", "tag": "shop of all", '
        '"busy": 0, "state": "quiet", "supervisor": "sidekiq@1.service"}]}'
    )
    answers = [parse_answer(line % pid) for pid in range(20)]
    processes = [process for answer in answers if answer for process in answer.processes]
    assert len(processes) == 20
    for name in ("version", "tag", "state", "supervisor"):
        assert len({id(getattr(process, name)) for process in processes}) == 1

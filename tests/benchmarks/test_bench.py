"""./scripts/bench itself: its arguments, the answers of its AWS, its clock, and the page that it writes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from botocore.awsrequest import AWSResponse
from botocore.endpoint import convert_to_response_dict
from botocore.parsers import create_parser

from tests.benchmarks.fleet.__main__ import main
from tests.benchmarks.fleet.ec2_answer import describe_instances
from tests.benchmarks.fleet.figures import Figure, Measured, Table
from tests.benchmarks.fleet.page import write_page
from tests.benchmarks.fleet.prices import smallest_fargate_task
from tests.benchmarks.fleet.schedule import Pool, Schedule
from tests.benchmarks.fleet.walls import walls
from tests.service_model import service_model, wrong_answer


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "1000"], "'1000' is not INSTANCESxREGIONS, such as 1000x5"),
        (["--size", "10x18"], "1 to 17 regions"),
        (["--size", "4x5"], "between one instance a region and 50,000"),
        (["--only", "speed"], "invalid choice: 'speed'"),
        (["--write", "/nowhere"], "--write: /nowhere is no folder"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_a_wrong_argument_is_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_an_instance_is_described_in_about_5_kb_that_botocore_reads_as_ec2_s() -> None:
    instance = {
        "InstanceId": "i-0123456789abcdef0",
        "LaunchTime": 1_772_355_600.0,
        "State": {"Code": 16, "Name": "running"},
        "Tags": [{"Key": "Name", "Value": "worker"}],
    }
    body = describe_instances({"Reservations": [{"Instances": [instance]}], "NextToken": "2"}, large=True)
    assert 4_500 < len(body) < 6_000
    operation = service_model("ec2").operation_model("DescribeInstances")
    response = AWSResponse("https://ec2", 200, {}, None)  # type: ignore[arg-type]
    response._content = body  # type: ignore[attr-defined]
    assert operation.output_shape
    parsed = create_parser("ec2").parse(convert_to_response_dict(response, operation), operation.output_shape)
    parsed.pop("ResponseMetadata")
    assert wrong_answer(operation, parsed) == []
    (read,) = parsed["Reservations"][0]["Instances"]
    assert (read["InstanceId"], read["State"], parsed["NextToken"]) == (
        instance["InstanceId"],
        instance["State"],
        "2",
    )
    assert {"NetworkInterfaces", "BlockDeviceMappings", "MetadataOptions"} <= read.keys()


def test_threads_wait_at_the_same_time_and_no_more_than_there_are_workers() -> None:
    clock = Schedule()
    began = clock.now

    def wait(seconds: float) -> float:
        clock.sleep(seconds)
        return clock.now - began

    with Pool(clock, max_workers=2) as pool:
        ends = list(pool.map(wait, [3.0, 1.0, 1.0, 4.0]))
    assert ends == [3.0, 1.0, 2.0, 6.0]
    assert clock.now - began == 6.0


def test_work_of_several_threads_takes_place_one_after_the_other() -> None:
    clock = Schedule(share=0.001)
    began = clock.now

    def work(_number: int) -> None:
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass

    with Pool(clock, max_workers=2) as pool:
        list(pool.map(work, range(2)))
    assert clock.cpu_seconds >= 0.02
    assert clock.now - began == pytest.approx(clock.cpu_seconds / 0.001, rel=0.1)


def test_the_smallest_task_of_two_hours_costs_two_and_a_half_cents() -> None:
    assert smallest_fargate_task(7200) == pytest.approx(2 * (0.25 * 0.04048 + 0.5 * 0.004445))


def test_the_page_has_the_figures_both_plots_and_the_walls(tmp_path: Path) -> None:
    measured = Measured(
        [Figure("a waiting poll", "1.0 s", "0.5 s")],
        [Table("A waiting poll", ("instances", "poll"), (("10", "0.11 s"),))],
        {"1 regions": [(10, 0.1), (100, 0.3)], "2 h": [(10, 0.02)], "2 h, Fargate": [(10, 0.025)]},
    )
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        write_page(folder, measured, "./scripts/bench")
    page = (first / "benchmarks.md").read_text()
    assert "| a waiting poll | 1.0 s    | 0.5 s    |" in page
    for plot in ("images/benchmark-polls.svg", "images/benchmark-prices.svg"):
        assert f"({plot})" in page
        assert (first / plot).read_bytes() == (second / plot).read_bytes()
        assert (first / plot).stat().st_size < 60_000
    assert all(wall.source in page for wall in walls())

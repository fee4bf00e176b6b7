"""`python -m demonstration [--keep] [--chaos SEED]`: run the scenario, and print what became of every job."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from demonstration.chaos import Chaos
from demonstration.customer import EnvironmentFailed
from demonstration.read_access import let_read
from demonstration.report import print_ledger, print_slack, print_timings
from demonstration.scenario import DemoFailed, Scenario
from demonstration.usage import Usage
from local_aws import LocalAws
from local_aws.hosts.redis_server import RedisServer


def main(keep: bool, chaos_seed: int | None = None) -> int:
    """Run the demo, with faults if there is a seed; returns the exit code: 0 only if every promise was kept."""
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="snow-white-demo-") as folder:
        start = time.monotonic()
        with RedisServer.start(Path(folder)) as redis, LocalAws.start(Path(folder) / "aws") as aws:
            chaos = None if chaos_seed is None else Chaos(aws, chaos_seed, _printing(console))
            scenario = Scenario(aws, redis, console, chaos)
            try:
                ledger, ann = scenario.run()
            except (DemoFailed, EnvironmentFailed) as failed:
                console.print(f"FAILED: {failed}", style="bold red", markup=False)
                return 1
            print_slack(console, aws.slack)
            print_timings(console, scenario.timings, time.monotonic() - start)
            print_ledger(console, ledger)
            for problem in scenario.problems:
                console.print(f"[bold red]PROBLEM: {problem}")
            if not scenario.problems:
                if chaos:
                    console.print(f"{chaos.happened.total()} calls went wrong on purpose.")
                console.print(
                    "[bold green]Every job ran exactly once; the other environment was never touched."
                )
            if keep:
                let_read(aws, "ann")
                console.rule("[bold]Everything runs on until Ctrl-C", align="left")
                machine = aws.outputs["StateMachineArn"]
                usage = Usage(aws.endpoint, str(aws.folder), redis.url, machine, aws.slack.page_url, ann)
                console.print(str(usage), markup=False)
                signal.pause()
    return 1 if scenario.problems else 0


def _printing(console: Console) -> Callable[[str], None]:
    def say(sentence: str) -> None:
        console.print(sentence, markup=False)

    return say


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description="Quiet, deploy and wake workers under load.")
    parser.add_argument("--keep", action="store_true", help="leave it running afterwards")
    parser.add_argument("--chaos", type=int, metavar="SEED", help="with faults that a run must survive")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell starts background processes with this signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main(arguments.keep, arguments.chaos))
    except KeyboardInterrupt:
        sys.exit(130)

"""`python -m demonstration [--keep]`: run the scenario, and print what became of every job."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from demonstration.customer import EnvironmentFailed
from demonstration.report import print_ledger, print_slack, print_timings, print_usage
from demonstration.scenario import DemoFailed, Scenario
from local_aws import LocalAws
from local_aws.hosts.redis_server import RedisServer


def main(keep: bool) -> int:
    """Run the demo; returns the exit code: 0 only if every promise was kept."""
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="snow-white-demo-") as folder:
        start = time.monotonic()
        with RedisServer.start(Path(folder)) as redis, LocalAws.start(Path(folder) / "aws") as aws:
            scenario = Scenario(aws, redis, console)
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
                console.print(
                    "[bold green]Every job ran exactly once; the other environment was never touched."
                )
            if keep:
                print_usage(console, aws, ann)
                signal.pause()
    return 1 if scenario.problems else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A shell starts background processes with this signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main(keep="--keep" in sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

"""Runs random scenarios for a time, and tells every invariant that one breaks as a short story.

    ./scripts/soak SECONDS [--seed N] [--jobs N]

The first scenario has the seed N (1 without it), the next ones N + 1 and so on. With 0 seconds exactly one is run, so
that `./scripts/soak 0 --seed N` replays a violation. The exit code is 1 if an invariant was broken.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import Final

from tests.soak.scenarios.definition import definition
from tests.soak.scenarios.examine import Examined, examine, tell

_SHRINK_SECONDS: Final = 20.0
_STORIES: Final = 12
_SHOWN_SEEDS: Final = 10


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.splitlines()[0])
    parser.add_argument("seconds", type=float, help="how long to run scenarios; 0 runs one")
    parser.add_argument("--seed", type=int, default=1, help="the first scenario's seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    options = parser.parse_args(arguments)
    definition()
    began = time.monotonic()
    found: dict[str, list[int]] = {}
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        examined = list(_examined(pool, options.seed, began + options.seconds, options.jobs))
        for one in examined:
            for violation in one.violations:
                found.setdefault(violation.group, []).append(one.seed)
        _print_figures(examined, time.monotonic() - began)
        _print_violations(pool, found)
    return 1 if found else 0


def _examined(pool: ProcessPoolExecutor, seed: int, until: float, jobs: int) -> Iterator[Examined]:
    running: set[Future[Examined]] = set()
    first = True
    while running or first or time.monotonic() < until:
        while first or (time.monotonic() < until and len(running) < 4 * jobs):
            running.add(pool.submit(examine, seed))
            seed, first = seed + 1, False
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for one in done:
            yield one.result()


def _print_figures(examined: list[Examined], seconds: float) -> None:
    healthy = sum(one.healthy for one in examined)
    hours = sum(one.simulated_seconds for one in examined) / 3600
    ends = Counter(one.status for one in examined)
    injected = sum((one.injected for one in examined), Counter[str]())
    print(
        f"{len(examined)} scenarios in {seconds:.0f} s ({healthy} healthy ones), {hours:,.0f} simulated hours, "
        f"{sum(one.calls for one in examined):,} calls of AWS"
    )
    print("ended:", ", ".join(f"{count} {status}" for status, count in ends.most_common()))
    print(f"{sum(injected.values()):,} faults injected:")
    for kind, count in injected.most_common():
        print(f"  {count:6} {kind}")
    broken = sum(bool(one.violations) for one in examined)
    print(f"{broken} scenarios with violations")


def _print_violations(pool: ProcessPoolExecutor, found: dict[str, list[int]]) -> None:
    for group, seeds in sorted(found.items(), key=lambda pair: -len(pair[1])):
        shown = ", ".join(str(seed) for seed in seeds[:_SHOWN_SEEDS])
        print(f"\n{len(seeds)} x {group} (seeds {shown}{', ...' if len(seeds) > _SHOWN_SEEDS else ''})")
    stories = {
        group: pool.submit(tell, min(seeds), group, _SHRINK_SECONDS)
        for group, seeds in list(found.items())[:_STORIES]
    }
    for group, story in stories.items():
        print(f"\n== {group}")
        print("\n".join(story.result()))
        print(f"  replay: ./scripts/soak 0 --seed {min(found[group])}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

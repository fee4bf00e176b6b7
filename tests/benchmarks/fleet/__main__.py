"""Measures what Snow White costs in calls, CPU, memory, time and money, on fleets of 10 to 10,000 instances.

    ./scripts/bench [--quick] [--only PART]... [--size INSTANCESxREGIONS]... [--write FOLDER]

Without options it measures everything and writes docs/benchmarks.md with its plots. --quick leaves out what takes long
and, as --only and --size do, writes nothing unless --write names a folder.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

from infra.lambda_bundle import ROOT
from tests.benchmarks.fleet import ends
from tests.benchmarks.fleet.figures import Measured, markdown
from tests.benchmarks.fleet.fleet import REGIONS
from tests.benchmarks.fleet.functions import bundled_handlers
from tests.benchmarks.fleet.growth import Size, Start, drain_prices, growth
from tests.benchmarks.fleet.memory import peak_memory
from tests.benchmarks.fleet.page import write_page
from tests.benchmarks.fleet.startup import startup
from tests.benchmarks.fleet.state import churn, worst_mix

_MOST_FOR_DAYS: Final = 1_000  # instances of which two days are simulated
Handlers = Mapping[str, ModuleType]
_PARTS: Final = ("growth", "memory", "prices", "state", "ends", "startup")
_QUICK_SIZES: Final[tuple[Size, ...]] = ((10, 1), (100, 5), (1_000, 5))
_SIZES: Final[tuple[Size, ...]] = tuple(
    (count, regions) for count in (10, 100, 1_000, 10_000) for regions in (1, 5, 17) if regions <= count
)


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    sizes = tuple(options.size) or (_QUICK_SIZES if options.quick else _SIZES)
    began = time.monotonic()
    measured = Measured()
    with bundled_handlers() as handlers:
        for part in _measure(handlers, options.only or _PARTS, sizes, quick=options.quick):
            for table in part.tables:
                print(f"\n## {table.title}\n\n{markdown(table.header, table.rows)}")
                if table.note:
                    print(f"\n{table.note}")
            sys.stdout.flush()
            measured.figures += part.figures
            measured.tables += part.tables
            measured.curves.update(part.curves)
    figures = [(one.name, one.measured, one.target) for one in measured.figures]
    print(f"\n{markdown(('figure', 'measured', 'to reach'), figures)}")
    if folder := _folder(options):
        what = [one for one in arguments if one != "--write" and one != str(options.write)]
        write_page(folder, measured, " ".join(["./scripts/bench", *what]))
    print(f"\nMeasured in {time.monotonic() - began:.0f} s.")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(prog="bench", description=lines[0], allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="only what takes less than three minutes")
    parser.add_argument("--only", action="append", choices=_PARTS, help="measure this part; may be repeated")
    parser.add_argument(
        "--size",
        action="append",
        type=_size,
        default=[],
        metavar="INSTANCESxREGIONS",
        help=f"a fleet for growth and prices, such as 1000x5; up to {len(REGIONS)} regions; may be repeated",
    )
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the page and its plots there")
    options = parser.parse_args(arguments)
    if options.write and not options.write.is_dir():
        parser.error(f"--write: {options.write} is no folder")
    return options


def _folder(options: argparse.Namespace) -> Path | None:
    """Where the page is written: to docs/ after everything was measured, or where one asks for it."""
    if options.write:
        return Path(options.write)
    return None if options.quick or options.only or options.size else ROOT / "docs"


def _size(text: str) -> Size:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"'{text}' is not INSTANCESxREGIONS, such as 1000x5")
    count, regions = int(found[1]), int(found[2])
    if not 1 <= regions <= len(REGIONS) or not regions <= count <= 50_000:
        raise argparse.ArgumentTypeError(
            f"'{text}': 1 to {len(REGIONS)} regions, and between one instance a region and 50,000 in all"
        )
    return count, regions


def _measure(
    handlers: Handlers, parts: tuple[str, ...], sizes: tuple[Size, ...], *, quick: bool
) -> Iterator[Measured]:
    starts: list[Start] = []
    if {"growth", "prices"} & set(parts):
        measured, starts = growth(handlers, sizes)
        yield measured
    if "memory" in parts:
        large = [(count, regions) for count, regions in sizes if count >= 1_000 and regions > 1]
        yield peak_memory(handlers, large if quick else [*large, (50_000, 17)])
    if "prices" in parts:
        few = [start for start in starts if start.fleet.instances <= _MOST_FOR_DAYS]
        yield drain_prices(handlers, few if quick else starts, 2)
        if not quick:
            yield drain_prices(handlers, few, 48)
    if "state" in parts:
        for instances, regions in ((1_000, 5),) if quick else ((10_000, 17), (20_000, 17)):
            yield worst_mix(handlers, instances, regions)
        yield churn(handlers, 2 if quick else 48)
    if "ends" in parts:
        yield from (one() for one in _ends(handlers, quick=quick))
    if "startup" in parts:
        yield startup(synthesizes=not quick)


def _ends(handlers: Handlers, *, quick: bool) -> Iterator[Callable[[], Measured]]:
    many = 1_000 if quick else 10_000
    yield lambda: ends.last_end_to_slack(
        handlers, (20, 300, 600) if quick else (20, 300, 600, 1_800, 7_200), 4 if quick else 12
    )
    yield lambda: ends.dead_instance(handlers, many, 5 if quick else 17)
    yield lambda: ends.without_agent(handlers, many // 10)
    yield lambda: ends.judging(handlers, many)
    yield lambda: ends.throttled_discovery(handlers, many)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

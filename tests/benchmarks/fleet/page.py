"""The page docs/benchmarks.md with its plots."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from infra.lambda_bundle import PYTHON_VERSION, ROOT, python_of_the_functions
from snow_white.version import VERSION
from tests.benchmarks.fleet.deployed import MB_OF_A_CORE, deployed
from tests.benchmarks.fleet.figures import Measured, Table, markdown
from tests.benchmarks.fleet.walls import walls_table

Curves = Mapping[str, Sequence[tuple[int, float]]]
_PACKAGES: Final = ("botocore", "boto3", "aws-lambda-powertools", "cattrs", "slack-sdk")
# Without these the same curves would make another file each time.
_STYLE: Final[Any] = {"svg.hashsalt": "snow-white", "svg.fonttype": "none", "font.size": 9}

# By hand: it is measured on hosts, which the fleet's simulation has none of.
_HOST_COST: Final = Table(
    "What waiting costs a host",
    ("workers of 25 threads, each with a job", "CPU time against 10 workers"),
    (("1", "0.22"), ("10", "1"), ("20", "1.9"), ("100", "8.7")),
    "Side by side, from the start of `quiet` on for about 45 seconds, in which it looks most often. 10 workers take "
    "0.2% of a core. `pytest -s tests/benchmarks/test_host_cost.py` measures it; these figures are of 2026-11-29.",
)


def write_page(folder: Path, measured: Measured, command: str) -> None:
    """Write benchmarks.md and images/benchmark-*.svg into the folder."""
    images = folder / "images"
    images.mkdir(exist_ok=True)
    polls = {name: curve for name, curve in measured.curves.items() if name.endswith("regions")}
    prices = {name: curve for name, curve in measured.curves.items() if name not in polls}
    parts = [_head(command), _figures(measured)]
    if polls:
        _plot(images / "benchmark-polls.svg", polls, "seconds of a waiting poll")
        parts.append("![Seconds of a waiting poll by number of instances](images/benchmark-polls.svg)")
    if prices:
        _plot(images / "benchmark-prices.svg", prices, "US dollars of a drain")
        parts.append("![Price of a drain by number of instances](images/benchmark-prices.svg)")
    for table in [*measured.tables, _HOST_COST, walls_table()]:
        parts.append(f"## {table.title}\n\n{markdown(table.header, table.rows)}")
        if table.note:
            parts.append(table.note)
    (folder / "benchmarks.md").write_text("\n\n".join(parts) + "\n")


def _head(command: str) -> str:
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    setup = deployed()
    python = f"Python {PYTHON_VERSION}" if python_of_the_functions() else "the same Python"
    memory = ", ".join(f"{name} {size} MB" for name, size in setup.memory_mb.items())
    return f"""# Benchmarks

`{command}` has written this page on {datetime.now(UTC):%Y-%m-%d}, of version {VERSION} at {_revision()}.

**How it is measured.** The functions' own code runs with all of botocore, with the data of the bundle; AWS is a
simulation that answers in AWS's page sizes: 5 KB for an instance of EC2, 2.4 KB for what a host says. Counts and bytes
are the same on every machine. Seconds are a model: each call takes 80 ms, the calls of several regions overlap, calls
beyond AWS's rates are throttled, and the CPU time is measured and stretched to the share of a core that the function's
memory gives (memory / {MB_OF_A_CORE} MB). Functions are warm. What TLS and sockets take is not in it. Python looks for
garbage as often as in a function, but not through the objects of the simulation.

**On what.** {_processor()}, {platform.system()}; Python {platform.python_version()}, the functions' imports on
{python}; {packages}. Functions: {memory}; {_architectures()}.

`./scripts/bench --quick` measures the most important figures in about three minutes, and writes nothing."""


def _figures(measured: Measured) -> str:
    rows = [(one.name, one.measured, one.target) for one in measured.figures]
    return f"## Figures and what they are to reach\n\n{markdown(('figure', 'measured', 'to reach'), rows)}"


def _architectures() -> str:
    return ", ".join(sorted(set(deployed().architecture.values())))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _revision() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "an unknown revision"


def _plot(path: Path, curves: Curves, label: str) -> None:
    # Loading it takes seconds, and each process of the tests imports this module.
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 3.4))
        for name, curve in curves.items():
            counts, values = zip(*sorted(curve), strict=True)
            axes.plot(
                counts, values, "--" if "Fargate" in name else "-", marker="o", markersize=3, label=name
            )
        axes.set(xscale="log", yscale="log", xlabel="instances", ylabel=label)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)

"""Peak memory of a poll: its function runs in a process of its own, and asks the simulated AWS through a socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from multiprocessing.connection import Listener
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from infra.lambda_bundle import ROOT
from tests.benchmarks.fleet.cloud import FleetCloud
from tests.benchmarks.fleet.edge import read_request
from tests.benchmarks.fleet.figures import Figure, Measured, Table
from tests.benchmarks.fleet.fleet import Fleet
from tests.benchmarks.fleet.functions import SETTINGS, copied_bundle
from tests.benchmarks.fleet.run import Bench, Run

_TARGETS: Final = {10_000: "200 MB", 50_000: "it runs"}


def peak_memory(handlers: Mapping[str, ModuleType], sizes: Iterable[tuple[int, int]]) -> Measured:
    """Of a poll that waits, and of the one that judges everyone, by number of instances and regions."""
    measured, rows = Measured(), []
    with copied_bundle() as bundle:
        for count, regions in sizes:
            bench = Bench.counting(handlers, has_buckets=False)
            run = bench.run(Fleet(count, regions), lambda functions: len(functions.of("PollCommand")) > 1)
            run.cloud.large = True
            configured = run.deployed.memory_mb["poll_command"]
            waiting = _peak(bundle, run)
            run.cloud.clock.sleep(2 * run.fleet.timeout_seconds)
            judging = _peak(bundle, run)
            name = (
                f"peak memory of a poll, {count:,} instances in {regions} regions: waiting; judging everyone"
            )
            said = f"{waiting:.0f}; {judging:.0f} of {configured} MB"
            measured.figures.append(Figure(name, said, _TARGETS.get(count, "")))
            rows.append((f"{count:,}", str(regions), f"{waiting:.0f}", f"{judging:.0f}", str(configured)))
    header = ("instances", "regions", "waiting: peak MB", "judging everyone: peak MB", "MB of the function")
    note = (
        "After the deadline a poll that remembers nothing reads the answers of all instances, of 2.4 KB each."
    )
    measured.tables.append(Table("Peak memory of a poll", header, tuple(rows), note))
    return measured


def _peak(bundle: Path, run: Run) -> float:
    """MB of the next poll of the run, in a new process."""
    event = {"step": "PollCommand", "run": run.execution.state, "redrives": 0}
    paths = (bundle, ROOT)
    environ = {**os.environ, **SETTINGS, "PYTHONPATH": ":".join(map(str, paths))}
    with tempfile.TemporaryDirectory(prefix="snow-white-bench-") as folder:
        given, socket, said = Path(folder) / "event.json", str(Path(folder) / "aws"), Path(folder) / "log"
        given.write_text(json.dumps({"event": event, "now": run.cloud.clock.now}))
        command = [sys.executable, "-m", "tests.benchmarks.fleet.poll_process", str(given), socket]
        with (
            said.open("w") as log,
            Listener(socket, "AF_UNIX") as listener,
            subprocess.Popen(command, env=environ, stdout=log) as child,
        ):
            with listener.accept() as pipe:
                _answer(pipe, run.cloud)
            child.wait()
        if child.returncode:
            raise RuntimeError(
                f"The poll of {run.fleet.instances:,} instances ended with {child.returncode}."
            )
        return float(said.read_text().splitlines()[-1])


def _answer(pipe: Any, cloud: FleetCloud) -> None:
    while True:
        try:
            url, headers, body = pipe.recv()
        except EOFError:
            return
        reply = cloud(read_request(url, headers, body))
        pipe.send((reply.status, dict(reply.headers), reply.body))

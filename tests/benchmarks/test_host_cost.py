"""What waiting costs a host: 10 processes of 25 threads, quieted and busy, or quieted with a thread that never ends;
and how that grows to 100 processes.

Run it alone for figures that mean something:  pytest tests/benchmarks/test_host_cost.py -s
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import mean

import pytest

from tests.patience import eventually
from tests.ssm_documents.bare_host import BareHost

PROCESSES, THREADS = 10, 25
WINDOW = 40  # seconds; within the first minute, when the script looks most often
ALLOWED = 0.005  # of one core that counts as fast as this one:
COUNTED, COUNTED_IN = 300_000, 0.37  # what bash counts to in so many CPU seconds


def slowness() -> float:
    """How many times longer this machine takes than the one for which the bound is meant; machines differ threefold."""
    before = os.times()
    subprocess.run(["bash", "-c", f"for ((i = 0; i < {COUNTED}; i++)); do :; done"], check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used / COUNTED_IN


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BareHost]:
    with BareHost(tmp_path / "host") as host:
        yield host


def all_told(host: BareHost) -> bool:
    """Whether every worker of the host is quieting."""
    return all("stopping" in title for title in host.workers().values())


def cpu_seconds(host: BareHost) -> float:
    """CPU time of the script that runs on the host, with that of every process it has waited for."""
    for pid, line in host.titles().items():
        if line.startswith("/bin/bash") and "script-" in line:
            stat = Path(f"/proc/{host.init_pid}/root/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


@pytest.mark.parametrize("case", ["busy", "stuck"])
def test_waiting_costs_less_than_half_a_percent_of_a_core(host: BareHost, case: str) -> None:
    for _ in range(PROCESSES):
        host.imitate(size=THREADS, **({"jobs": "1000"} if case == "busy" else {"stuck": 1}))
    pids = host.wait_for_workers(PROCESSES)
    command = host.start("quiet", limit=120)
    eventually(lambda: all("stopping" in host.workers()[pid] for pid in pids), "all were told")

    began, before = time.monotonic(), cpu_seconds(host)
    slow = []
    # The length of a measurement, not a wait for something. What a second of CPU time is worth changes with what else
    # the machine does, so it is measured all the while.
    while time.monotonic() < began + WINDOW:
        slow.append(slowness())
        time.sleep(WINDOW / 10)
    share = (cpu_seconds(host) - before) / (time.monotonic() - began)
    times = max(1.0, mean(slow))
    processes = len(list(Path("/proc").glob("[0-9]*")))
    print(
        f"\n{case}: {share:.3%} of a core that takes {times:.1f} times as long as it should, {before:.2f} s to begin "
        f"with ({processes} processes on the machine)"
    )

    assert command.is_running
    assert 0 < share < ALLOWED * times
    command.kill()


# Forked from one process, since a hundred Ruby programs are too many for a machine. Each is quieted and runs one job.
FORKED = """
count, threads = ARGV.map { |word| Integer(word) }
count.times do
  fork do
    quieted = false
    trap("TSTP") { quieted = true }
    %w[heartbeat scheduler].each { |name| Thread.new { Thread.current.name = name; sleep } }
    idle = Array.new(threads) { Thread.new { Thread.current.name = "processor"; sleep } }.drop(1)
    $0 = "sidekiq 6.4.1 app [1 of #{threads} busy]"
    sleep(0.2) until quieted
    idle.each(&:kill)
    $0 = "sidekiq 6.4.1 app [1 of #{threads} busy] stopping"
    sleep
  end
end
sleep
"""
SIZES = 1, 10, 20, 100


def test_what_waiting_costs_grows_no_faster_than_the_number_of_processes(tmp_path: Path) -> None:
    with ExitStack() as stack:
        hosts = {size: stack.enter_context(BareHost(tmp_path / f"host-{size}")) for size in SIZES}
        for size, host in hosts.items():
            host.popen(["ruby", "-e", FORKED, str(size), str(THREADS)])
            host.wait_for_workers(size)
        for host in hosts.values():
            host.start("quiet", limit=600)
        for host in hosts.values():
            eventually(partial(all_told, host), "all were told")

        # The length of a measurement, not a wait for something. All at once: the machine is as busy for each of them.
        time.sleep(WINDOW)
        used = {size: cpu_seconds(host) for size, host in hosts.items()}

    for size, seconds in used.items():
        print(f"{size} processes: {seconds:.2f} s, {seconds / used[10]:.2f} times what 10 take")
    # Half as much again is what the machine's other work may add.
    assert 0 < used[100] < 1.5 * 10 * used[10]

"""A worker host is a real systemd machine that leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_aws.hosts.host import HostError, Restart, Service
from local_aws.hosts.systemd_host import SystemdHost
from tests.local_aws.starter import starter
from tests.patience import eventually

SLEEPER = ["/usr/bin/sleep", "100000"]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdHost]:
    with SystemdHost.start(tmp_path_factory.mktemp("hosts") / "host", name="ip-10-0-0-7") as host:
        yield host


def test_systemd_is_its_first_process_and_no_unit_has_failed(host: SystemdHost) -> None:
    assert host.read("/proc/1/comm").strip() == "systemd"
    assert host.run(["systemctl", "is-system-running"]).stdout.strip() == "running"


def test_it_has_the_host_name_it_was_given(host: SystemdHost) -> None:
    assert host.run(["hostname"]).stdout.strip() == "ip-10-0-0-7"


def test_it_does_not_start_the_services_of_the_machine(host: SystemdHost) -> None:
    units = host.run(
        ["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend"]
    )
    running = {line.split()[0] for line in units.stdout.splitlines()}
    assert running <= {"systemd-journald.service", "kept.service", "stopped.service"}


def test_a_command_sees_an_empty_input_and_only_the_environment_it_was_given(host: SystemdHost) -> None:
    done = host.run(["sh", "-c", "cat; echo $GIVEN; echo ${HOME-no home}; exit 7"], env={"GIVEN": "yes"})
    assert (done.returncode, done.stdout.split("\n")) == (7, ["yes", "no home", ""])


def test_it_cannot_change_the_settings_of_the_kernel_it_shares(host: SystemdHost) -> None:
    before = Path("/proc/sys/vm/swappiness").read_text()
    done = host.run(["sh", "-c", "echo 1 > /proc/sys/vm/swappiness"])
    assert done.returncode != 0
    assert "Read-only" in done.stderr
    assert Path("/proc/sys/vm/swappiness").read_text() == before


def test_its_systemd_may_neither_set_the_clock_nor_configure_the_shared_network(host: SystemdHost) -> None:
    status = host.read("/proc/1/status")
    bounding = int(next(line for line in status.splitlines() if line.startswith("CapBnd")).split()[1], 16)
    for capability in {"net_admin": 12, "sys_module": 16, "sys_time": 25}.values():
        assert not bounding >> capability & 1


def test_what_it_writes_stays_in_the_host(host: SystemdHost) -> None:
    host.write("/etc/only-inside/file", "inside")
    assert host.run(["cat", "/etc/only-inside/file"]).stdout == "inside"
    assert not Path("/etc/only-inside").exists()


def test_a_service_comes_back_when_it_is_killed_and_keeps_its_environment(host: SystemdHost) -> None:
    environment = {"MIXED": 'a "b" $c %d \\e'}
    host.add_service(Service("kept", SLEEPER, environment=environment, restart=Restart.ALWAYS))
    first = main_pid(host, "kept")
    assert f"MIXED={environment['MIXED']}" in host.read(f"/proc/{first}/environ").split("\0")
    host.run(["kill", "-KILL", first], check=True)
    eventually(lambda: main_pid(host, "kept") not in ("0", first), "the service has come back")


def test_a_stopped_service_stays_down(host: SystemdHost) -> None:
    host.add_service(Service("stopped", SLEEPER))
    host.stop_service("stopped")
    assert host.run(["systemctl", "is-active", "stopped.service"]).stdout.strip() == "inactive"


def test_a_service_has_its_own_cgroup_as_on_a_real_host(host: SystemdHost) -> None:
    host.add_service(Service("kept", SLEEPER))
    cgroups = host.run(["cat", f"/proc/{main_pid(host, 'kept')}/cgroup"]).stdout
    assert "0::/system.slice/kept.service" in cgroups.splitlines()


def test_a_killed_command_takes_the_children_of_its_group_with_it(host: SystemdHost) -> None:
    process = host.popen(["sh", "-c", "sleep 4321 & sleep 4321"])
    eventually(lambda: len(host.run(["pgrep", "-f", "^sleep 4321"]).stdout.split()) == 2, "both sleeps run")
    process.kill_group()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert host.run(["pgrep", "-f", "^sleep 4321"]).stdout == ""


def test_a_command_that_takes_too_long_is_killed_and_named(host: SystemdHost) -> None:
    with pytest.raises(subprocess.TimeoutExpired, match="sleep"):
        host.run(["sleep", "5432"], timeout=0.2)
    assert host.run(["pgrep", "-f", "^sleep 5432"]).stdout == ""


def test_another_process_can_run_commands_in_it_by_its_folder(host: SystemdHost) -> None:
    attached = SystemdHost.attach(host.folder)
    assert attached.run(["hostname"]).stdout.strip() == host.name
    with pytest.raises(HostError, match="no running host"):
        SystemdHost.attach(host.folder.parent / "nothing")


def test_a_private_network_has_a_working_loopback_of_its_own(tmp_path: Path) -> None:
    with SystemdHost.start(tmp_path / "host", network="private") as host:
        listing = host.run(["cat", "/proc/net/dev"]).stdout.splitlines()[2:]
        assert [line.split(":")[0].strip() for line in listing] == ["lo"]
        assert host.run(["sh", "-c", "cat /sys/class/net/lo/operstate; ip -o addr show lo"]).returncode == 0


def test_many_hosts_run_side_by_side_and_leave_nothing_behind(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        hosts = list(
            pool.map(lambda number: SystemdHost.start(tmp_path / f"{number}", name=f"n{number}"), range(6))
        )
    assert [host.run(["hostname"]).stdout.strip() for host in hosts] == [f"n{number}" for number in range(6)]
    hosts[0].stop()
    assert not hosts[0].is_running
    assert hosts[1].is_running
    for host in hosts:
        host.stop()
    assert not list(tmp_path.iterdir())
    assert not any(host.cgroup.exists() for host in hosts)
    assert not any(Path(f"/proc/{host.init_pid}").exists() for host in hosts)


def test_it_uses_few_of_the_inotify_instances_that_all_hosts_share(host: SystemdHost) -> None:
    count = "for fd in /proc/[0-9]*/fd/*; do readlink $fd; done | grep -c inotify"
    assert int(host.run(["sh", "-c", count]).stdout) <= 3


def test_a_host_can_be_ended_from_another_process(tmp_path: Path) -> None:
    with SystemdHost.start(tmp_path / "host") as host:
        SystemdHost.attach(tmp_path / "host").stop()
        assert not host.is_running
        with pytest.raises(HostError, match="not running"):
            host.run(["true"])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_host_ends_with_the_process_that_started_it(tmp_path: Path, how: signal.Signals) -> None:
    program = (
        "import sys; from pathlib import Path; from local_aws.hosts.systemd_host import SystemdHost\n"
        "host = SystemdHost.start(Path(sys.argv[1])); print(host.init_pid, host.cgroup, flush=True)"
    )
    with starter(program, tmp_path / "host") as (process, line):
        init_pid, cgroup = line.split()
        assert Path(f"/proc/{init_pid}").exists()
        process.send_signal(how)
        eventually(lambda: process.poll() is not None, "its starter has ended")
    eventually(lambda: not Path(f"/proc/{init_pid}").exists(), "the host has ended")
    eventually(
        lambda: not Path(cgroup).exists() and not (tmp_path / "host").exists(), "nothing of the host is left"
    )


def test_a_boot_that_fails_gives_its_log_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "a,b"  # a comma separates the options of a mount
    with pytest.raises(HostError, match=r"ended while it booted.*mount"):
        SystemdHost.start(folder)
    assert not folder.exists()


def main_pid(host: SystemdHost, service: str) -> str:
    return host.run(["systemctl", "show", "-p", "MainPID", "--value", service]).stdout.strip()

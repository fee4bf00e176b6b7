"""What wake waits for: what fails to start again is neither called awake nor forgotten."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.command_documents import action_script
from local_aws.hosts.systemd_host import SystemdHost
from tests.ssm_documents.bare_host import BareHost, sidekiq_program
from tests.ssm_documents.systemd_host import ask, wait_for_workers, workers
from tests.ssm_documents.test_units import ALWAYS, add_units, imitation, quiet_by_hand


def test_a_worker_that_fails_for_ever_beside_an_awake_one_is_never_called_awake(
    host: BareHost, tmp_path: Path
) -> None:
    program = sidekiq_program(tmp_path / "bin")
    host.imitate(beat=1)
    host.wait_for_workers(1)
    host.popen(["sh", "-c", f"while :; do ruby {program} boot=5 die=1; sleep 0.2; done"])

    woken = host.ask("wake", limit=150)

    assert woken.summary() == (1, "unconfirmed")
    assert "A worker failed to start" in woken.message


def test_what_did_not_start_again_is_named_and_remembered_while_another_still_works(
    systemd: SystemdHost,
) -> None:
    once = "[Service]\nRestart=no\nExecStart="
    add_units(
        systemd,
        {"idle": once + imitation(tag="idle"), "busy": ALWAYS + imitation(tag="busy", jobs="1000")},
    )
    wait_for_workers(systemd, 2)
    idle, busy = (quiet_by_hand(systemd, tag) for tag in ("idle", "busy"))
    systemd.write("/etc/systemd/system/idle.service", f"{once}/bin/false {imitation(tag='idle')}\n")
    systemd.run(["systemctl", "daemon-reload"], check=True)

    woken = ask(systemd, "wake", limit=120)

    assert woken.summary() == (2, "busy")
    assert list(workers(systemd)) == [busy] != [idle]
    assert "systemd:idle.service did not come back" in woken.message
    assert ask(systemd, "status").states == ["quieting", "stopped"], "the next wake starts it"


def test_a_busy_worker_that_ends_while_others_are_restarted_does_not_end_wake_by_an_error(
    tmp_path: Path,
) -> None:
    functions, _, _ = action_script("wake").rpartition("run_action ")
    script = tmp_path / "wake.sh"
    script.write_text(f"{functions}\ntrap on_exit EXIT\nSTILL_QUIETED[5]=1\nanswer_awake\n")

    ended = subprocess.run(["bash", str(script)], check=False, capture_output=True, text=True)

    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert '"result":"busy"' in ended.stdout


def test_an_awake_worker_beside_one_that_fails_to_start_is_not_called_asleep(systemd: SystemdHost) -> None:
    add_units(systemd, {"fails": f"[Service]\nExecStart={imitation(tag='fails')}\n"})
    wait_for_workers(systemd, 1)
    assert ask(systemd, "stop").summary() == (0, "stopped")
    add_units(systemd, {"awake": ALWAYS + imitation(tag="awake")})
    wait_for_workers(systemd, 1)
    systemd.write("/etc/systemd/system/fails.service", "[Service]\nExecStart=/bin/false sidekiq\n")
    systemd.run(["systemctl", "daemon-reload"], check=True)

    woken = ask(systemd, "wake")

    assert woken.summary() == (1, "unconfirmed")
    assert woken.states == ["awake", "stopped"]
    assert "systemd:fails.service did not come back" in woken.message
    assert "is not awake" not in woken.message

"""A local AWS keeps to its folder and leaves nothing behind, however it ends."""

import os
import signal
from pathlib import Path

import pytest

from local_aws import LocalAws, LocalAwsError
from tests.local_aws.starter import starter
from tests.local_aws.workbench import Workbench
from tests.patience import eventually


def children_of(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == pid and after_name[0] != "Z":
            found.append(int(status.parent.name))
    return found


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_stopping_ends_its_functions_and_removes_its_folder() -> None:
    with LocalAws.start() as aws:
        Workbench.build(aws)
        aws.client("lambda").invoke(FunctionName="workbench", Payload="{}")
        functions = children_of(aws.connection.pid)
        assert functions
        assert aws.folder.stat().st_mode & 0o077 == 0

    assert not aws.folder.exists()
    eventually(
        lambda: all(is_gone(pid) for pid in [aws.connection.pid, *functions]),
        "the server and its functions have ended",
    )
    aws.stop()


def test_it_ends_with_the_process_that_started_it() -> None:
    program = "from local_aws import LocalAws; aws = LocalAws.start(); print(aws.folder, flush=True)"
    with starter(program) as (process, line):
        folder = Path(line)
        server = LocalAws.attach(folder).connection.pid
        process.kill()

    eventually(lambda: is_gone(server), "the server has ended")
    assert not folder.exists()


def test_it_can_be_kept_running_until_a_signal() -> None:
    aws = LocalAws.start()
    aws.keep_running()
    kept = LocalAws.attach(aws.folder)

    assert kept.client("sts").get_caller_identity()["Account"] == aws.account
    os.kill(kept.connection.pid, signal.SIGTERM)
    eventually(lambda: is_gone(kept.connection.pid), "the server has ended")
    assert not kept.folder.exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_removes_its_folder(how: signal.Signals) -> None:
    with LocalAws.start() as aws:
        os.kill(aws.connection.pid, how)

        eventually(lambda: is_gone(aws.connection.pid), "the server has ended")
        assert not aws.folder.exists()


def test_another_process_may_use_it_and_leaves_it_running(aws: LocalAws) -> None:
    with LocalAws.attach(aws.folder) as attached:
        assert attached.client("sts").get_caller_identity()["Account"] == aws.account

    assert aws.client("sts").get_caller_identity()["Account"] == aws.account


def test_there_is_nothing_to_attach_to_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match="no local AWS runs"):
        LocalAws.attach(tmp_path)


def test_two_of_them_are_independent(aws: LocalAws) -> None:
    with LocalAws.start() as other:
        other.client("sns").create_topic(Name="only-there")

        assert len(other.client("sns").list_topics()["Topics"]) == 1
        assert not any("only-there" in each["TopicArn"] for each in aws.client("sns").list_topics()["Topics"])


def test_nothing_listens_beyond_this_machine(aws: LocalAws) -> None:
    sockets = {str(opened.readlink()) for opened in Path(f"/proc/{aws.connection.pid}/fd").iterdir()}
    tables = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    listening = [row[1] for row in tables if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]

    assert len(listening) >= 2
    assert {address.partition(":")[0] for address in listening} == {"0100007F"}


def test_waiting_can_be_made_shorter(aws: LocalAws, workbench: Workbench) -> None:
    aws.set_wait_scale(0.0001)
    try:
        ended = workbench.run({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}})
    finally:
        aws.set_wait_scale(1)

    assert ended["status"] == "SUCCEEDED"

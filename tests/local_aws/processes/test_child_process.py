"""A child process ends when its pipe is closed, by its parent or by the parent's end."""

import subprocess
from pathlib import Path

import pytest

from local_aws.processes.child_process import ChildProcess
from tests.local_aws.starter import starter
from tests.patience import eventually

UNTIL_THE_PIPE_ENDS = ["sh", "-c", 'read -r line; echo "$line" >"$1"', "sh"]


def test_it_runs_until_it_is_ended(tmp_path: Path) -> None:
    child = ChildProcess([*UNTIL_THE_PIPE_ENDS, str(tmp_path / "end")])
    assert not child.has_ended

    child.end()

    assert child.has_ended
    assert (tmp_path / "end").read_text() == "\n"
    child.end()


def test_one_that_ignores_the_end_of_its_pipe_is_killed() -> None:
    child = ChildProcess(["sleep", "1000"])

    with pytest.raises(subprocess.TimeoutExpired):
        child.end(seconds=0.05)

    assert child.has_ended


def test_a_detached_one_gets_the_message(tmp_path: Path) -> None:
    child = ChildProcess([*UNTIL_THE_PIPE_ENDS, str(tmp_path / "end")])

    child.detach(b"go on")

    eventually(lambda: child.has_ended, "it has read its input")
    assert (tmp_path / "end").read_text() == "go on\n"


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import sys; from local_aws.processes.child_process import ChildProcess\n"
        "child = ChildProcess(sys.argv[1:]); print(child.pid, flush=True)"
    )
    with starter(program, *UNTIL_THE_PIPE_ENDS, tmp_path / "end") as (parent, child):
        assert Path(f"/proc/{child}").exists()
        parent.kill()

    eventually((tmp_path / "end").exists, "the child has read the end of its input")

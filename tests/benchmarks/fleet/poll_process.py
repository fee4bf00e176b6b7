"""One poll in a process of its own, as the function runs it: python -m tests.benchmarks.fleet.poll_process EVENT SOCKET

EVENT is a file with the function's event and the moment; the simulated AWS answers at SOCKET. Nothing else of the
benchmarks is imported, so that the process has the memory of the function.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import threading
from datetime import UTC, datetime
from multiprocessing.connection import Client
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.httpsession
from botocore.awsrequest import AWSResponse


def main(given: Path, address: str) -> None:
    """Prints the peak memory in MB as its last line."""
    read = json.loads(given.read_text())
    lock = threading.Lock()
    moment = datetime.fromtimestamp(read["now"], UTC)
    context = SimpleNamespace(
        function_name="poll_command",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:111122223333:function:bench",
        aws_request_id="1",
        get_remaining_time_in_millis=lambda: 300_000,
    )
    with Client(address, "AF_UNIX") as pipe:

        def send(_session: Any, request: Any) -> Any:
            with lock:
                pipe.send((request.url, dict(request.headers), request.body))
                status, headers, body = pipe.recv()
            response: Any = AWSResponse(request.url, status, headers, None)
            response._content = body
            return response

        with mock.patch.object(botocore.httpsession.URLLib3Session, "send", send):
            module: Any = importlib.import_module("poll_command")
            # One poll is measured, at one moment.
            importlib.import_module("snow_white.steps.long_poll").__dict__["LONGEST_PAUSE_SECONDS"] = 0
            module.datetime = SimpleNamespace(now=lambda _zone: moment)
            module.handler(read["event"], context)
    print(_peak_mb())


def _peak_mb() -> float:
    """Of this program alone: what getrusage tells begins with the memory of the process that has started it."""
    (line,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(line) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

"""A server that answers the command line as Step Functions and STS do, with runs that end as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from botocore import xform_name

from tests.fake_client import FakeClient
from tests.snow_white_cli.fake_step_functions import MACHINE, START

_CALLER: Final = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ann</Arn><UserId>AIDA1</UserId>
<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""
_RESULTS: Final = {"quiet": "quiet", "stop": "stopped", "wake": "awake"}


@dataclass
class Run:
    """A run: the request, and how it has ended; "RUNNING" until somebody ends it."""

    arn: str
    request: dict[str, Any]
    status: str = "RUNNING"
    error: str | None = None
    cause: str = ""
    verdict: str = "unconfirmed"

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    def report(self) -> dict[str, Any]:
        result = _RESULTS[self.request["action"]]
        return {
            "result": "confirmed" if self.status == "SUCCEEDED" else "not_confirmed",
            "instances": 2,
            "counts": {result: 2} if self.status == "SUCCEEDED" else {result: 1, self.verdict: 1},
            "duration_seconds": 9,
        }


@dataclass
class FakeRuns(FakeClient, services=("stepfunctions",)):
    """Step Functions. `ends` says for each action how its next runs end at once; without one left, a run goes on.

    An end is "confirmed", "running", "busy" or the name of an error, with which the run fails.
    """

    ends: dict[str, list[str]]
    runs: list[Run] = field(default_factory=list)
    refuse_starts_of: set[str] = field(default_factory=set)

    @property
    def actions(self) -> list[str]:
        return [run.request["action"] for run in self.runs]

    def start_execution(self, **given: Any) -> dict[str, Any]:
        request = json.loads(given["input"])
        if request["action"] in self.refuse_starts_of:
            raise PermissionError
        run = Run(f"{MACHINE.replace(':stateMachine:', ':execution:')}:{given['name']}", request)
        end = self.ends[request["action"]].pop(0)
        if end == "confirmed":
            run.status = "SUCCEEDED"
        elif end == "busy":
            run.status, run.error, run.verdict = "FAILED", "NotConfirmed", "busy"
        elif end != "running":
            run.status, run.error, run.cause = "FAILED", end, f"the cause, after {self._before()}"
        self.runs.append(run)
        return {"executionArn": run.arn, "startDate": START}

    def describe_execution(self, **given: Any) -> dict[str, Any]:
        run = self._run(given["executionArn"])
        described = {
            "executionArn": run.arn,
            "stateMachineArn": MACHINE,
            "status": run.status,
            "startDate": START,
            "input": json.dumps(run.request),
        }
        if run.status == "SUCCEEDED":
            return {**described, "output": json.dumps(run.report())}
        return {**described, "error": run.error, "cause": run.cause} if run.error else described

    def get_execution_history(self, **given: Any) -> dict[str, Any]:
        run = self._run(given["executionArn"])
        sent = run.error in (None, "NotConfirmed", "StoppedByPerson")
        state = {
            "request": run.request,
            **({"dispatched_at": START.isoformat()} if sent else {}),
            **({"report": run.report()} if run.error == "NotConfirmed" else {}),
            "progress": {"confirmed": 1, "instances": 2} if sent else {"confirmed": 0, "instances": 0},
        }
        event = {
            "timestamp": START,
            "type": "TaskStateExited",
            "id": 7,
            "stateExitedEventDetails": {"name": "NotifySlack", "output": json.dumps(state)},
        }
        return {"events": [event]}

    def stop_execution(self, **given: Any) -> dict[str, Any]:
        run = self._run(given["executionArn"])
        run.status, run.error, run.cause = "ABORTED", given["error"], given["cause"]
        return {"stopDate": START}

    def end(self, action: str) -> None:
        """Confirm the newest run of the action."""
        [run for run in self.runs if run.request["action"] == action][-1].status = "SUCCEEDED"

    def _run(self, arn: str) -> Run:
        (run,) = [one for one in self.runs if one.arn == arn]
        return run

    def _before(self) -> str:
        return self.runs[-1].name if self.runs else "nothing"


@contextmanager
def serving(**ends: list[str]) -> Iterator[tuple[FakeRuns, dict[str, str]]]:
    """The runs, and the environment variables with which the command line reaches them."""
    runs = FakeRuns(ends)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            if not operation:
                self._answer(200, "text/xml", _CALLER)
                return
            try:
                found = getattr(runs, xform_name(operation))(**json.loads(body))
            except PermissionError:
                denied = {"__type": "AccessDeniedException", "message": "not authorized"}
                self._answer(400, "application/x-amz-json-1.0", json.dumps(denied))
                return
            self._answer(200, "application/x-amz-json-1.0", json.dumps(found, default=datetime.timestamp))

        def _answer(self, status: int, kind: str, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield (
                runs,
                {
                    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
                    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
                    "AWS_SECRET_ACCESS_KEY": "secret",
                    "SNOW_WHITE_STATE_MACHINE_ARN": MACHINE,
                },
            )
        finally:
            server.shutdown()
            thread.join()

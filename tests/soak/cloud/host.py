"""The truth of one worker host: its Sidekiq processes and their jobs, and what the documents' scripts do to them.

The scripts are modelled as ssm_documents/ has them: exit codes, the JSON line, one command at a time, joining.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from random import Random
from typing import Any, Final

from tests.soak.cloud.clock import START
from tests.soak.cloud.timeline import Remembered, Timeline

# Two looks 12 s apart, and what they take: 12.1 to 12.7 s from the last job's end to the script's, on the real Sidekiqs
# of tests/ssm_documents/.
_PROOF_SECONDS: Final = 13
_BOOT_SECONDS: Final = 12
_NEVER: Final = float("inf")
_BUSY: Final = 2
_WORTH_GOING_ON: Final = 15  # seconds that a joined command must have left when the first one's time is over


class State(StrEnum):
    """Of one Sidekiq process; `draining` takes no new job and runs its last one until a known moment."""

    AWAKE = "awake"
    DRAINING = "draining"
    QUIET = "quiet"
    STOPPED = "stopped"
    ABSENT = "absent"


@dataclass
class Worker:
    pid: int
    state: State
    last_job: float  # seconds that the job still runs which it has when it is quieted
    busy_until: float = 0.0


@dataclass
class Script:
    """One run of a document's script; `ends` is called once with the exit code and the JSON line."""

    action: str
    began: float
    deadline: float
    ends: Callable[[int, str], None]
    rests_since: float | None = None
    ended: bool = False


@dataclass
class Host:
    """Its workers, and the scripts that run on it.

    Attributes:
        truth: the states of all workers, with their past.
        disturbed: when somebody else restarted workers, or they ended by themselves.
    """

    timeline: Timeline
    random: Random
    workers: list[Worker]
    truth: Remembered[tuple[State, ...]] = field(default_factory=Remembered)
    disturbed: list[float] = field(default_factory=list)
    holder: Script | None = None
    joined: list[Script] = field(default_factory=list)
    down: bool = False
    booted_at: float = START - 86_400.0

    def __post_init__(self) -> None:
        self._note()

    def run(self, action: str, limit: int, ends: Callable[[int, str], None]) -> Script:
        """Start a document's script, which may run for so many seconds."""
        margin = max(10, min(60, limit // 30))
        script = Script(action, self.timeline.now, self.timeline.now + limit - margin, ends)
        if action == "status":
            quiet = any(one.state is State.QUIET for one in self.workers)
            self.timeline.after(14 if quiet else 2, lambda: self._report(script))
        elif self.holder is None:
            self._begin(script)
        elif self.holder.action == action:
            self.joined.append(script)
            self.timeline.at(script.deadline, lambda: self._give_up(script))
        else:
            message = f"A {self.holder.action} command (process 1) is at work on this host, so {action} did nothing."
            end = partial(self._end, script, 1, "unconfirmed", message, listed=False, again=True)
            self.timeline.after(1, end)
        return script

    def kill(self, script: Script) -> None:
        """End a script without an answer, as CancelCommand does; whoever joined it begins anew."""
        if script.ended:
            return
        script.ended = True
        self._release(script)

    def restart_workers(self) -> None:
        """A deploy, a person or a supervisor: every worker is a new process that takes jobs."""
        self.disturbed.append(self.timeline.now)
        for worker in self.workers:
            worker.pid += 1000
            worker.state, worker.last_job = State.AWAKE, min(worker.last_job, self.random.uniform(0, 20))
        self._changed()

    def lose_workers(self) -> None:
        """Every worker ends at once, as at a shutdown."""
        self.disturbed.append(self.timeline.now)
        for worker in self.workers:
            worker.state = State.ABSENT
        self._note()

    def shut_down(self) -> None:
        self.lose_workers()
        self.down = True
        self.booted_at = self.timeline.now  # or a little later
        for script in [self.holder, *self.joined]:
            if script:
                script.ended = True
        self.holder, self.joined = None, []

    def boot(self) -> None:
        self.down = False
        self.restart_workers()

    def busy(self, worker: Worker) -> int:
        match worker.state:
            case State.AWAKE:
                return 1 + worker.pid % 3
            case State.DRAINING:
                return 1
        return 0

    def _begin(self, script: Script) -> None:
        self.holder = script
        self.timeline.at(script.deadline, lambda: self._give_up(script))
        if script.action == "wake":
            self._wake(script)
        else:
            self.timeline.after(1, self._changed)

    def _changed(self) -> None:
        """Workers came, went or came to rest: what holds the host looks again."""
        script = self.holder
        if script and script.action in ("quiet", "stop"):
            self._quiet_all()
            self._look(script)
        elif script:
            self._wake(script)
        self._note()

    def _quiet_all(self) -> None:
        now = self.timeline.now
        for worker in self.workers:
            if worker.state is State.AWAKE:
                worker.busy_until = now + worker.last_job
                worker.state = State.DRAINING if worker.last_job > 0 else State.QUIET
                if worker.state is State.DRAINING and worker.busy_until < _NEVER:
                    self.timeline.at(worker.busy_until, partial(self._rest, worker, worker.pid))

    def _rest(self, worker: Worker, pid: int) -> None:
        if worker.pid == pid and worker.state is State.DRAINING:
            worker.state = State.QUIET
            self._changed()

    def _look(self, script: Script) -> None:
        rests = all(one.state not in (State.AWAKE, State.DRAINING) for one in self.workers)
        if not rests:
            script.rests_since = None
            return
        now = self.timeline.now
        script.rests_since = now
        there = [one for one in self.workers if one.state is State.QUIET]
        self.timeline.after(_PROOF_SECONDS if there else 6, lambda: self._prove(script, now))

    def _prove(self, script: Script, since: float) -> None:
        if script.ended or script.rests_since != since or self.holder is not script:
            return
        there = [one for one in self.workers if one.state is State.QUIET]
        stopped = [one for one in self.workers if one.state is State.STOPPED]
        if not there and not stopped:
            self._end(script, 3, "no_worker", "No Sidekiq process on this host.")
        elif script.action == "quiet":
            self._end(script, 0, "quiet", f"{len(there)} processes proven quiet.")
        else:
            for worker in there:
                worker.state = State.STOPPED
            self._note()
            self._end(script, 0, "stopped", "Stopped, and nothing is left that could run a job.")

    def _wake(self, script: Script) -> None:
        if all(one.state is State.ABSENT for one in self.workers):
            self.timeline.after(
                14, lambda: self._end(script, 3, "no_worker", "No Sidekiq process on this host.")
            )
            return
        proof = _PROOF_SECONDS if any(one.state is State.QUIET for one in self.workers) else 1
        self.timeline.after(proof, lambda: self._restart(script))

    def _restart(self, script: Script) -> None:
        if script.ended:
            return
        for worker in self.workers:
            if worker.state in (State.QUIET, State.STOPPED):
                worker.pid += 1000
                worker.state, worker.last_job = State.AWAKE, self.random.uniform(0, 20)
        self._note()
        self.timeline.after(_BOOT_SECONDS, lambda: self._say_awake(script))

    def _say_awake(self, script: Script) -> None:
        if any(one.state in (State.DRAINING, State.QUIET) for one in self.workers):
            return  # it waits for the jobs, and then for the proof
        if all(one.state in (State.AWAKE, State.ABSENT) for one in self.workers):
            self._end(script, 0, "awake", f"{len(self.workers)} processes awake.")
        else:
            self._end(script, 1, "unconfirmed", "Not confirmed awake.")

    def _report(self, script: Script) -> None:
        if any(one.state is not State.ABSENT for one in self.workers):
            self._end(script, 0, "reported", f"{len(self.workers)} processes with a Sidekiq title.")
        else:
            self._end(script, 3, "no_worker", "No Sidekiq process on this host.")

    def _give_up(self, script: Script) -> None:
        if not script.ended:
            self._end(script, _BUSY, "busy", "Jobs are still running.")

    def _end(
        self,
        script: Script,
        code: int,
        result: str,
        message: str,
        *,
        listed: bool = True,
        again: bool = False,
    ) -> None:
        if script.ended:
            return
        script.ended = True
        at_work = (
            {"at_work": self.holder.action if self.holder else "none"} if script.action == "status" else {}
        )
        tried = {"again": True} if again else {}
        up = {"up": int(self.timeline.now - self.booted_at)} if result == "no_worker" else {}
        processes = self._processes() if listed else []
        said = {
            "result": result,
            "processes": processes,
            "omitted": 0,
            **tried,
            **at_work,
            **up,
            "message": message,
        }

        def line(answering: Script) -> str:
            return json.dumps({**said, "took": int(self.timeline.now - answering.began)})

        joined = self.joined if script is self.holder else []
        script.ends(code, line(script))
        if script in self.joined:
            self.joined.remove(script)
        for other in joined:
            if code == _BUSY and other.deadline - self.timeline.now > _WORTH_GOING_ON:
                continue
            if not other.ended:
                other.ended = True
                other.ends(code, line(other))
        if joined:
            self.joined = [other for other in joined if not other.ended]
        if self.holder is script:
            self.holder = None
            if self.joined:
                self._begin(self.joined.pop(0))

    def _release(self, script: Script) -> None:
        if script in self.joined:
            self.joined.remove(script)
        if self.holder is script:
            self.holder = None
            if self.joined:
                self._begin(self.joined.pop(0))

    def _processes(self) -> list[dict[str, Any]]:
        words = {State.DRAINING: "quieting"}
        return [
            {
                "pid": one.pid,
                "version": "7.3.10",
                "tag": "shop",
                "busy": self.busy(one),
                "state": words.get(one.state, one.state.value),
                "supervisor": "systemd worker.service",
            }
            for one in self.workers
            if one.state is not State.ABSENT
        ]

    def _note(self) -> None:
        self.truth.set(self.timeline.now, tuple(one.state for one in self.workers))


def is_quiet(states: tuple[State, ...]) -> bool:
    """Whether nothing on the host runs a job or takes one."""
    return all(one not in (State.AWAKE, State.DRAINING) for one in states)


def is_stopped(states: tuple[State, ...]) -> bool:
    return all(one in (State.STOPPED, State.ABSENT) for one in states)


def is_awake(states: tuple[State, ...]) -> bool:
    return all(one in (State.AWAKE, State.ABSENT) for one in states) and State.AWAKE in states

"""How a run may end under a fault, in the words of docs/faults.md."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tests.soak.cloud.slack import DEFAULT_CHANNEL, NAMED_CHANNEL


@dataclass(frozen=True)
class Outcome:
    """One way to end.

    Attributes:
        title: what the cells of the page say.
        error: of the execution; "" for none.
        names: what the execution's cause and the message in Slack must contain.
        place: where they hear of it: the channel that the request names, or that of the settings.
        told: whether somebody hears of the end in Slack; if nobody does, the report says why.
        sends: False: nothing may have been sent to any host.
        missing: the instances that need no confirmation.
        see, do: for the page: what one sees, and what one does.
    """

    title: str
    status: str
    error: str = ""
    names: tuple[str, ...] = ()
    told: bool = True
    place: str = NAMED_CHANNEL
    sends: bool = True
    missing: tuple[str, ...] = ()
    see: str = ""
    do: str = ""

    def of(self, *names: str) -> Outcome:
        """The same outcome, with what must be named."""
        return replace(self, names=names)


CONFIRMED: Final = Outcome(
    "confirmed",
    "SUCCEEDED",
    see="The run succeeds, later than without the fault. Every running instance is confirmed.",
    do="Nothing.",
)
CONFIRMED_UNTOLD: Final = replace(
    CONFIRMED,
    title="confirmed, nobody told",
    told=False,
    see="The run succeeds. No message about the end arrives; `slack` in the execution's output says why.",
    do="Repair what `slack` names: the token, the channel or the function's permission.",
)
CONFIRMED_ELSEWHERE: Final = replace(
    CONFIRMED,
    title="confirmed, told elsewhere",
    place=DEFAULT_CHANNEL,
    see="The run succeeds. The end is told to the requester directly, or in the channel of the settings; `slack` in "
    "the execution's output says what Slack refused.",
    do="Correct the channel in the request, or add the Slack app to it.",
)
UNSEEN: Final = replace(
    CONFIRMED,
    title="confirmed without them",
    missing=("i-1", "i-2"),
    see="The run succeeds. The instances that EC2 did not show from the start of the run to its end are not in the "
    "report. Snow White cannot know of them.",
    do="Compare the number of instances in the start message with what you expect.",
)
WITHOUT_WORKERS: Final = replace(
    CONFIRMED,
    title="confirmed, listed as `no_worker`",
    missing=("i-1",),
    see="The run succeeds, but the host answered before its workers had started again. A note in the report lists it "
    "as `no_worker`.",
    do="Run the action again when its workers are there.",
)
GONE: Final = replace(
    CONFIRMED,
    title="confirmed, the instance gone",
    missing=("i-1",),
    see="The run succeeds as soon as EC2 says that the instance has ended. If a command was sent to it, a note in the "
    "report lists it as `gone`.",
    do="Nothing.",
)
REGION_UNAVAILABLE: Final = Outcome(
    "`RegionUnavailable`",
    "FAILED",
    "RegionUnavailable",
    names=("eu-west-1",),
    sends=False,
    see="The start message says which region is waited for. After five minutes the run fails with "
    "`RegionUnavailable` and the region's error. Nothing was sent to any host, in no region.",
    do="Look at the AWS Health Dashboard; start the run again when the region answers.",
)
REGION_REFUSED: Final = Outcome(
    "`RegionRefused`",
    "FAILED",
    "RegionRefused",
    names=("eu-west-1",),
    sends=False,
    see="After a minute the run fails with `RegionRefused`, the region and the call. Nothing was sent to any host.",
    do="Correct the permission, deploy again, then start the run again.",
)
NOTHING_MATCHED: Final = Outcome(
    "`NothingMatched`",
    "FAILED",
    "NothingMatched",
    names=("eu-west-1",),
    sends=False,
    see="The run fails at once with `NothingMatched` and the region without a match. Nothing was sent to any host.",
    do="Check the names; if they are right, start the run again.",
)
REGION_NOT_CONFIRMED: Final = Outcome(
    "`NotConfirmed`, the region named",
    "FAILED",
    "NotConfirmed",
    names=("eu-west-1", "unreachable"),
    see="The run goes on in the other regions, and waits for this one until its time limit; for one that refuses, "
    "five minutes. Then it fails with `NotConfirmed`; the region comes first in the list, with its error.",
    do="Assume that the region's workers take jobs. When the region answers, run the action again.",
)
UNREACHABLE: Final = Outcome(
    "`NotConfirmed`, `unreachable`",
    "FAILED",
    "NotConfirmed",
    names=("i-1", "unreachable"),
    see="The run fails with `NotConfirmed` and lists the instance as `unreachable`, with the reason. A silent agent is "
    "waited for for ten minutes, and served if it comes back.",
    do="Repair or terminate the instance, then run the action again.",
)
UNCONFIRMED: Final = Outcome(
    "`NotConfirmed`, `unconfirmed`",
    "FAILED",
    "NotConfirmed",
    names=("i-1", "unconfirmed"),
    see="The run fails with `NotConfirmed` and lists the instance as `unconfirmed`, with what was wrong.",
    do="Assume that its workers take jobs. Read the command's output, then run the action again.",
)
BUSY: Final = Outcome(
    "`NotConfirmed`, `busy`",
    "FAILED",
    "NotConfirmed",
    names=("i-1", "busy"),
    see="At its time limit the run fails with `NotConfirmed` and lists the instance as `busy`, with the number of "
    "jobs. No job was killed.",
    do="Wait for the jobs, then run the action again with a longer `timeout_seconds`.",
)
OPPOSITE: Final = Outcome(
    "`OppositeRunUnderWay`",
    "FAILED",
    "OppositeRunUnderWay",
    names=("other",),
    sends=False,
    see="The run fails at once with `OppositeRunUnderWay` and names the other run. Nothing was sent to any host.",
    do="Wait for the other run, or stop it with the command in the message.",
)
STEP_FAILED: Final = Outcome(
    "FAILED, the function's error",
    "FAILED",
    see="After seven attempts in two to five minutes (longer for a function that hangs) the run fails with the error "
    "that Lambda gives, such as `Runtime.ExitError`. Nothing is confirmed, and commands that go on are cancelled.",
    do="Read the log of the step's function; run `status` to see what the workers do.",
)
STOPPED: Final = Outcome(
    "ABORTED",
    "ABORTED",
    see="The execution is ABORTED. Within seconds its commands are cancelled and Slack is told. No job is killed.",
    do="Run `status`. Run `wake` if workers were quieted.",
)
STOPPED_UNTOLD: Final = replace(
    STOPPED,
    title="ABORTED, nobody told",
    told=False,
    see="The execution is ABORTED, and no message arrives. If `close_run` itself did not work, the commands on the "
    "hosts go on until the run's time limit.",
    do="Read the log of `close_run`; run `status`. Cancel the commands in Systems Manager, Run Command, if they go on.",
)
_ELSEWHERE: Final = "The end is told to the requester directly, or in the channel of the settings."
STOPPED_ELSEWHERE: Final = replace(
    STOPPED,
    title="ABORTED, told elsewhere",
    place=DEFAULT_CHANNEL,
    see=f"{STOPPED.see} {_ELSEWHERE}",
    do=f"{STOPPED.do} Correct the channel in the request, or add the Slack app to it.",
)
DIED: Final = Outcome(
    "FAILED, died",
    "FAILED",
    "States.Runtime",
    see="Step Functions itself ended the execution, outside its own path. Within seconds its commands are cancelled "
    "and Slack is told. No job is killed.",
    do="Run `status`. Run `wake` if workers were quieted.",
)
DIED_UNTOLD: Final = replace(
    DIED,
    title="FAILED, died, nobody told",
    told=False,
    see="Step Functions itself ended the execution, and no message arrives. If `close_run` itself did not work, the "
    "commands on the hosts go on until the run's time limit.",
    do=STOPPED_UNTOLD.do,
)
DIED_ELSEWHERE: Final = replace(
    DIED, title="FAILED, died, told elsewhere", place=DEFAULT_CHANNEL, see=f"{DIED.see} {_ELSEWHERE}"
)
ALL: Final = (
    CONFIRMED,
    CONFIRMED_ELSEWHERE,
    CONFIRMED_UNTOLD,
    GONE,
    WITHOUT_WORKERS,
    UNSEEN,
    REGION_UNAVAILABLE,
    REGION_REFUSED,
    NOTHING_MATCHED,
    OPPOSITE,
    REGION_NOT_CONFIRMED,
    UNREACHABLE,
    UNCONFIRMED,
    BUSY,
    STEP_FAILED,
    STOPPED,
    STOPPED_ELSEWHERE,
    STOPPED_UNTOLD,
    DIED,
    DIED_ELSEWHERE,
    DIED_UNTOLD,
)
"""In the order in which the page explains them."""

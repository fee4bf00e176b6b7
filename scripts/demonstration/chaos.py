"""A mix of faults for each run of the demo, the same for the same seed, that a run must survive.

All faults pass: a run may take longer, or say that something is not confirmed. None of them ends a job.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from local_aws import LocalAws
from local_aws.faults.rules import Answer, CallFault, Failure, FunctionFault

Instance = tuple[str, str]
"""Region and instance id."""

_FAULTY_SECONDS: Final = 60.0
_ANY_CALL: Final[tuple[Answer, ...]] = ("throttled", "error", "reset", "html", "truncated", "slow")
_ANY_LIST: Final[tuple[Answer, ...]] = (*_ANY_CALL, "stale", "rows_doubled")
_ANSWERS: Final[dict[tuple[str, str], tuple[Answer, ...]]] = {
    ("ssm", "SendCommand"): ("throttled", "error", "reset", "html"),
    ("ssm", "ListCommands"): (*_ANY_LIST, "row_missing"),
    ("ssm", "ListCommandInvocations"): (*_ANY_LIST, "row_missing"),
    ("ssm", "DescribeInstanceInformation"): _ANY_LIST,
    ("ec2", "DescribeInstances"): (*_ANY_LIST, "row_missing"),
    ("elasticbeanstalk", "DescribeEnvironments"): (*_ANY_CALL, "rows_doubled"),
}
_STEPS: Final = ("DiscoverInstances", "DispatchCommand", "PollCommand", "NotifySlack")
_FAILURES: Final[tuple[Failure, ...]] = ("crash_before", "crash_after", "timeout", "called_twice")
_SLACK_FAILURES: Final = ("rate_limited", "error", "down", "message_not_found")


@dataclass(frozen=True)
class Mix:
    """The faults of one run; `calls` are those of calls to AWS, `slack` is how two calls to Slack fail."""

    calls: tuple[CallFault, ...]
    functions: tuple[FunctionFault, ...]
    slack: str
    agent_dies: Instance
    loses_a_command: Instance
    gets_commands_twice: Instance
    lag_seconds: float
    repeats_rows: bool

    def sentences(self) -> list[str]:
        """What is going to happen, for the person who watches."""
        calls = [
            f"{each.chance:.0%} of {each.service} {each.action}: {each.answer.replace('_', ' ')}"
            f"{', after the work was done' if each.after_effect else ''}"
            for each in self.calls
        ]
        functions = [f"{each.function}: {each.failure.replace('_', ' ')} once" for each in self.functions]
        return [
            *calls,
            *functions,
            f"Slack: {self.slack.replace('_', ' ')} twice",
            f"the agent of {self.agent_dies[1]} is dead for 15 seconds",
            f"a command to {self.loses_a_command[1]} is lost",
            f"commands to {self.gets_commands_twice[1]} are delivered twice",
            f"Run Command's lists are {self.lag_seconds:.0f} seconds behind"
            f"{' and repeat rows' if self.repeats_rows else ''}",
            "AWS's own throttling",
        ]


def mix(seed: int, act: str, instances: Sequence[Instance]) -> Mix:
    """The faults of the act (the run's action) on these instances, by the seed."""
    choose = random.Random(f"{seed} {act}")  # noqa: S311  # it is to be repeatable
    actions = choose.sample(sorted(_ANSWERS), k=4)
    return Mix(
        calls=tuple(_call_fault(choose, *action) for action in actions),
        functions=tuple(
            FunctionFault(function=step, failure=choose.choice(_FAILURES), skip=choose.randrange(2))
            for step in choose.sample(_STEPS, k=2)
        ),
        slack=choose.choice(_SLACK_FAILURES),
        agent_dies=choose.choice(instances),
        loses_a_command=choose.choice(instances),
        gets_commands_twice=choose.choice(instances),
        lag_seconds=choose.uniform(1, 5),
        repeats_rows=choose.random() < 0.5,
    )


def _call_fault(choose: random.Random, service: str, action: str) -> CallFault:
    answer = choose.choice(_ANSWERS[service, action])
    fault = CallFault(
        service=service,
        action=action,
        answer=answer,
        calls=None,
        chance=choose.uniform(0.1, 0.3),
        seed=choose.randrange(1_000_000),
        for_seconds=_FAULTY_SECONDS,
        seconds=choose.uniform(1, 4),
        spares_root=True,
    )
    may_be_done = answer in ("error", "reset", "html")
    return replace(fault, after_effect=may_be_done and choose.random() < 0.5)


@dataclass
class Chaos:
    """Turns the faults of each act on and off. `happened` counts what went wrong, over all acts."""

    aws: LocalAws
    seed: int
    say: Callable[[str], object]
    happened: Counter[str] = field(default_factory=Counter)

    def begin(self, act: str, instances: Sequence[Instance]) -> None:
        """Turn the act's faults on, and say which."""
        faults = mix(self.seed, act, instances)
        self.say(f"What goes wrong during {act}, by seed {self.seed}:")
        for sentence in faults.sentences():
            self.say(f"  {sentence}")
        switches = self.aws.faults
        for call in faults.calls:
            switches.add(call)
        for function in faults.functions:
            switches.add(function)
        switches.throttle_like_aws()
        switches.lists(
            lag_seconds=faults.lag_seconds, repeats_rows=faults.repeats_rows, for_seconds=_FAULTY_SECONDS
        )
        switches.agent_dies(*faults.agent_dies, for_seconds=15)
        switches.commands_lost(*faults.loses_a_command)
        switches.commands_delivered_twice(*faults.gets_commands_twice, commands=3)
        edits_only = "chat.update" if faults.slack == "message_not_found" else ""
        self.aws.slack.fail_next(2, faults.slack, method=edits_only)

    def end(self) -> None:
        """Turn everything off, and say how much went wrong."""
        counts = Counter(_name(each) for each in self.aws.faults.happened())
        self.aws.faults.clear()
        self.happened += counts
        listed = ", ".join(f"{count} of {name}" for name, count in sorted(counts.items()))
        self.say(f"{counts.total()} calls went wrong: {listed or 'none'}.")


def _name(call: dict[str, Any]) -> str:
    return str(call.get("action") or call["function"])

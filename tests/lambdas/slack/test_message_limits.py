"""Whatever a run and its report contain, its message stays within Slack's limits."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from local_aws.slack.limits import check
from snow_white.model.action import Action
from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.progress import Progress
from snow_white.model.slack_state import Requester
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stragglers import Straggler, Stragglers
from snow_white.model.verdict import Verdict
from snow_white.slack.message import Message, final_message, final_reply, working_message
from snow_white.slack.text import length
from tests.lambdas.fake_cloud import START
from tests.lambdas.slack.test_message import ended, read, run
from tests.lambdas.story import request

LETTERS: Final = st.text(max_size=30) | st.text(alphabet="&<>`😀*_\n", max_size=30)
TEXTS: Final = st.builds(
    lambda letters, times: letters * times, LETTERS, st.sampled_from([1, 1, 2, 30, 1_000])
)
COUNTS: Final = st.integers(0, 10**7)
PROCESSES: Final = st.lists(
    st.fixed_dictionaries({"pid": COUNTS, "tag": TEXTS, "busy": COUNTS, "state": st.just("quieting")}),
    max_size=5,
)
PROBLEMS: Final = st.lists(
    st.fixed_dictionaries(
        {
            "region": TEXTS,
            "environment": TEXTS,
            "instance": TEXTS,
            "verdict": st.sampled_from([one.value for one in Verdict]),
            "reason": TEXTS,
            "processes": PROCESSES,
        }
    ),
    max_size=30,
).flatmap(lambda some: st.sampled_from([some, some * 3]))
ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | COUNTS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
)
REPORTS: Final = st.fixed_dictionaries(
    {
        "result": st.sampled_from(["confirmed", "not_confirmed"]),
        "error": st.none() | TEXTS,
        "cause": st.none() | TEXTS,
        "action": ANYTHING | st.sampled_from(list(Action)),
        "application": ANYTHING,
        "environments": ANYTHING | st.lists(TEXTS, max_size=60),
        "regions": ANYTHING,
        "instances": COUNTS,
        "counts": st.dictionaries(st.sampled_from([one.value for one in Verdict]), COUNTS),
        "problems": PROBLEMS,
        "more_problems": COUNTS,
        "duration_seconds": COUNTS,
    }
)
REQUESTERS: Final = st.builds(Requester, name=TEXTS, member=st.none() | st.just("U024BE7LH"))


def check_limits(message: Message) -> None:
    assert length(message.text) <= 300
    check({"text": message.text, "blocks": message.blocks, "attachments": list(message.attachments)})


@given(report=REPORTS, requester=REQUESTERS)
def test_the_end_of_any_run_stays_within_slacks_limits(report: dict[str, Any], requester: Requester) -> None:
    asked = StatedRequest.read({**report, "environments": report["environments"]})
    check_limits(final_message(read(report), ended(request=asked), requester, slash_command=True))
    check_limits(final_message(read(report), ended(request=asked), requester))
    reply = final_reply(read(report), requester)
    assert 0 < length(reply) <= 3_000


@given(
    application=TEXTS,
    environments=st.lists(TEXTS, max_size=80),
    progress=st.builds(Progress, COUNTS, COUNTS),
    stragglers=st.lists(st.builds(Straggler, TEXTS, TEXTS, TEXTS, st.none() | COUNTS), max_size=30),
    requester=REQUESTERS,
)
def test_the_progress_of_any_run_stays_within_slacks_limits(
    application: str,
    environments: list[str],
    progress: Progress,
    stragglers: list[Straggler],
    requester: Requester,
) -> None:
    running = run(
        request=request(Action.STOP, application=application),
        plan=(RegionPlan("us-east-1", tuple(Group(name, "e-1") for name in environments)),),
        progress=progress,
        stragglers=Stragglers(listed=tuple(stragglers), known_at=START),
        dispatched_at=START,
    )
    check_limits(working_message(running, requester, slash_command=True))

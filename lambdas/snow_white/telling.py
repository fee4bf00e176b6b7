"""What a run tells Slack, and when: its start, its progress, its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from snow_white.failure import read_error
from snow_white.invoker import find_person
from snow_white.report import failure_report
from snow_white.run import Execution, Run
from snow_white.slack import Post, Slack
from snow_white.slack_message import final_message, final_reply, working_message

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


@dataclass(frozen=True)
class Audience:
    """Who is told of a run.

    Attributes:
        places: the channel and the person, whichever are known; a person's place is the member id.
        person: Slack member id of the person who asked, if known.
        unknown: why a person who was named is not known.
    """

    places: tuple[str, ...]
    person: str | None
    unknown: str | None


@dataclass(frozen=True)
class Teller:
    """Tells one run's news.

    The run's `slack` state is {"posts": [{to, channel, ts}], "person": member id or null}.

    Attributes:
        default_channel: told when a request names none; "" for none.
        user_tag: key of the IAM user tag that holds a person's Slack member id.
    """

    slack: Slack
    iam: IAMClient
    default_channel: str
    user_tag: str

    def start(self, run: Run, now: datetime) -> Run:
        """Post the run's message to the channel and to the person who asked, whichever are known."""
        audience = self._audience(run.request.to_json())
        message = working_message(run, now)
        posts = [post for place in audience.places if (post := self.slack.post(place, message))]
        return replace(run, slack=_state(posts, audience.person), announced=run.progress, announced_at=now)

    def progress(self, run: Run, now: datetime) -> Run:
        """Edit the run's messages to show the newest numbers."""
        message = working_message(run, now)
        for post in _posts(run.slack):
            self.slack.edit(post, message)
        return replace(run, announced=run.progress, announced_at=now)

    def end(self, state: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Edit the messages to show the end, and reply to each with a mention of the person.

        A place that could not be told at the start is tried once more.

        Args:
            state: the run's state, with its `report`; or, when an error ended the run, as far as it came, with
                `error` as the state machine caught it.

        Returns:
            The state with the complete report.
        """
        execution = Execution.from_json(state["execution"])
        request = state["request"] if isinstance(state.get("request"), Mapping) else {}
        report = state.get("report")
        if report is None:
            report = failure_report(request, execution, *read_error(state.get("error") or {}), now)
        slack_state = state.get("slack") or {}
        audience = self._audience(request, slack_state.get("person"))
        posted = {post.to: post for post in _posts(slack_state)}
        message = final_message(report, execution)
        reply = final_reply(report, audience.person)
        told = []
        for place in audience.places:
            post = posted.get(place)
            shown = self.slack.edit(post, message) if post else (post := self.slack.post(place, message))
            if shown and post:
                posted[place] = post
                if self.slack.reply(post, reply):
                    told.append(place)
        not_told = [audience.unknown] if audience.unknown else []
        if not audience.places:
            not_told.append("No channel is set or named, and no person to tell is known.")
        return {
            **state,
            "slack": _state(posted.values(), audience.person),
            "report": {
                **report,
                "slack": {
                    "delivered": bool(told) and not self.slack.failures,
                    "told": told,
                    "not_told": [*not_told, *self.slack.failures],
                },
            },
        }

    def _audience(self, request: Mapping[str, Any], known: str | None = None) -> Audience:
        """Read from a request that may be an invalid one: what is no text counts as not given."""
        person, unknown = find_person(
            known or request.get("slack_user"), request.get("requested_by"), self.iam, self.user_tag
        )
        channel = request.get("channel")
        named = channel if isinstance(channel, str) and channel else self.default_channel
        return Audience(tuple(place for place in (named, person) if place), person, unknown)


def _posts(slack_state: Mapping[str, Any]) -> list[Post]:
    return [Post(**post) for post in slack_state.get("posts", [])]


def _state(posts: Iterable[Post], person: str | None) -> dict[str, Any]:
    return {"posts": [asdict(post) for post in posts], "person": person}

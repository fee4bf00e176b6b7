"""What a run tells Slack, and when: its start, its progress, its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from snow_white.model.request import is_slack_member
from snow_white.model.run import Execution, Run
from snow_white.requester.caller import Caller
from snow_white.requester.requester import Directory, Invoker
from snow_white.slack.client import Post, Slack
from snow_white.slack.message import final_message, final_reply, working_message

FindCaller = Callable[[Execution], tuple[Caller | None, str | None]]
"""Who started an execution, and if that is not known, why."""


@dataclass(frozen=True)
class Teller:
    """Tells one run's news.

    The run's `slack` state is {"posts": [{to, channel, ts}], "invoker": {name, person, unknown}}, and at the end
    "unreached": the places that could not be told because Slack was out of reach.

    Attributes:
        default_channel: told when a request names none; "" for none.
        find_caller: asked at the end of a run whose request does not say who asked.
    """

    slack: Slack
    directory: Directory
    default_channel: str
    find_caller: FindCaller

    def announce(self, run: Run, now: datetime) -> Run:
        """Show the newest numbers: edit the run's messages, and post where there is none yet."""
        request = run.request.to_json()
        invoker = _invoker(run.slack) or self._named(request)
        message = working_message(run, invoker, now)
        posted = {post.to: post for post in _posts(run.slack)}
        for post in posted.values():
            self.slack.edit(post, message)
        for place in self._places(request, invoker):
            if place not in posted and (new := self.slack.post(place, message)):
                posted[place] = new
        return replace(run, slack=_state(posted.values(), invoker), announced=run.progress, announced_at=now)

    def who_asked(self, state: Mapping[str, Any]) -> Invoker:
        """Who asked for a run that has ended: whom the request names, else whom CloudTrail shows."""
        request = _request(state)
        known = _invoker(state.get("slack") or {})
        invoker = known or self._named(request)
        if invoker.name or invoker.person:
            return invoker
        caller, unknown = self.find_caller(Execution.from_json(state["execution"]))
        return self.directory.of_caller(caller) if caller else Invoker(unknown=unknown)

    def end(self, state: Mapping[str, Any], report: Mapping[str, Any], invoker: Invoker) -> dict[str, Any]:
        """Edit the messages to show the end, and reply to each with a mention of the person.

        A place that could not be told at the start is tried once more, and one that was told its end is left alone.

        Args:
            state: the run's state, or as far as it came when an error ended it.
            report: how the run ended, and who was told of it before.

        Returns:
            The state with the report, and in that who was told.
        """
        request = _request(state)
        places = self._places(request, invoker)
        posted = {post.to: post for post in _posts(state.get("slack") or {})}
        message = final_message(report, invoker, Execution.from_json(state["execution"]))
        reply = final_reply(report, invoker)
        told = list((report.get("slack") or {}).get("told", []))
        for place in dict.fromkeys([*places, *posted]):
            if place in told:
                continue
            post = posted.get(place)
            if post is None or not self.slack.edit(post, message):
                # Not posted at the start, or deleted or closed for edits since.
                post = self.slack.post(place, message)
            if post:
                posted[place] = post
                if self.slack.reply(post, reply):
                    told.append(place)
        not_told = [*self.slack.failures, *([invoker.unknown] if invoker.unknown else [])]
        if not told and not places:
            not_told.insert(0, "No channel is set or named, and no person to tell is known.")
        return {
            **state,
            "slack": {
                **_state(posted.values(), invoker),
                "unreached": sorted(self.slack.unreached - set(told)),
            },
            "report": {
                **report,
                "slack": {
                    "delivered": bool(told) and set(places) <= set(told),
                    "told": told,
                    "not_told": not_told,
                },
            },
        }

    def _named(self, request: Mapping[str, Any]) -> Invoker:
        return self.directory.of_request(request.get("slack_user"), request.get("requested_by"))

    def _places(self, request: Mapping[str, Any], invoker: Invoker) -> tuple[str, ...]:
        """The channel, and the person's own conversation when that was asked for or there is no channel.

        A request that names a `slack_user` asks for it, unless it says otherwise. The request may be an invalid
        one: what is no text counts as not given.
        """
        given = request.get("channel")
        channel = given if isinstance(given, str) and given else self.default_channel
        asked = request.get("direct_message")
        directly = asked if isinstance(asked, bool) else is_slack_member(request.get("slack_user"))
        places = [channel] if channel else []
        # A channel with this letter is a conversation with the person already.
        if invoker.person and (directly or not places) and not channel.startswith("D"):
            places.append(invoker.person)
        return tuple(places)


def unreached(state: Mapping[str, Any]) -> list[str]:
    """The places that were not told how the run ended, and may be told later."""
    return list((state.get("slack") or {}).get("unreached", []))


def _request(state: Mapping[str, Any]) -> Mapping[str, Any]:
    request = state.get("request")
    return request if isinstance(request, Mapping) else {}


def _posts(slack_state: Mapping[str, Any]) -> list[Post]:
    return [Post(**post) for post in slack_state.get("posts", [])]


def _invoker(slack_state: Mapping[str, Any]) -> Invoker | None:
    known = slack_state.get("invoker")
    return Invoker(**known) if known else None


def _state(posts: Iterable[Post], invoker: Invoker) -> dict[str, Any]:
    return {"posts": [asdict(post) for post in posts], "invoker": asdict(invoker)}

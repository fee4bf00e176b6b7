"""What a run tells Slack, and when: its start, its progress, its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from snow_white.model.ended_run import EndedRun
from snow_white.model.report import Delivery, Report
from snow_white.model.run import Execution, Run
from snow_white.model.slack_state import Post, Requester, SlackState
from snow_white.model.stated_request import StatedRequest
from snow_white.requester.caller import Caller
from snow_white.requester.requester import Directory
from snow_white.slack.client import Slack
from snow_white.slack.message import Message, final_message, final_reply, working_message

FindCaller = Callable[[Execution], tuple[Caller | None, str | None]]
"""Who started an execution, and if that is not known, why."""


@dataclass(frozen=True)
class Notifier:
    """Tells one run's news.

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
        request = StatedRequest.of(run.request)
        requester = run.slack.requester or self._named(request)
        message = working_message(run, requester, now)
        posted = {post.to: post for post in run.slack.posts}
        for post in posted.values():
            self.slack.edit(post, message)
        for place in self._places(request, requester):
            if place not in posted and (new := self.slack.post(place, message)):
                posted[place] = new
        slack = SlackState(tuple(posted.values()), requester)
        return replace(run, slack=slack, announced=run.progress, announced_at=now)

    def find_requester(self, ended: EndedRun) -> Requester:
        """Who asked for a run that has ended: whom the request names, else whom CloudTrail shows."""
        requester = ended.slack.requester or self._named(ended.request)
        if requester.name or requester.member:
            return requester
        caller, why_unknown = self.find_caller(ended.execution)
        return self.directory.of_caller(caller) if caller else Requester(why_unknown=why_unknown)

    def announce_end(self, ended: EndedRun, report: Report, requester: Requester) -> EndedRun:
        """Edit the messages to show the end, and reply to each with a mention of the person.

        A place that could not be told at the start is tried once more, and one that was told its end is left alone.

        Args:
            report: how the run ended, and who was told of it before.

        Returns:
            The run with the report, and in that who was told.
        """
        places = self._places(ended.request, requester)
        posted = {post.to: post for post in ended.slack.posts}
        message = final_message(report, requester, ended.execution)
        reply = final_reply(report, requester)
        told = list(report.slack.told) if report.slack else []
        for place in dict.fromkeys([*places, *posted]):
            if place in told:
                continue
            post = self._show(place, posted.get(place), message)
            if post:
                posted[place] = post
                if self.slack.reply(post, reply):
                    told.append(place)
        delivery = Delivery(
            delivered=bool(told) and set(places) <= set(told),
            told=tuple(told),
            not_told=self._why_not_told(requester, nobody_to_tell=not told and not places),
        )
        unreached = tuple(sorted(self.slack.unreached - set(told)))
        return replace(
            ended,
            slack=SlackState(tuple(posted.values()), requester, unreached),
            report=replace(report, slack=delivery),
        )

    def _show(self, place: str, post: Post | None, message: Message) -> Post | None:
        if post is not None and self.slack.edit(post, message):
            return post
        # Not posted at the start, or deleted or closed for edits since.
        return self.slack.post(place, message)

    def _why_not_told(self, requester: Requester, *, nobody_to_tell: bool) -> tuple[str, ...]:
        sentences = [*self.slack.failures]
        if requester.why_unknown:
            sentences.append(requester.why_unknown)
        if nobody_to_tell:
            sentences.insert(0, "No channel is set or named, and no person to tell is known.")
        return tuple(sentences)

    def _named(self, request: StatedRequest) -> Requester:
        return self.directory.of_request(request.slack_user, request.requested_by)

    def _places(self, request: StatedRequest, requester: Requester) -> tuple[str, ...]:
        """The channel, and the person's own conversation when that was asked for or there is no channel.

        A request that names a `slack_user` asks for it, unless it says otherwise.
        """
        channel = request.channel or self.default_channel
        directly = (
            request.slack_user is not None if request.direct_message is None else request.direct_message
        )
        places = [channel] if channel else []
        # A channel with this letter is a conversation with the person already.
        if requester.member and (directly or not places) and not channel.startswith("D"):
            places.append(requester.member)
        return tuple(places)

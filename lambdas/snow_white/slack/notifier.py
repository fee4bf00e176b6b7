"""The notifier: shows a run's start, progress and end in Slack, in the right places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.report import Delivery, Report
from snow_white.model.request import InvalidRequest
from snow_white.model.run import Execution, Run
from snow_white.model.slack_state import Post, Requester, SlackState
from snow_white.model.stated_request import StatedRequest
from snow_white.model.stopping import RUN_ABORTED
from snow_white.requester.caller import Caller, read_caller
from snow_white.requester.requester import Directory
from snow_white.slack.client import Slack
from snow_white.slack.message import Message, final_message, final_reply, working_message
from snow_white.slack.reminder_reply import reminder_reply

FindCaller = Callable[[Execution], tuple[Caller | None, str | None]]
"""Finds who started an execution: the caller and None, or None and the reason why it is not known."""
FindStopper = Callable[[Execution, datetime], Caller | None]
"""Finds who stopped an execution at that time; None if it is not known."""


@dataclass(frozen=True)
class Notifier:
    """Posts and edits the messages of one run.

    Attributes:
        default_channel: the channel for requests that name none; "" for none.
        find_caller: called at the end of a run whose request does not name a requester.
        look_up_stopper: called for a run that was stopped, unless the cause of its end names somebody.
        slash_command: whether people use Snow White in Slack, too.
    """

    slack: Slack
    directory: Directory
    default_channel: str
    find_caller: FindCaller
    look_up_stopper: FindStopper = lambda _execution, _at: None
    slash_command: bool = False

    def announce(self, run: Run, now: datetime) -> Run:
        """Show the newest progress: edit the run's messages, and post to places that have none yet."""
        request = StatedRequest.of(run.request)
        requester = run.slack.requester or self._requester_named_in(request)
        message = working_message(run, requester, slash_command=self.slash_command)
        posted = {post.to: post for post in run.slack.posts}
        for post in posted.values():
            self.slack.edit(post, message)
        for place in () if request.termination else self._places(request, requester):
            if place not in posted and (new := self.slack.post(place, message)):
                posted[place] = new
        slack = SlackState(tuple(posted.values()), requester)
        return replace(run, slack=slack, announced=run.progress, announced_at=now)

    def find_requester(self, ended: EndedRun) -> Requester:
        """The requester of a run that has ended: the one that the request names, else the one in CloudTrail."""
        requester = ended.slack.requester or self._requester_named_in(ended.request)
        if requester.name or requester.member:
            return requester
        caller, why_unknown = self.find_caller(ended.execution)
        return self.directory.of_caller(caller) if caller else Requester(why_unknown=why_unknown)

    def find_stopper(self, ended: EndedRun) -> str | None:
        """The name of the one who stopped the run; None if nobody did, or if it is not known."""
        if ended.error is None or ended.error.name != RUN_ABORTED:
            return None
        if ended.stopped_by:
            return read_caller(ended.stopped_by).name.removeprefix("Slack user ")
        caller = self.look_up_stopper(ended.execution, ended.stopped_at) if ended.stopped_at else None
        return caller.name if caller else None

    def announce_end(self, ended: EndedRun, report: Report, requester: Requester) -> EndedRun:
        """Edit the messages to show the end, and reply to each with a mention of the requester.

        A place without a message gets one. A place that was notified of the end before is skipped. If Slack refuses
        all of them, because the channel does not exist for example, another place is notified.

        Args:
            report: how the run ended; its `slack` says which places were notified before.

        Returns:
            The run with the report, whose `slack` says which places were notified.
        """
        # Wrong input concerns only the one who typed it.
        nobody = report.error == InvalidRequest.__name__ and requester.member is None
        # Of an instance that ended as it should nobody has to know.
        silent = nobody or (ended.request.termination is not None and not _is_news(report))
        places = () if silent else self._places(ended.request, requester)
        posted = {post.to: post for post in ended.slack.posts}
        message = final_message(report, ended, requester, slash_command=self.slash_command)
        reply = final_reply(report, requester)
        told = list(report.slack.told) if report.slack else []

        def tell(place: str) -> None:
            post = self._edit_or_post(place, posted.get(place), message)
            if post:
                posted[place] = post
                if self.slack.reply(post, reply):
                    told.append(place)

        for place in dict.fromkeys([*places, *posted]):
            if place not in told:
                tell(place)
        for place in self._other_places(ended.request, requester) if places else ():
            # What is out of reach now is tried again later.
            if not told and not self.slack.unreached and place not in posted and place not in places:
                tell(place)
        delivery = Delivery(
            delivered=bool(told) and set(places) <= set(told),
            told=tuple(told),
            not_told=()
            if silent and not nobody
            else self._why_not_told(ended.request, requester, no_places=not told and not places),
        )
        unreached = tuple(sorted(self.slack.unreached - set(told)))
        return replace(
            ended,
            slack=replace(
                ended.slack, posts=tuple(posted.values()), requester=requester, unreached=unreached
            ),
            report=replace(report, slack=delivery),
        )

    def remind(self, ended: EndedRun, report: Report, posts: Sequence[Post]) -> EndedRun:
        """Tell the threads of the run that a look belongs to who still sleeps; nothing if nobody is known to.

        Args:
            posts: the messages of that run, or those of them whose thread was not told before.

        Returns:
            The look with those of the posts that Slack was out of reach for.
        """
        reminder = ended.request.reminder
        if reminder is None:
            return ended
        text = reminder_reply(report, ended.request, reminder, slash_command=self.slash_command)
        failed = [post for post in posts if text and not self.slack.reply(post, text)]
        unreminded = tuple(post for post in failed if post.to in self.slack.unreached)
        return replace(ended, slack=replace(ended.slack, unreminded=unreminded))

    def edit_end(self, ended: EndedRun) -> None:
        """Edit the messages to show what has become known of the end since it was announced."""
        if ended.report is not None:
            requester = ended.slack.requester or Requester()
            message = final_message(ended.report, ended, requester, slash_command=self.slash_command)
            for post in ended.slack.posts:
                self.slack.edit(post, message)

    def _edit_or_post(self, place: str, post: Post | None, message: Message) -> Post | None:
        if post is not None and self.slack.edit(post, message):
            return post
        # The message was never posted, or it was deleted or can no longer be edited.
        return self.slack.post(place, message)

    def _why_not_told(
        self, request: StatedRequest, requester: Requester, *, no_places: bool
    ) -> tuple[str, ...]:
        if no_places and _is_silent(request):
            return ()
        sentences = [*self.slack.failures]
        if requester.why_unknown:
            sentences.append(requester.why_unknown)
        if no_places:
            sentences.insert(0, "No channel is set or named, or the requester is not known in Slack.")
        return tuple(sentences)

    def _requester_named_in(self, request: StatedRequest) -> Requester:
        return self.directory.of_request(request.slack_user, request.requested_by)

    def _places(self, request: StatedRequest, requester: Requester) -> tuple[str, ...]:
        """The channel, and the requester for a direct message if one is wanted or there is no channel.

        A request that names a `slack_user` wants a direct message unless it says otherwise.
        """
        if _is_silent(request):
            return ()
        channel = request.channel or ("" if request.action == Action.STATUS else self.default_channel)
        directly = (
            request.slack_user is not None if request.direct_message is None else request.direct_message
        )
        places = [channel] if channel else []
        # The id of a direct message conversation begins with D: the requester sees it already.
        if requester.member and (directly or not places) and not channel.startswith("D"):
            places.append(requester.member)
        return tuple(places)

    def _other_places(self, request: StatedRequest, requester: Requester) -> tuple[str, ...]:
        """Where the end is told if Slack refuses the places that were wanted."""
        member = None if request.direct_message is False else requester.member
        return tuple(place for place in (member, self.default_channel) if place)


def _is_news(report: Report) -> bool:
    """Whether the end of a run for an instance's termination needs somebody: not quiet, it stays, or may sleep on."""
    completion, lease = report.lifecycle_action, report.lease
    stays = completion is not None and completion.instance_waits
    return not report.confirmed or stays or (lease is not None and lease.wakes_at is None)


def _is_silent(request: StatedRequest) -> bool:
    """A status that names no place is for the requester only, who reads the answer in the report."""
    return request.action == Action.STATUS and not request.channel and not request.direct_message

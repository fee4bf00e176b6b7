"""The part of a run's state that concerns Slack: its messages and its requester."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Post:
    """A posted message: the place `to` which it was addressed, and its `channel` and `ts`, which edits need."""

    to: str
    channel: str
    ts: str


@dataclass(frozen=True)
class Requester:
    """Who requested a run.

    Attributes:
        name: the name to show; "" if it is not known.
        member: the Slack member id, or None.
        why_unknown: a sentence that says why the member is not known; None if it is known or nobody was looked up.
    """

    name: str = ""
    member: str | None = None
    why_unknown: str | None = None


@dataclass(frozen=True)
class SlackState:
    """The data that later steps need to edit the run's messages.

    Attributes:
        posts: one message for each place.
        requester: None until a step has looked it up.
        unreached: the places that were not notified of the end because Slack was out of reach.
        unreminded: the messages, of the run that a look belongs to, whose thread was not told for the same reason.
    """

    posts: tuple[Post, ...] = ()
    requester: Requester | None = None
    unreached: tuple[str, ...] = ()
    unreminded: tuple[Post, ...] = ()

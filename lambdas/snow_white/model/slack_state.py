"""What a run remembers of Slack: the messages it has posted, and the person it tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Post:
    """A message that was posted: `to` as it was addressed, `channel` and `ts` as Slack needs them to edit it."""

    to: str
    channel: str
    ts: str


@dataclass(frozen=True)
class Requester:
    """Who asked for a run.

    Attributes:
        name: as a person reads it; "" when not known.
        member: Slack member id, if known.
        why_unknown: why the person is not known in Slack; None also where there is no person to look for.
    """

    name: str = ""
    member: str | None = None
    why_unknown: str | None = None


@dataclass(frozen=True)
class SlackState:
    """What later steps need in order to edit the run's messages.

    Attributes:
        posts: one for each place that was told.
        requester: None until somebody has looked.
        unreached: at the end, the places that could not be told because Slack was out of reach.
    """

    posts: tuple[Post, ...] = ()
    requester: Requester | None = None
    unreached: tuple[str, ...] = ()

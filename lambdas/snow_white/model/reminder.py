"""A reminder: after a quiet or a stop the fleet is looked at now and then, and whoever still sleeps is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from snow_white.model.slack_ids import is_member_id
from snow_white.model.slack_state import Post

MOST_LOOKS: Final = 8
"""Each is twice as long after the end of the run as the one before: with an hour, the last one is after five days."""
REMEMBERED_RUN: Final = re.compile(r"[0-9]{1,12} [A-Za-z0-9_.-]{1,80}")
_MOST_POSTS: Final = 5
_PLACE: Final = re.compile(r"[^\s<>]{1,80}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")


@dataclass(frozen=True)
class Reminder:
    """What a look knows of the run that it belongs to.

    Attributes:
        run: the run as hosts remember it, "TIME NAME".
        ended_at: when it ended.
        look: the number of this look, from 1.
        after_seconds: how long after the end the first look was.
        posts: the run's messages in Slack.
        member: the requester's Slack member id, or None.
    """

    run: str
    ended_at: datetime
    look: int
    after_seconds: int
    posts: tuple[Post, ...] = ()
    member: str | None = None

    @property
    def at(self) -> datetime:
        """When the look is."""
        return self.ended_at + timedelta(seconds=self.after_seconds * 2 ** (self.look - 1))

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.partition(" ")[2]

    @classmethod
    def read(cls, raw: object) -> Reminder | None:
        """From a request's JSON; None for anything that Snow White does not write."""
        try:
            return _read(raw) if isinstance(raw, Mapping) else None
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


def _read(raw: Mapping[str, Any]) -> Reminder:
    posts = tuple(Post(str(one["to"]), str(one["channel"]), str(one["ts"])) for one in raw["posts"])
    reminder = Reminder(
        run=str(raw["run"]),
        ended_at=datetime.fromisoformat(raw["ended_at"]),
        look=int(raw["look"]),
        after_seconds=int(raw["after_seconds"]),
        posts=posts,
        member=raw.get("member"),
    )
    known = (
        REMEMBERED_RUN.fullmatch(reminder.run)
        and reminder.ended_at.tzinfo is not None
        and 1 <= reminder.look <= MOST_LOOKS
        and 60 <= reminder.after_seconds <= 604_800
        and len(posts) <= _MOST_POSTS
        and all(_PLACE.fullmatch(one.channel) and _TIMESTAMP.fullmatch(one.ts) for one in posts)
        and (reminder.member is None or is_member_id(reminder.member))
    )
    if not known:
        raise ValueError("not written by Snow White")
    return reminder

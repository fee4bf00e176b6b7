"""Who is still being waited for, as far as it is known: carried in the run's state from poll to poll."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Awaited:
    """An instance that has not ended its command. `jobs` that still run there; None: it did not say."""

    region: str
    environment: str
    instance: str
    jobs: int | None


@dataclass(frozen=True)
class Asking:
    """What is known of those who take long.

    Attributes:
        commands: by region, the command that asks some of them for their jobs, while answers are awaited.
        asked_at: when they were asked last.
        awaited: what the last answers said, those with the most jobs first.
        more: how many others were still being waited for.
        known_at: when that was so; None before the first answers.
    """

    commands: Mapping[str, str] = field(default_factory=dict)
    asked_at: datetime | None = None
    awaited: tuple[Awaited, ...] = ()
    more: int = 0
    known_at: datetime | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Asking:
        return cls(
            commands=raw["commands"],
            asked_at=datetime.fromisoformat(raw["asked_at"]) if raw["asked_at"] else None,
            awaited=tuple(Awaited(**one) for one in raw["awaited"]),
            more=raw["more"],
            known_at=datetime.fromisoformat(raw["known_at"]) if raw["known_at"] else None,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "commands": dict(self.commands),
            "asked_at": self.asked_at.isoformat() if self.asked_at else None,
            "awaited": [asdict(one) for one in self.awaited],
            "more": self.more,
            "known_at": self.known_at.isoformat() if self.known_at else None,
        }

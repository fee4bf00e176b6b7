"""Whoever still sleeps long after a quiet is told in the run's thread, on the deployed stack."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.workflow.shop import Shop, ended, schedules


def looks(shop: Shop) -> list[tuple[datetime, dict[str, Any]]]:
    """The looks that are scheduled for the shop: when, and with which input."""
    return schedules(shop, "look-")


def test_who_still_sleeps_is_told_in_the_thread_until_nobody_does(shop: Shop) -> None:
    shop.add_environment("workers")
    shop.wait_until_up(workers=1)
    quieted = ended(shop.run("quiet"))
    ((at, first),) = looks(shop)
    ended_at = datetime.fromisoformat(quieted.output["ended_at"]).replace(tzinfo=None)
    assert timedelta(0) <= at - (ended_at + timedelta(hours=1)) < timedelta(minutes=1)
    message, announced = shop.told()

    # The time is not waited for: what the schedule starts is started now.
    assert ended(shop.start(first)).status == "SUCCEEDED"

    shown, _, reminder = shop.told()
    assert reminder["thread_ts"] == message["ts"]
    assert reminder["text"].startswith(
        f"<@U0ANN> 💤 1 worker on 1 instance of {shop.name} still sleeps, since <!date^"
    )
    assert f"snow-white wake {shop.name}" in reminder["text"]
    assert shown["text"] == message["text"]
    assert announced["thread_ts"] == message["ts"]
    _, (_, second) = looks(shop)
    assert second["reminder"]["look"] == 2

    assert ended(shop.run("wake")).status == "SUCCEEDED"
    assert looks(shop) == [], "nobody has to look"
    told = shop.told()
    assert ended(shop.start(second)).status == "SUCCEEDED"

    assert shop.told() == told, "nobody sleeps: silence"
    assert looks(shop) == [], "and no more looks"

"""Quieting on the deployed stack: real Sidekiq on real hosts, and never a word that is not confirmed."""

from __future__ import annotations

from tests.workflow.shop import AWAY, Shop, eventually


def test_all_workers_are_quieted_their_jobs_end_by_themselves_and_none_is_taken_anew(shop: Shop) -> None:
    workers = shop.add_environment("workers", instances=2)
    abroad = shop.add_environment("Workers-eu", region=AWAY)
    web = shop.add_environment("web")
    shop.wait_until_up(workers=4)
    shop.enqueue(*[4] * 30)
    eventually(lambda: len(shop.ledger().running) >= 15, "the workers are busy")

    ended = shop.run("quiet").end()

    assert ended.status == "SUCCEEDED"
    assert ended.report["counts"] == {"quiet": 3}
    assert ended.report["environments"] == sorted([workers, abroad])
    quieted = [*shop.instances(workers), *shop.instances(abroad, AWAY)]
    assert all(title.endswith("stopping") for one in quieted for title in shop.titles(one))
    ledger = shop.ledger()
    lives = {life.worker.host: life for life in ledger.workers}
    for host in quieted:
        told_to_rest = lives[host].quieted_at
        assert told_to_rest is not None
        assert ledger.starts_on(host, since=told_to_rest) == ()
    assert (ledger.killed, ledger.run_twice, ledger.lost) == (frozenset(), frozenset(), frozenset())
    (other,) = shop.instances(web)
    assert not any(title.endswith("stopping") for title in shop.titles(other))
    first, reply = shop.told()
    assert "confirmed quiet" in first["text"]
    assert reply["thread_ts"] == first["ts"]
    assert ended.report["slack"]["delivered"] is True

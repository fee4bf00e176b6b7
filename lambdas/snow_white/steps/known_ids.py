"""The ids that a run keeps of each region's instances: a row that is missing from one of EC2's lists proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from snow_white.judgement.snapshot import RegionSnapshot
from snow_white.model.fleet import Instance
from snow_white.model.run import Run
from snow_white.model.state_budget import HIDDEN_IDS, INSTANCE_IDS, newest


def remember_ids(run: Run, snapshots: Mapping[str, RegionSnapshot], now: datetime) -> Run:
    """The run with what these snapshots say; a region without one stays as it is known."""
    seen = {**run.unsent, **{region: _ids(snapshot.unsent) for region, snapshot in snapshots.items()}}
    gone = {**run.gone, **{region: snapshot.ended for region, snapshot in snapshots.items()}}
    return replace(
        run,
        gone=_newest(gone, INSTANCE_IDS),
        unsent=_newest(seen, INSTANCE_IDS),
        hidden_since=_hidden_since(run, snapshots, now),
    )


def _hidden_since(
    run: Run, snapshots: Mapping[str, RegionSnapshot], now: datetime
) -> dict[str, dict[str, datetime]]:
    """By region. One that has no room counts as hidden since now, so that it is waited for until there is room."""
    hidden = {region: tuple(known) for region, known in run.hidden_since.items()}
    for region, snapshot in snapshots.items():
        hidden[region] = _ids(one for one in snapshot.instances if one.hidden)
    return {
        region: {id_: run.hidden_since.get(region, {}).get(id_, now) for id_ in ids}
        for region, ids in _newest(hidden, HIDDEN_IDS).items()
    }


def _ids(instances: Iterable[Instance]) -> tuple[str, ...]:
    return tuple(instance.id for instance in instances)


def _newest(ids: Mapping[str, tuple[str, ...]], most: int) -> dict[str, tuple[str, ...]]:
    return newest({region: some for region, some in ids.items() if some}, most)

"""What a backfill would touch, before it does."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg

from include.airflow_api import Airflow
from include.backfill.request import Request, gone_from_landing
from include.contracts import contracts
from include.dictionary.project import manifest
from include.inputs import readers_of
from include.settings import settings
from include.stale import SHOWN

_RECENT = 12
"""So many of the last runs are looked at for the estimate."""


@dataclass(frozen=True)
class KindPlan:
    """One kind's deliveries over the months: how many are owed, known as accepted, and known but
    no longer in landing."""

    source: str
    kind: str
    title_zh: str
    counties: int
    owed: int
    known: int
    not_in_landing: int


@dataclass(frozen=True)
class Later:
    """A later month that reads some of the kinds; ``version`` is what is published of it."""

    period: str
    version: int | None
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a backfill would touch. ``models`` are dbt's, ``marts`` those of them that are
    published; ``seconds`` is None where nothing has run yet to go by."""

    periods: tuple[str, ...]
    deliveries: tuple[KindPlan, ...]
    models: tuple[str, ...]
    marts: tuple[str, ...]
    later: tuple[Later, ...]
    later_if_quarantined: tuple[str, ...]
    seconds: float | None
    seconds_with_later: float | None


def plan(connection: psycopg.Connection[Any], request: Request, spent: dict[str, float]) -> Plan:
    """The plan of a sound request; ``spent`` as ``recent_seconds`` gives it."""
    units = request.units
    kinds = sorted({kind for kind, _ in units})
    reached = readers_of(connection, units, request.periods)
    versions = dict(
        connection.execute(
            f"select period, version from ops.publication"
            f" inner join ({SHOWN}) as shown using (period, publication_id)".encode()
        ).fetchall()
    )
    later = tuple(
        Later(period, versions.get(period), tuple(found))
        for period, found in reached.items()
        if period not in request.periods
    )
    built = {
        period
        for (period,) in connection.execute(
            "select distinct period from ops.publication where period > %s order by 1",
            [request.last],
        )
    }
    models, marts = readers(kinds)
    own, cascade = estimate(request, len(later), spent)
    return Plan(
        tuple(request.periods),
        _deliveries(connection, request),
        models,
        marts,
        later,
        tuple(sorted(built - {each.period for each in later})),
        own,
        cascade,
    )


def readers(kinds: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(models, marts) of the dbt project that read the raw tables of the kinds, also by others."""
    path = settings().dbt_target / "manifest.json"
    project = json.loads(path.read_text(encoding="utf-8")) if path.exists() else manifest()
    children: dict[str, list[str]] = project["child_map"]
    waiting = [
        source
        for source, node in project["sources"].items()
        if node["schema"] == "raw" and node["name"] in kinds
    ]
    seen: set[str] = set()
    while waiting:
        fresh = [node for node in children.get(waiting.pop(), []) if node.startswith("model.")]
        waiting += [node for node in fresh if node not in seen]
        seen |= set(fresh)
    found = {project["nodes"][node]["name"]: project["nodes"][node]["schema"] for node in seen}
    return (
        tuple(sorted(found)),
        tuple(sorted(name for name, schema in found.items() if schema == "candidate")),
    )


def recent_seconds(connection: psycopg.Connection[Any], airflow: Airflow) -> dict[str, float]:
    """What recent months took: a producer's DAG -> median seconds of its runs, and ``build``."""
    spent = {}
    for dag_id in sorted({f"{each.source}_delivery" for each in contracts().values()}):
        seconds = [
            (run.ended_at - run.started_at).total_seconds()
            for run in airflow.latest(dag_id, _RECENT)
            if run.started_at and run.ended_at
        ]
        if seconds:
            spent[dag_id] = median(seconds)
    builds = [
        seconds
        for (seconds,) in connection.execute(
            "select extract(epoch from p.published_at - b.opened_at)::double precision"
            " from ops.publication as p inner join ops.build as b using (build_id)"
            " where p.state <> 'blocked' order by p.publication_id desc limit %s",
            [_RECENT],
        )
    ]
    if builds:
        spent["build"] = median(builds)
    return spent


def estimate(
    request: Request, later: int, spent: dict[str, float]
) -> tuple[float | None, float | None]:
    """Seconds of the months alone and with the later ones.

    Sources run side by side, months one after the other, and a month is built while the next one is
    fetched; later months are only built.
    """
    build = spent.get("build")
    fetches = [spent[dag_id] for dag_id in request.producers if dag_id in spent]
    if build is None or not fetches:
        return None, None
    slower, faster = max(build, max(fetches)), min(build, max(fetches))
    own = len(request.periods) * slower + faster
    return own, own + later * build


def _deliveries(connection: psycopg.Connection[Any], request: Request) -> tuple[KindPlan, ...]:
    units: dict[str, set[str]] = defaultdict(set)
    for kind, county in request.units:
        units[kind].add(county)
    gone = gone_from_landing(connection, request)
    known = {
        (kind, county, period)
        for kind, county, period in connection.execute(
            "select distinct kind, county_code, period from ops.accepted_delivery"
            " where period between %s and %s and kind = any(%s)",
            [request.first, request.last, list(units)],
        )
    }
    return tuple(
        KindPlan(
            contracts()[kind].source,
            kind,
            contracts()[kind].title_zh,
            len(counties),
            len(counties) * len(request.periods),
            sum(k == kind and county in counties for k, county, _ in known),
            sum(k == kind for k, _, _ in gone),
        )
        for kind, counties in units.items()
    )

"""What is dropped when its time is over: archived versions, and delivered files in landing.

The policy is ref_retention. A file goes when its bytes have not come for so long, all deliveries of
it have been judged, and no version that can still be rolled back to, verified or replayed reads
one of them. What a build reads is what its contracts' horizons say. Rows in ``raw`` stay, and
``ops.delivery``, ``ops.publication`` and the stored differences stay too.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from include.database import acting_as, connect
from include.inputs import months_back
from include.landing import path_of, remove
from include.publish import PUBLISH_LOCK
from include.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Rule:
    """A row of ref_retention: how many days, and how many versions whatever their age."""

    days: int
    versions: int


@dataclass(frozen=True)
class OldVersion:
    """An archived version to drop; ``rows`` are those of all marts."""

    publication_id: int
    period: str
    version: int
    rows: int


@dataclass(frozen=True)
class OldFile:
    """A file of landing to drop."""

    sha256: str
    bytes: int

    @property
    def path(self) -> Path:
        return path_of(self.sha256)


@dataclass(frozen=True)
class Plan:
    """What the policy has dropped, or would drop."""

    versions: list[OldVersion]
    files: list[OldFile]


@cache
def rules() -> dict[str, Rule]:
    """archived_version, landing_file, replay -> rule."""
    path = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_retention.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["subject"]: Rule(int(row["keep_days"]), int(row["keep_versions"]))
            for row in csv.DictReader(file)
        }


@acting_as("publisher")
def plan(now: datetime | None = None) -> Plan:
    """What would be dropped at ``now``."""
    with connect() as connection:
        return _plan(connection, now or datetime.now(UTC))


@acting_as("publisher")
def drop(by: str, now: datetime | None = None) -> Plan:
    """Drop what is over its time, and put on record what that was.

    No publication and no rollback runs meanwhile. Files go when the record stands: a run that is
    killed between the two leaves files that the next run drops.
    """
    with connect() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [PUBLISH_LOCK])
        found = _plan(connection, now or datetime.now(UTC))
        if found.versions or found.files:
            _drop_versions(connection, found.versions)
            _record(connection, found, by)
    for file in found.files:
        remove(file.sha256)
    return found


def _plan(connection: psycopg.Connection[Any], now: datetime) -> Plan:
    version, file, replay = (
        rules()[name] for name in ("archived_version", "landing_file", "replay")
    )
    versions = [
        OldVersion(*row)
        for row in connection.execute(
            _VERSIONS, {"now": now, "days": version.days, "versions": version.versions}
        )
    ]
    kinds = months_back()
    files = [
        OldFile(*row)
        for row in connection.execute(
            _FILES,
            {
                "now": now,
                "days": file.days,
                "replay_days": replay.days,
                "dropped": [each.publication_id for each in versions],
                "kinds": list(kinds),
                "months_back": list(kinds.values()),
            },
        )
    ]
    return Plan(versions, [each for each in files if each.path.exists()])


def _drop_versions(connection: psycopg.Connection[Any], versions: list[OldVersion]) -> None:
    ids = [version.publication_id for version in versions]
    tables = connection.execute(
        "select relname::text from pg_class"
        " where relnamespace = 'archive'::regnamespace and relkind = 'r' order by 1"
    ).fetchall()
    for (table,) in tables:
        connection.execute(
            sql.SQL("delete from {} where publication_id = any(%s)").format(
                sql.Identifier("archive", table)
            ),
            [ids],
        )
    connection.execute(
        "update ops.publication set dropped_at = clock_timestamp() where publication_id = any(%s)",
        [ids],
    )


def _record(connection: psycopg.Connection[Any], found: Plan, by: str) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.landing_dropped (sha256, bytes) values (%s, %s)"
            " on conflict (sha256) do update set dropped_at = excluded.dropped_at",
            [(file.sha256, file.bytes) for file in found.files],
        )
    connection.execute(
        "insert into ops.retention (requested_by, versions, archived_rows, files, bytes)"
        " values (%s, %s, %s, %s, %s)",
        [
            by,
            [version.publication_id for version in found.versions],
            sum(version.rows for version in found.versions),
            len(found.files),
            sum(file.bytes for file in found.files),
        ],
    )


_VERSIONS = """
with replaced as (
    select
        p.publication_id,
        p.period,
        p.version,
        p.marts,
        p.dropped_at,
        lead(p.published_at) over (partition by p.period order by p.version) as replaced_at,
        row_number() over (partition by p.period order by p.version desc) - 1 as younger
    from ops.publication as p
    where p.state = 'published'
)

select
    r.publication_id,
    r.period,
    r.version,
    coalesce((
        select sum((m.value ->> 'rows')::bigint)::bigint
        from jsonb_each(r.marts) as m
    ), 0) as rows
from replaced as r
where
    r.dropped_at is null
    and r.replaced_at < %(now)s - make_interval(days => %(days)s)
    and r.younger > %(versions)s
    -- While a month is held, an operator may still want any of its versions.
    and not exists (
        select from ops.hold as h
        where h.period = r.period and h.released_at is null
    )
order by r.period, r.version
"""

_FILES = """
with reach as (
    select *
    from unnest(%(kinds)s::text[], %(months_back)s::integer[]) as k (kind, months_back)
),

-- Versions that are shown or archived, of months for which building again is still promised.
kept as (
    select p.period, p.deliveries
    from ops.publication as p
    where
        p.state = 'published'
        and p.dropped_at is null
        and p.publication_id <> all(%(dropped)s::bigint[])
        and (
            to_date(p.period, 'YYYY-MM')
            + interval '1 month'
            + make_interval(days => %(replay_days)s)
        ) at time zone 'Asia/Shanghai' > %(now)s
),

needed as (
    select distinct d.sha256
    from kept
    cross join lateral unnest(kept.deliveries) as read (delivery_id)
    inner join ops.delivery as d on read.delivery_id = d.delivery_id
    inner join reach on d.kind = reach.kind
    where
        reach.months_back is null
        or d.period >= to_char(
            to_date(kept.period, 'YYYY-MM') - make_interval(months => reach.months_back),
            'YYYY-MM'
        )
)

-- Where a file was replaced for want of a person who was erased, the copy is what is there.
select coalesce(x.redacted_sha256, d.sha256), max(coalesce(x.redacted_bytes, d.bytes))::bigint
from ops.delivery as d
left join ops.acceptance as c on d.delivery_id = c.delivery_id
left join ops.redaction as x on d.sha256 = x.sha256
where not exists (select from needed as n where n.sha256 = d.sha256)
group by d.sha256, x.redacted_sha256
having
    bool_and(c.delivery_id is not null)
    and max(greatest(d.received_at, (
        select max(a.received_at)
        from ops.arrival as a
        where a.delivery_id = d.delivery_id
    ))) < %(now)s - make_interval(days => %(days)s)
order by d.sha256
"""

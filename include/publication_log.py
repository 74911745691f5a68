"""``ops.publication``: which version of a month is shown, and what became of each build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include.marts import Mart
from include.stale import annotate


@dataclass(frozen=True)
class Version:
    """A published version of a month; ``marts`` is {mart: {'rows', 'sha256'}}.

    ``restores`` is the publication whose rows it shows again, None for one of its own.
    """

    publication_id: int
    period: str
    version: int
    build_id: int
    marts: dict[str, Any]
    columns: dict[str, list[str]]
    restores: int | None
    is_dropped: bool

    @property
    def origin(self) -> int:
        """The publication that first showed these rows."""
        return self.restores or self.publication_id


def versions(connection: psycopg.Connection[Any], period: str) -> list[Version]:
    """The published versions of a month, the one shown first."""
    rows = connection.execute(
        "select publication_id, period, version, build_id, marts, columns, restores,"
        " dropped_at is not null from ops.publication"
        " where period = %s and state = 'published' order by version desc",
        [period],
    ).fetchall()
    return [Version(*row) for row in rows]


def shown(connection: psycopg.Connection[Any], period: str) -> Version | None:
    """The version that marts hold; None for a month never published."""
    found = versions(connection, period)
    return found[0] if found else None


def next_version(connection: psycopg.Connection[Any], period: str) -> int:
    """The version the next publication of ``period`` gets; versions begin at 1 and never fall."""
    current = shown(connection, period)
    return current.version + 1 if current else 1


def record(
    connection: psycopg.Connection[Any],
    build_id: int,
    version: int,
    state: str,
    marts: tuple[Mart, ...],
    found: dict[str, Any],
) -> int:
    """Put a publication of what the build read on record; its number."""
    row = connection.execute(
        "insert into ops.publication (period, version, build_id, state, deliveries, marts, columns)"
        " select b.period, %s, b.build_id, %s, array(select a.delivery_id"
        " from ops.accepted_delivery as a where a.period <= b.period and a.known_at <= b.known_at"
        " order by a.delivery_id), %s, %s from ops.build as b where b.build_id = %s"
        " returning publication_id, period",
        [
            version,
            state,
            Jsonb(found),
            Jsonb({mart.name: [name for name, _ in mart.columns] for mart in marts}),
            build_id,
        ],
    ).fetchone()
    assert row is not None
    annotate(connection, row[1])
    return int(row[0])


def record_block(
    connection: psycopg.Connection[Any], build_id: int, period: str, reason: str
) -> None:
    """Put on record why a build is not published, in place of what was said of it before."""
    connection.execute(
        "delete from ops.publication where build_id = %s and state = 'blocked'", [build_id]
    )
    connection.execute(
        "insert into ops.publication (period, version, build_id, state, reason)"
        " values (%s, %s, %s, 'blocked', %s)",
        [period, next_version(connection, period), build_id, reason],
    )

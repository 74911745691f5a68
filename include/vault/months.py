"""A published month under new keys: all its versions in one transaction, with the log's hashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include.database import OWNER, connect
from include.errors import WarehouseError
from include.marts import Mart, columns_of, content
from include.publish import PUBLISH_LOCK
from include.vault.exchange import move
from include.vault.places import Place, keys, places

_SCHEMAS = ("marts", "archive")


class NotAsPublished(WarehouseError):
    """Marts or archive hold other rows than the log says: new hashes would hide that."""


@dataclass(frozen=True)
class _Entry:
    """A line of the log and where its rows are: ``held_by`` in the archive, None in marts."""

    publication_id: int
    period: str
    version: int
    held_by: int | None
    contents: dict[str, Any]
    columns: dict[str, list[str]]
    widened: list[str]


def left(rotation_id: int) -> list[str]:
    """The published months that a rotation has not done yet, in order."""
    with connect(OWNER) as connection:
        return [
            period
            for (period,) in connection.execute(
                "select distinct p.period from ops.publication as p where p.state = 'published'"
                " and not exists (select from vault.rotation_month as m"
                " where m.rotation_id = %s and m.period = p.period) order by 1",
                [rotation_id],
            )
        ]


def rotate(rotation_id: int, version: int, period: str) -> None:
    """Exchange the keys of a month, in marts and archive, and record its hashes and key version."""
    with connect(OWNER) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [PUBLISH_LOCK])
        by_table = _tables(connection)
        changed = sum(
            move(connection, schema, table, found, period)
            for (schema, table), found in by_table.items()
        )
        versions = record(connection, version, period)
        connection.execute(
            "insert into vault.rotation_month (rotation_id, period, versions, changed_rows)"
            " values (%s, %s, %s, %s)",
            [rotation_id, period, versions, changed],
        )


def record(connection: psycopg.Connection[Any], version: int, period: str | None = None) -> int:
    """Put on record what is held of a month's versions, or of all, under a version of the keys;
    of how many versions."""
    bearing = {table for _, table in _tables(connection)}
    entries = list(_entries(connection, period))
    for entry in entries:
        found = {mart: _content(connection, entry, mart) for mart in bearing & set(entry.contents)}
        connection.execute(
            "update ops.publication set marts = marts || %s, key_version = %s"
            " where publication_id = %s",
            [Jsonb(found), version, entry.publication_id],
        )
    return len({(entry.period, entry.version) for entry in entries})


def demand_untouched(connection: psycopg.Connection[Any]) -> None:
    """What bears keys is what was published, in all versions there are. Raises NotAsPublished."""
    bearing = {table for _, table in _tables(connection)}
    for entry in _entries(connection):
        for mart in sorted(bearing & set(entry.contents)):
            logged, found = entry.contents[mart], _content(connection, entry, mart)
            is_same = found["rows"] == logged["rows"] if mart in entry.widened else found == logged
            if not is_same:
                raise NotAsPublished(
                    f"what is held of version {entry.version} of {entry.period} is not what was"
                    " published.",
                    file=f"{'archive' if entry.held_by else 'marts'}.{mart}",
                    remedy="find out who wrote it, then build the month again or roll it back: a"
                    " rotation records new hashes, and would hide it.",
                )


def _tables(connection: psycopg.Connection[Any]) -> dict[tuple[str, str], list[Place]]:
    """(schema, table) -> its places of keys."""
    found = [place for place in keys(places(connection)) if place.schema in _SCHEMAS]
    return {
        place: list(group) for place, group in groupby(found, key=lambda p: (p.schema, p.table))
    }


def _entries(connection: psycopg.Connection[Any], period: str | None = None) -> Iterator[_Entry]:
    """Lines of the log whose rows there are: a version's own, and those that found it unchanged.

    Rows of a version that is no longer shown lie in the archive under the publication that showed
    them; what retention dropped keeps the hash it had.
    """
    for *entry, is_dropped in connection.execute(
        "select p.publication_id, p.period, p.version,"
        " case when v.version = max(v.version) over (partition by v.period) then null"
        " else v.publication_id end, p.marts, p.columns, array(select distinct c.mart"
        " from ops.mart_change as c where c.change = 'widened'"
        " and c.publication_id > coalesce(p.restores, p.publication_id)), v.dropped_at is not null"
        " from ops.publication as p inner join ops.publication as v"
        " on p.period = v.period and p.version = v.version and v.state = 'published'"
        " where p.state in ('published', 'unchanged')"
        " and (%(period)s::text is null or p.period = %(period)s) order by p.publication_id",
        {"period": period},
    ).fetchall():
        if not is_dropped:
            yield _Entry(*entry)


def _content(connection: psycopg.Connection[Any], entry: _Entry, mart: str) -> dict[str, Any]:
    schema = "archive" if entry.held_by else "marts"
    types = dict(columns_of(connection, schema, mart))
    names = entry.columns.get(mart) or [name for name in types if name != "publication_id"]
    columns = tuple((name, types[name]) for name in names)
    return content(connection, schema, Mart(mart, columns, ()), entry.period, entry.held_by)

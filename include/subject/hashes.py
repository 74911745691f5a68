"""What publications hold after an erasure: fewer rows, and hashes recorded anew.

The log says of each version what it holds, and rollback, verification and backup compare with it.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from include.marts import Mart, content, published_marts
from include.publication_log import Version, versions
from include.subject.tables import as_owner_of

Stored = dict[tuple[int, str], int]
"""(publication, mart) -> rows that lie in marts or archive of it."""


def stored_rows(connection: psycopg.Connection[Any]) -> Stored:
    """How many rows lie there of each version of each mart that is still kept."""
    return {
        (version.publication_id, mart.name): _rows(connection, version, mart, is_shown)
        for version, mart, is_shown in _kept(connection)
    }


def record(connection: psycopg.Connection[Any], erasure_id: int, before: Stored) -> None:
    """Record the hashes of versions that have fewer rows than ``before``, beside the old ones."""
    for version, mart, is_shown in _kept(connection):
        had = before[version.publication_id, mart.name]
        removed = had - _rows(connection, version, mart, is_shown)
        if not removed:
            continue
        schema = "marts" if is_shown else "archive"
        number = None if is_shown else version.publication_id
        with as_owner_of(connection, schema, mart.name):
            found = content(connection, schema, mart, version.period, number)
        connection.execute(
            "update ops.publication set marts = marts || jsonb_build_object(%s::text, %s::jsonb)"
            " where publication_id = %s or (state = 'unchanged' and (period, version) = (%s, %s))",
            [mart.name, Jsonb(found), version.publication_id, version.period, version.version],
        )
        connection.execute(
            "insert into ops.erasure_publication values (%s, %s, %s, %s, %s, %s)"
            " on conflict (erasure_id, publication_id, mart) do update set"
            " removed = erasure_publication.removed + excluded.removed,"
            " sha256_after = excluded.sha256_after",
            [
                erasure_id,
                version.publication_id,
                mart.name,
                removed,
                version.marts[mart.name]["sha256"],
                found["sha256"],
            ],
        )


def _kept(connection: psycopg.Connection[Any]) -> list[tuple[Version, Mart, bool]]:
    """Each version whose rows are there, with each of its marts, in the columns it had."""
    with as_owner_of(connection, "marts", "person_month"):
        marts = {mart.name: mart for mart in published_marts(connection)}
    periods = connection.execute(
        "select distinct period from ops.publication where state = 'published' order by 1"
    ).fetchall()
    found = []
    for (period,) in periods:
        for number, version in enumerate(versions(connection, period)):
            if version.is_dropped:
                continue
            for name in sorted(set(version.marts) & set(marts)):
                types = dict(marts[name].columns)
                columns = tuple(
                    (column, types[column])
                    for column in version.columns.get(name, types)
                    if column in types
                )
                found.append((version, Mart(name, columns, marts[name].grain), number == 0))
    return found


def _rows(connection: psycopg.Connection[Any], version: Version, mart: Mart, is_shown: bool) -> int:
    schema = "marts" if is_shown else "archive"
    which = ("period", version.period) if is_shown else ("publication_id", version.publication_id)
    with as_owner_of(connection, schema, mart.name):
        row = connection.execute(
            sql.SQL("select count(*) from {} where {} = {}").format(
                sql.Identifier(schema, mart.name), sql.Identifier(which[0]), sql.Literal(which[1])
            )
        ).fetchone()
    assert row is not None
    return int(row[0])

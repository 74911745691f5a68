"""Which marts there are and what is in them, read from the database's own catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.errors import GateBlocked

ANNOTATIONS = {"county_scorecard": ("stale_since",)}
"""Mart -> columns that say something of a published month and are no part of its content: null in
the candidate, filled in place, left out of hashes and differences."""


@dataclass(frozen=True)
class Mart:
    """A table of schema ``candidate``: ``columns`` as (name, type) in order, ``grain`` its key."""

    name: str
    columns: tuple[tuple[str, str], ...]
    grain: tuple[str, ...]

    @property
    def content_columns(self) -> tuple[str, ...]:
        """Names of the columns that are content: all but the annotations."""
        notes = ANNOTATIONS.get(self.name, ())
        return tuple(name for name, _ in self.columns if name not in notes)


def candidate_marts(
    connection: psycopg.Connection[Any], schema: str = "candidate"
) -> tuple[Mart, ...]:
    """The marts of schema ``candidate`` by name; each needs a primary key and a column ``period``.

    Raises GateBlocked where there is none, or one lacks its key.
    """
    names = _tables(connection, schema)
    if not names:
        raise GateBlocked(
            f"schema {schema} holds no mart.", remedy="run the build's dbt step before its gate."
        )
    return tuple(_mart(connection, schema, name) for name in names)


def published_marts(connection: psycopg.Connection[Any]) -> tuple[Mart, ...]:
    """The marts of schema ``marts`` by name, with all columns that any month has."""
    return tuple(_mart(connection, "marts", name) for name in _tables(connection, "marts"))


def columns_of(
    connection: psycopg.Connection[Any], schema: str, table: str
) -> tuple[tuple[str, str], ...]:
    """(name, type) of each column in order; empty where the table does not exist."""
    return tuple(
        connection.execute(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
            [f"{schema}.{table}"],
        ).fetchall()
    )


def grain_of(connection: psycopg.Connection[Any], schema: str, name: str) -> tuple[str, ...]:
    """The mart's key in a schema; empty where it has none.

    Of a published mart it is what the archive keys each version by: the key of marts.<mart> begins
    with whose the row is (roles.yml, indexes), whether that is part of the grain or not.
    """
    return tuple(
        column
        for (column,) in connection.execute(
            "select a.attname::text from pg_index as i"
            " cross join lateral unnest(i.indkey) with ordinality as k (attnum, position)"
            " inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum"
            " inner join pg_class as c on i.indrelid = c.oid"
            # By name: whoever may not enter the archive may know its keys.
            " where c.relnamespace = (select oid from pg_namespace where nspname = %s)"
            " and c.relname = %s and i.indisprimary"
            " and a.attname <> 'publication_id' order by k.position",
            ["archive" if schema == "marts" else schema, name],
        )
    )


def content(
    connection: psycopg.Connection[Any],
    schema: str,
    mart: Mart,
    period: str,
    publication_id: int | None = None,
) -> dict[str, Any]:
    """{'rows', 'sha256'} of the mart's rows of ``period``: equal iff the rows are the same, but for
    annotations. Of the archive: those that ``publication_id`` showed.

    The hash is over the sorted hashes of the rows' texts; the text forms are pinned for the
    transaction so that a session's settings cannot change it.
    """
    connection.execute(
        "set local datestyle = 'ISO, YMD'; set local timezone = 'UTC';"
        " set local extra_float_digits = 1; set local intervalstyle = 'iso_8601';"
        " set local bytea_output = 'hex'"
    )
    row = connection.execute(
        sql.SQL(
            "select count(*), encode(sha256(convert_to(coalesce(string_agg("
            "h, '' order by h collate \"C\"), ''), 'UTF8')), 'hex')"
            " from (select encode(sha256(convert_to(row({columns})::text, 'UTF8')), 'hex') as h"
            " from {table} where period = {period} and {shown_by}) as hashed"
        ).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, mart.content_columns)),
            table=sql.Identifier(schema, mart.name),
            period=sql.Literal(period),
            shown_by=sql.SQL("true")
            if publication_id is None
            else sql.SQL("publication_id = {}").format(publication_id),
        )
    ).fetchone()
    assert row is not None
    return {"rows": row[0], "sha256": row[1]}


def _tables(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    return [
        name
        for (name,) in connection.execute(
            "select relname::text from pg_class where relnamespace = to_regnamespace(%s)"
            " and relkind in ('r', 'p') and relname !~ '__dbt_' order by relname",
            [schema],
        )
    ]


def _mart(connection: psycopg.Connection[Any], schema: str, name: str) -> Mart:
    columns = columns_of(connection, schema, name)
    grain = grain_of(connection, schema, name)
    if not grain or "period" not in dict(columns):
        raise GateBlocked(
            "has no primary key." if not grain else "has no column period.",
            remedy="state the grain as a primary_key constraint in the model's YAML contract.",
            file=f"{schema}.{name}",
        )
    return Mart(name, columns, grain)

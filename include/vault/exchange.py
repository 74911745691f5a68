"""Exchange the keys in a table's cells for those they become (``vault.rekeyed``), set by set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from include.marts import columns_of
from include.vault.places import Place
from include.vault.search import ALERT_NO, KEY

TOKEN = re.compile(f"{KEY}|{ALERT_NO}")


def move(
    connection: psycopg.Connection[Any],
    schema: str,
    table: str,
    found: Iterable[Place],
    period: str | None = None,
) -> int:
    """Write a table's rows, or those of a month, anew under the new keys; how many there were.

    In one statement: a key of the table is never there twice, and no order of its values matters.
    """
    shapes = {place.column: place.shape for place in found}
    names = [name for name, _ in columns_of(connection, schema, table)]
    cells = sql.SQL(", ").join(
        _exchanged(name, shapes[name]) if name in shapes else sql.Identifier("moved", name)
        for name in names
    )
    return connection.execute(
        sql.SQL(
            "with moved as (delete from {table} where {rows} returning *)"
            " insert into {table} ({names}) select {cells} from moved {joins}"
        ).format(
            table=sql.Identifier(schema, table),
            rows=sql.SQL("true") if period is None else sql.SQL("period = {}").format(period),
            names=sql.SQL(", ").join(map(sql.Identifier, names)),
            cells=cells,
            joins=sql.SQL(" ").join(
                sql.SQL("left join vault.rekeyed as {k} on {cell} = {k}.old").format(
                    k=sql.Identifier(f"k_{name}"), cell=sql.Identifier("moved", name)
                )
                for name, shape in shapes.items()
                if shape == "text"
            ),
        )
    ).rowcount


def update(connection: psycopg.Connection[Any], place: Place) -> int:
    """Exchange a column's keys where they stand; how many. Append-only tables are opened for it.

    Of texts and words: a table with arrays is moved.
    """
    if place.shape == "words":
        return _update_words(connection, place)
    table, column = sql.Identifier(place.schema, place.table), sql.Identifier(place.column)
    is_closed = connection.execute(
        "select exists (select from pg_trigger where tgrelid = %s::regclass and not tgisinternal)",
        [f"{place.schema}.{place.table}"],
    ).fetchone() == (True,)
    if is_closed:
        connection.execute(sql.SQL("alter table {} disable trigger user").format(table))
    done = connection.execute(
        sql.SQL(
            "update {table} as t set {column} = k.new from vault.rekeyed as k"
            " where t.{column} = k.old"
        ).format(table=table, column=column)
    ).rowcount
    if is_closed:
        connection.execute(sql.SQL("alter table {} enable trigger user").format(table))
    return done


def exchanged(connection: psycopg.Connection[Any], text: str) -> str:
    """A text with every key in it exchanged; others stay."""
    known = dict(
        connection.execute(
            "select old, new from vault.rekeyed where old = any(%s)",
            [sorted(set(TOKEN.findall(text)))],
        )
    )
    return TOKEN.sub(lambda found: known.get(found.group(), found.group()), text) if known else text


def words(cell: sql.Composable, instead: sql.Composable) -> sql.Composed:
    """A text with the keys in it replaced by what a query of ``part.token[1]`` gives for each."""
    return sql.SQL(
        "coalesce((select string_agg(coalesce(({instead}), part.token[1]), '' order by part.n)"
        " from regexp_matches({cell}, '([0-9a-f]{{64}}|[0-9a-f]{{1,63}}|[^0-9a-f]+)', 'g')"
        " with ordinality as part (token, n)), {cell})"
    ).format(instead=instead, cell=cell)


def _exchanged(name: str, shape: str) -> sql.Composed:
    cell = sql.Identifier("moved", name)
    if shape == "text":
        return sql.SQL("coalesce({}.new, {})").format(sql.Identifier(f"k_{name}"), cell)
    if shape == "words":
        return words(cell, sql.SQL("select new from vault.rekeyed where old = part.token[1]"))
    return sql.SQL(
        "case when {0} is not null then array(select coalesce(k.new, e.value) from unnest({0})"
        " with ordinality as e (value, n) left join vault.rekeyed as k on k.old = e.value"
        " order by e.n) end"
    ).format(cell)


def _update_words(connection: psycopg.Connection[Any], place: Place) -> int:
    """Keys in the middle of texts: few rows, which are gone through one by one."""
    table, column = sql.Identifier(place.schema, place.table), sql.Identifier(place.column)
    rows = connection.execute(
        sql.SQL(
            "select ctid::text, {column}::text from {table} where {column}::text ~ {token}"
        ).format(table=table, column=column, token=sql.Literal(TOKEN.pattern))
    ).fetchall()
    kind = dict(columns_of(connection, place.schema, place.table))[place.column]
    for ctid, text in rows:
        connection.execute(
            sql.SQL("update {table} set {column} = %s::{kind} where ctid = %s::tid").format(
                table=table, column=column, kind=sql.SQL(kind)
            ),
            [exchanged(connection, text), ctid],
        )
    return len(rows)

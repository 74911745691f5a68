"""Search every cell of every table for given values: what the register of places is proven by.

One pass per table, whatever its columns: texts, arrays and JSON, also in the middle of a text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import psycopg
from psycopg import sql

from include.vault.places import text_columns

KEY = r"[0-9a-f]{64}"
ALERT_NO = r"YJ[0-9]{6}[0-9A-F]{12}"
RESIDENT_ID = r"[0-9]{17}[0-9Xx]"
HOUSEHOLD_NO = r"[0-9]{16}"


@dataclass(frozen=True, order=True)
class Found:
    """A column in which values stand, and how often."""

    schema: str
    table: str
    column: str
    times: int

    @property
    def name(self) -> str:
        """schema.table.column"""
        return f"{self.schema}.{self.table}.{self.column}"


def search(
    connection: psycopg.Connection[Any],
    wanted: sql.Composable,
    pattern: str,
    least: int,
    leave_out: Collection[str] = (),
) -> Iterator[Found]:
    """Columns with cells that hold one of the ``wanted``, a query of distinct texts.

    ``pattern`` is the regular expression of such a value, ``least`` its length: shorter cells are
    not looked into. ``leave_out`` are schemas, or schema.table. Nothing of a cell is told.
    """
    connection.execute(
        sql.SQL("create temporary table searched on commit drop as {}; analyze searched").format(
            wanted
        )
    )
    by_table = groupby(text_columns(connection), key=lambda column: column[:2])
    for (schema, table), columns in by_table:
        if schema in leave_out or f"{schema}.{table}" in leave_out:
            continue
        cells = sql.SQL(", ").join(
            sql.SQL("({}, t.{}::text)").format(sql.Literal(name), sql.Identifier(name))
            for _, _, name, _ in columns
        )
        for column, count in connection.execute(
            sql.SQL(
                "select c.name, count(*) from {table} as t"
                " cross join lateral (values {cells}) as c (name, cell)"
                " cross join lateral regexp_matches(c.cell, {pattern}, 'g') as token (value)"
                " inner join searched as s on token.value[1] = s.value"
                " where length(c.cell) >= {least} group by c.name order by c.name"
            ).format(
                table=sql.Identifier(schema, table),
                cells=cells,
                least=sql.Literal(least),
                pattern=sql.Literal(f"({pattern})"),
            )
        ).fetchall():
            yield Found(schema, table, column, count)
    connection.execute("drop table searched")

"""What the planner keeps of a table's values: samples of them, as they once stood."""

from __future__ import annotations

from typing import Any

import psycopg


def forget(connection: psycopg.Connection[Any], schema: str, table: str) -> None:
    """Clear what is kept of a table and its indexes. As their owner, or the database's.

    ANALYZE replaces the samples of before only where it finds a row: those of a table that was
    emptied would stay.
    """
    connection.execute(
        "with kept as ("
        " select c.oid from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid"
        " where (n.nspname, c.relname) = (%s, %s))"
        " select pg_clear_attribute_stats(n.nspname, c.relname, a.attname, i.inherited)"
        " from pg_class as c"
        " inner join pg_namespace as n on c.relnamespace = n.oid"
        " inner join pg_attribute as a on c.oid = a.attrelid"
        " cross join (values (false), (true)) as i (inherited)"
        " where a.attnum > 0 and not a.attisdropped"
        " and c.oid in (select oid from kept union"
        " select indexrelid from pg_index where indrelid in (select oid from kept))",
        [schema, table],
    )

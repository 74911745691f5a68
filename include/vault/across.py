"""What goes across months under new keys, the version in force, and the end of all old keys."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import psycopg
from psycopg import sql

from include import planner_statistics
from include.database import OWNER, connect
from include.settings import settings
from include.vault import months
from include.vault.exchange import move, update
from include.vault.places import Place, keys, places
from include.vault.rekeyed import SCRATCH
from include.vault.search import ALERT_NO, KEY, search

_LEAST = 20
"""Characters of the shortest of them, an alert's number."""
_BY_MONTH = ("marts", "archive")
_DELIVERED = ("raw", "vault.rekeyed", "vault.told_alert")
"""Where numbers of alerts stand as counties were told them and wrote them down."""


def empty_scratch() -> None:
    """Empty what the last build left, as a crash of the server would: the next one fills it anew.

    Table by table: a transaction may not hold as many locks as there are tables.
    """
    with psycopg.connect(settings().dsn, autocommit=True) as session:
        session.execute("truncate ops.working_schemas")
        for schema, table in session.execute(
            "select schemaname, tablename from pg_tables where schemaname = any(%s)"
            " or schemaname ~ '^rebuild_' order by 1, 2",
            [list(SCRATCH)],
        ).fetchall():
            session.execute(sql.SQL("truncate {}").format(sql.Identifier(schema, table)))


def rotate(connection: psycopg.Connection[Any], version: int) -> None:
    """Exchange keys in what belongs to no month, and put the new version in force."""
    connection.execute(
        "update vault.identifier as i set key = k.new, key_version = %s from vault.rekeyed as k"
        " where i.key = k.old",
        [version],
    )
    found = [place for place in keys(places(connection)) if _is_across(place)]
    for (schema, table), group in groupby(found, key=lambda p: (p.schema, p.table)):
        of_table = list(group)
        if any(place.shape == "array" for place in of_table):
            move(connection, schema, table, of_table)
        else:
            for place in of_table:
                update(connection, place)
    connection.execute(
        "insert into vault.told_alert (told_no, alert_no) select old, new from vault.rekeyed"
        " where old ~ '^YJ' on conflict (told_no) do update set alert_no = excluded.alert_no"
    )
    connection.execute("update vault.key_version set state = 'retired' where state = 'current'")
    connection.execute("update vault.key_version set state = 'current' where state = 'next'")


def forget(connection: psycopg.Connection[Any], version: int) -> list[str]:
    """Search every cell for an old key, exchange what no register knew of, and drop the map.

    Returns the columns that it found so, as schema.table.column. Nothing leads from an old key to
    its new one after that.
    """
    unknown = []
    wanted = sql.SQL("select old as value from vault.rekeyed")
    for found in list(search(connection, wanted, f"{KEY}|{ALERT_NO}", _LEAST, _DELIVERED)):
        place = Place(found.schema, found.table, found.column, "row_keys", "words")
        update(connection, place)
        unknown.append(found.name)
    if any(name.startswith(("marts.", "archive.")) for name in unknown):
        months.record(connection, version)
    connection.execute("truncate vault.rekeyed")
    planner_statistics.forget(connection, "vault", "rekeyed")
    return unknown


def vacuum() -> None:
    """Let the space of the old rows be used again, and the planner forget the old keys."""
    with connect(OWNER) as connection:
        tables = {(p.schema, p.table) for p in keys(places(connection))}
    with psycopg.connect(settings().dsn, autocommit=True) as session:
        for schema, table in sorted(tables):
            planner_statistics.forget(session, schema, table)
            session.execute(sql.SQL("vacuum analyze {}").format(sql.Identifier(schema, table)))


def _is_across(place: Place) -> bool:
    return (
        place.schema not in (*_BY_MONTH, *SCRATCH, "raw")
        and not place.schema.startswith("rebuild_")
        and (place.table, place.column) not in (("identifier", "key"), ("told_alert", "told_no"))
    )

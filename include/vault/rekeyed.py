"""``vault.rekeyed``: each key there is and what it becomes, while the keys are rotated.

Keys are made anew from what they were made of: identifiers of the vault, rows without a usable ID
and quarantined rows from ``raw``, alerts from their rule and subject. A key whose origin is not
held any more (code or rows of before) gets a substitute made from itself, so that what was one
stays one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import contracts
from include.defects import named_subjects, record_space
from include.linkage.assign import SUBJECT, told
from include.linkage.records import subjects
from include.marts import columns_of
from include.vault.places import Place, keys, places
from include.vault.versions import Key

_BATCH = 50_000
_SUBSTITUTE = "rotated"
SCRATCH = ("staging", "spine", "core", "candidate")
"""Schemas of the last build: emptied, and filled by the next."""

Pairs = Iterable[tuple[str, str]]


def fill(
    connection: psycopg.Connection[Any],
    old: Key,
    new: Key,
    tell: Callable[[str], None] = lambda _: None,
) -> int:
    """Write the map anew, in the caller's transaction; how many keys it has."""
    connection.execute("truncate vault.rekeyed")
    tell("keys of identifiers")
    _add(connection, _identifiers(connection, old, new))
    tell("keys of rows without a usable ID")
    _add(connection, _subjects(connection, old, new))
    tell("keys of quarantined records")
    _add(connection, _records(connection, old, new))
    tell("keys of alerts")
    _add_alerts(connection)
    tell("keys whose origin is gone")
    _add_substitutes(connection, new)
    connection.execute("analyze vault.rekeyed")
    row = connection.execute("select count(*) from vault.rekeyed").fetchone()
    assert row is not None
    return int(row[0])


def alert_tables(connection: psycopg.Connection[Any]) -> list[sql.Identifier]:
    """Where alerts are published: none before the first month."""
    return [
        sql.Identifier(schema, "risk_alert")
        for schema in ("marts", "archive")
        if columns_of(connection, schema, "risk_alert")
    ]


def _add(connection: psycopg.Connection[Any], pairs: Pairs) -> None:
    connection.execute("create temporary table made (old text, new text) on commit drop")
    rest = iter(pairs)
    while some := list(islice(rest, _BATCH)):
        with connection.cursor().copy("copy made from stdin") as copy:
            for pair in some:
                copy.write_row(pair)
    connection.execute(
        "insert into vault.rekeyed select distinct on (old) old, new from made"
        " order by old, new on conflict do nothing"
    )
    connection.execute("drop table made")


def _identifiers(connection: psycopg.Connection[Any], old: Key, new: Key) -> Pairs:
    with connection.cursor(name="identifiers") as reader:
        reader.execute("select kind, value, key from vault.identifier")
        while rows := reader.fetchmany(_BATCH):
            for kind, value, key in rows:
                if old.of(kind, value) == key:  # else it is of an earlier secret: a substitute
                    yield key, new.of(kind, value)


def _subjects(connection: psycopg.Connection[Any], old: Key, new: Key) -> Pairs:
    """By month, as many as one build reads; by what rows say, as the linkage names them."""
    connection.execute(
        "create temporary table scope (delivery_id bigint, kind text, is_past boolean)"
        " on commit drop"
    )
    periods = connection.execute(
        "select distinct d.period from ops.delivery as d where exists"
        " (select from vault.unkeyed as u where u.delivery_id = d.delivery_id) order by 1"
    ).fetchall()
    for (period,) in periods:
        connection.execute("truncate scope")
        connection.execute(
            "insert into scope select delivery_id, kind, false from ops.delivery where period = %s",
            [period],
        )
        for said in {told(subject) for subject in subjects(connection)}:
            yield old.of(SUBJECT, said), new.of(SUBJECT, said)
    connection.execute("drop table scope")


def _records(connection: psycopg.Connection[Any], old: Key, new: Key) -> Pairs:
    for contract in contracts().values():
        space = record_space(contract)
        for *_, said in connection.execute(named_subjects(contract)).fetchall():
            yield old.of(space, said), new.of(space, said)


def _add_alerts(connection: psycopg.Connection[Any]) -> None:
    """Keys as models/marts/risk_alert.sql makes them, and the numbers that begin them."""
    for table in alert_tables(connection):
        connection.execute(
            sql.SQL(
                "with made as (select 'YJ' || replace(a.period, '-', '') as month,"
                " a.alert_key as old, encode(sha256(convert_to("
                "concat_ws('/', a.rule_code, a.subject, k.new, a.period), 'UTF8')), 'hex') as new"
                " from {} as a inner join vault.rekeyed as k on k.old = case a.subject"
                " when 'person' then a.person_key else a.household_key end)"
                " insert into vault.rekeyed select distinct old, new from made union select"
                " month || upper(left(old, 12)), month || upper(left(new, 12)) from made"
                " on conflict do nothing"
            ).format(table)
        )


def _add_substitutes(connection: psycopg.Connection[Any], new: Key) -> None:
    for place in keys(places(connection)):
        if place.shape == "words" or place.schema in SCRATCH or place.holds == "alert_no":
            continue
        lost = connection.execute(_unknown(place)).fetchall()
        _add(connection, ((key, new.of(_SUBSTITUTE, key)) for (key,) in lost))


def _unknown(place: Place) -> sql.Composed:
    cells = (
        sql.SQL("select {column} as key from {table}")
        if place.shape == "text"
        else sql.SQL("select unnest({column}) as key from {table}")
    )
    return sql.SQL(
        "select distinct c.key from ({cells}) as c where c.key ~ '^[0-9a-f]{{64}}$' and not exists"
        " (select from vault.rekeyed as k where k.old = c.key)"
    ).format(
        cells=cells.format(
            column=sql.Identifier(place.column), table=sql.Identifier(place.schema, place.table)
        )
    )

"""All that is held on one person, with its sources: what a person may ask to see, as a copy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from include import audit
from include.contracts import contracts
from include.database import OWNER, acting_as, connect
from include.receipts import files, receipts
from include.subject.identity import resolve
from include.subject.person import Subject, condition
from include.subject.tables import as_owner_of
from include.vault.places import Place, keys, places
from include.vault.rotating import settled

_CELLS_NOT_SHOWN = ("_loaded_at", "_unmapped", "_delivery_id", "_row_no")
PUBLISHED = ("marts", "archive")

Holdings = dict[str, Any]


@acting_as(OWNER)
def holdings(wanted: str, reason: str | None = None) -> Holdings:
    """What is held on a person, by where it lies; the look is on record before it is answered.

    ``wanted`` is a person key (12 characters at least) or a resident ID. Raises SubjectRefused,
    and RotationUnderWay while a rotation of the keys was interrupted: the copy would not be whole.
    """
    with connect() as connection:
        settled(connection)
        subject = resolve(connection, wanted)
    with connect("privacy_officer") as officer:
        audit.record(
            officer, "subject_access", ("person", subject.key), purpose="subject_request",
            reason=reason,
        )  # fmt: skip
    audit.copy_head()
    with connect() as connection:
        settled(connection)
        return _held(connection, subject)


def _held(connection: psycopg.Connection[Any], subject: Subject) -> Holdings:
    tables = _tables(connection)
    return {
        "person_keys": sorted(subject.person_keys),
        "resident_ids": sorted(subject.ids),
        "deliveries": _deliveries(connection, subject),
        "rows": _rows(connection, subject),
        "vault": {
            table: _all(connection, "vault", table, columns, subject)
            for (schema, table), columns in tables.items()
            if schema == "vault" and table != "erasure_token"
        },
        # What a build makes of the rows above, and makes again: how many rows of each.
        "working_tables": {
            f"{schema}.{table}": count
            for (schema, table), columns in tables.items()
            if schema not in (*PUBLISHED, "raw", "vault", "ops", "audit")
            and (count := len(_all(connection, schema, table, columns, subject)))
        },
        "marts": _published(connection, "marts", tables, subject),
        "archived_versions": _published(connection, "archive", tables, subject),
        "alert_steps": _query(
            connection, "select * from ops.alert_event where alert_key = any(%s) order by 1",
            sorted(subject.alert_keys),
        ),
        "corrections": _query(
            connection, "select c.* from ops.correction as c inner join audit.subject as s"
            " using (subject) where s.key = any(%s) order by 1", sorted(subject.person_keys),
        ),
        "looks": _query(
            connection, "select e.at, e.account, e.operator, e.action, e.purpose, e.reason"
            " from audit.event as e inner join audit.subject as s using (subject)"
            " where s.key = any(%s) order by e.seq", sorted(subject.keys),
        ),
    }  # fmt: skip


def _deliveries(connection: psycopg.Connection[Any], subject: Subject) -> list[dict[str, Any]]:
    """The files with rows about him: who sent them when, what became of them, and the receipts."""
    numbers = sorted({row.delivery_id for row in subject.rows})
    written = {
        receipt.delivery_id: str(files(receipt)[0].name)
        for receipt in receipts(numbers)
        if files(receipt)[0].exists()
    }
    found = _query(
        connection,
        "select d.delivery_id, d.source, d.kind, d.county_code, d.period, d.file_name, d.sha256,"
        " d.received_at, a.outcome, r.returned_to from ops.delivery as d"
        " left join ops.acceptance as a using (delivery_id)"
        " left join ops.receipt as r using (delivery_id)"
        " where d.delivery_id = any(%s) order by d.delivery_id",
        numbers,
    )
    for delivery in found:
        delivery["title_zh"] = contracts()[delivery["kind"]].title_zh
        delivery["rows"] = sum(row.delivery_id == delivery["delivery_id"] for row in subject.rows)
        delivery["receipt"] = written.get(delivery["delivery_id"])
    return found


def _rows(connection: psycopg.Connection[Any], subject: Subject) -> list[dict[str, Any]]:
    """Each delivered row about him, as delivered, with the defects that were found in it."""
    found = []
    for row in subject.rows:
        (cells,) = _query(
            connection,
            sql.SQL("select * from raw.{} where _delivery_id = %s and _row_no = %s").format(
                sql.Identifier(row.kind)
            ),
            row.delivery_id,
            row.row_no,
        ) or ({},)
        labels = {column.name: column.headers[0] for column in contracts()[row.kind].columns}
        found.append(
            {
                "delivery_id": row.delivery_id,
                "row_no": row.row_no,
                "kind": row.kind,
                "title_zh": contracts()[row.kind].title_zh,
                "about": "household" if row.is_shared else "person",
                "cells": {
                    labels.get(name, name): cell
                    for name, cell in cells.items()
                    if cell is not None and name not in _CELLS_NOT_SHOWN
                }
                | (cells.get("_unmapped") or {}),
                "defects": _query(
                    connection,
                    "select column_name, defect_code, treatment from ops.delivery_defect"
                    " where (delivery_id, row_no) = (%s, %s) order by 1, 2",
                    row.delivery_id,
                    row.row_no,
                ),
            }
        )
    return found


def _tables(connection: psycopg.Connection[Any]) -> dict[tuple[str, str], list[Place]]:
    """(schema, table) -> its columns that hold a key."""
    found: dict[tuple[str, str], list[Place]] = {}
    for place in keys(places(connection)):
        if place.shape != "words":
            found.setdefault((place.schema, place.table), []).append(place)
    return found


def _published(
    connection: psycopg.Connection[Any],
    schema: str,
    tables: dict[tuple[str, str], list[Place]],
    subject: Subject,
) -> dict[str, list[dict[str, Any]]]:
    return {
        table: rows
        for (where, table), columns in tables.items()
        if where == schema and (rows := _all(connection, schema, table, columns, subject))
    }


def _all(
    connection: psycopg.Connection[Any],
    schema: str,
    table: str,
    columns: list[Place],
    subject: Subject,
) -> list[dict[str, Any]]:
    with as_owner_of(connection, schema, table):
        return _query(
            connection,
            sql.SQL("select t.* from {} as t where {} order by t::text").format(
                sql.Identifier(schema, table),
                sql.SQL(" or ").join(condition(place, subject) for place in columns),
            ),
        )


def _query(
    connection: psycopg.Connection[Any], query: str | sql.Composed, *values: Any
) -> list[dict[str, Any]]:
    statement = query.encode() if isinstance(query, str) else query
    with connection.cursor(row_factory=dict_row) as cursor:
        return [
            {
                name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
                for name, value in row.items()
            }
            for row in cursor.execute(statement, list(values)).fetchall()
        ]

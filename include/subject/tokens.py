"""What an erased person is named by, and where of that his name alone may be looked for.

Numbers and keys are one person's wherever they stand. A name, or an address, may be others' too:
it is taken for his in others' rows only where nobody else is known by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import contracts
from include.subject.person import DeliveredRow, Subject
from include.subject.tables import as_owner_of
from include.vault.places import direct, places

COMMON = ("name", "address")
"""Sorts of tokens that others may share."""
LEAST_TOKEN = {"name": 2, "address": 4}
"""Shorter values are nobody's alone; of numbers six characters are the least."""
_OF_OTHERS = ("guardian_name", "helper_name", "helper_phone", "visitor", "child_name")
"""Columns that name somebody else than the row's number does."""


@dataclass(frozen=True)
class Tokens:
    """Values by which a person is looked for, in texts of any kind."""

    values: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """A regular expression, of PostgreSQL and Python alike; matches nothing without values."""
        return "|".join(re.escape(value) for value in self.values) or r"(?!)"


def named_by(connection: psycopg.Connection[Any], subject: Subject) -> Iterator[tuple[str, str]]:
    """(what it is, value) of what names him: keys, numbers in each spelling, what his rows say."""
    yield from (("person_key", key) for key in subject.person_keys)
    yield from (("record_key", key) for key in subject.record_keys)
    yield from (("household_key", key) for key in subject.households)
    yield from (("alert_key", key) for key in subject.alert_keys)
    yield from (("alert_no", _alert_no(connection, key)) for key in subject.alert_keys)
    # And by what counties were told before keys were rotated.
    yield from (
        ("alert_no", told)
        for (told,) in connection.execute(
            "select told_no from vault.told_alert where alert_no = any(%s)",
            [[_alert_no(connection, key) for key in sorted(subject.alert_keys)]],
        )
    )
    for number in subject.ids:
        yield "resident_id", number
        if number[6:8] == "19":
            yield "resident_id", number[:6] + number[8:17]
    yield from (("household_no", number) for number in subject.household_nos)
    columns: dict[str, list[tuple[str, str]]] = {}
    for place in direct(places(connection)):
        if place.schema == "raw" and place.holds != "household_no":
            columns.setdefault(place.table, []).append((place.column, place.holds))
    if "mz_dibao_family" in columns:
        columns["mz_dibao_family"].append(("cert_no", "certificate"))
    by_kind: dict[str, list[DeliveredRow]] = {}
    for row in subject.rows:
        by_kind.setdefault(row.kind, []).append(row)
    for kind, rows in by_kind.items():
        yield from _named_in(connection, kind, columns.get(kind, []), rows, subject)


def _named_in(
    connection: psycopg.Connection[Any],
    kind: str,
    columns: list[tuple[str, str]],
    rows: list[DeliveredRow],
    subject: Subject,
) -> Iterator[tuple[str, str]]:
    for column, holds in columns:
        if column in _OF_OTHERS:
            continue
        for (value,) in connection.execute(
            sql.SQL(
                "select distinct btrim(normalize(r.{column}, nfkc), E' \\t\\r\\n''`’')"
                " from raw.{table} as r inner join unnest(%s::bigint[], %s::bigint[])"
                " as own (delivery_id, row_no)"
                " on r._delivery_id = own.delivery_id and r._row_no = own.row_no"
            ).format(column=sql.Identifier(column), table=sql.Identifier(kind)),
            [[row.delivery_id for row in rows], [row.row_no for row in rows]],
        ):
            if not value or len(value) < LEAST_TOKEN.get(holds, 6):
                continue
            if holds == "resident_id" and value[:17].isdigit() and value[:18] not in subject.ids:
                continue  # the number of another whom the row names
            yield holds, value


def _alert_no(connection: psycopg.Connection[Any], alert_key: str) -> str:
    """As the model risk_alert makes it: YJ, the month and the beginning of the key."""
    for schema in ("marts", "archive"):
        with as_owner_of(connection, schema, "risk_alert"):
            row = connection.execute(
                sql.SQL("select alert_no from {} where alert_key = %s limit 1").format(
                    sql.Identifier(schema, "risk_alert")
                ),
                [alert_key],
            ).fetchone()
        if row:
            return str(row[0])
    return alert_key


def stored(connection: psycopg.Connection[Any], erasure_id: int) -> Tokens:
    """The tokens of an erasure that is not done: the longest first, so that none hides another."""
    rows = connection.execute(
        "select distinct value from vault.erasure_token where erasure_id = %s", [erasure_id]
    ).fetchall()
    return Tokens(tuple(sorted((value for (value,) in rows), key=lambda v: (-len(v), v))))


def his_alone(
    connection: psycopg.Connection[Any], tokens: Iterable[tuple[str, str]], ids: Iterable[str]
) -> set[tuple[str, str]]:
    """The tokens without names and addresses that others have too, or that are part of theirs."""
    given = set(tokens)
    common = {(holds, value) for holds, value in given if holds in COMMON}
    shared: set[tuple[str, str]] = set()
    for kind, columns in _columns(connection).items():
        number = next((c.name for c in contracts()[kind].columns if c.type == "resident_id"), None)
        if number is None:
            continue
        for column, holds in columns:
            wanted = sorted(value for what, value in common - shared if what == holds)
            if not wanted:
                continue
            shared |= {
                (holds, value)
                for (value,) in connection.execute(
                    sql.SQL(
                        "select w.value from unnest(%s::text[]) as w (value) where exists ("
                        "select from raw.{table} as r where position(w.value in r.{column}) > 0"
                        " and vault.is_resident_id(vault.normalise_resident_id(r.{number}))"
                        " and vault.normalise_resident_id(r.{number}) <> all(%s))"
                    ).format(
                        table=sql.Identifier(kind),
                        column=sql.Identifier(column),
                        number=sql.Identifier(number),
                    ),
                    [wanted, sorted(ids)],
                )
            }
    return given - shared


def _columns(connection: psycopg.Connection[Any]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for place in direct(places(connection)):
        if place.schema == "raw" and place.holds in COMMON and place.column not in _OF_OTHERS:
            found.setdefault(place.table, []).append((place.column, place.holds))
    return found

"""Where keys and raw identifiers lie: every place, by schema, table and column.

Read from three sources, so that a new table needs no line here: the database's catalogue says
which columns there are; the contracts say what each raw column holds; and a column made by us is
named for what it holds (``…_key``, ``…_keys``, ``alert_no``). What is named otherwise is declared
in ``_NAMED``. A test searches every cell of a built warehouse for known keys and identifiers and
compares (include/vault/search.py), so that a place which is not listed here fails it.

    with connect() as connection:
        for place in places(connection):          # all of them
            place.schema, place.table, place.column, place.holds, place.shape
        keys(places(connection))                  # keyed hashes: of persons, households, records
        direct(places(connection))                # identifiers, names, phones, … as delivered
        row_places(connection)                    # tables that name a delivered row by its number

``holds`` is a key: ``person_key``, ``household_key``, ``either_key`` (one of the two, by another
column of the row), ``record_key`` (a record of a quarantined row, a subject without an ID),
``alert_key``, ``alert_no``, ``row_keys`` (what names a row: keys among other things); or
delivered: ``resident_id``, ``household_no``, ``system_no`` (a system's own number of a person),
``name``, ``phone``, ``address``, ``bank_no``.

``shape`` is how the cell holds it: ``text`` (the cell is the value), ``array`` of such, or
``words`` (somewhere within the text or JSON).

Raw identifiers belong to the ``CLOSED`` schemas alone, but for one: staging.base_yb_enrol knows an
enrolment by the insurance's own number of the person. Keys are everywhere but in ``seeds``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from include.contracts import Column, contracts

Shape = Literal["text", "array", "words"]
KEYS = (
    "person_key", "household_key", "either_key", "record_key", "alert_key", "alert_no", "row_keys",
)  # fmt: skip
DIRECT = ("resident_id", "household_no", "system_no", "name", "phone", "address", "bank_no")
CLOSED = ("raw", "vault")
"""Schemas in which people stand as they were delivered."""
_NOT_OURS = ("public",)

_NAMED: dict[tuple[str, str], str] = {
    ("identifier", "value"): "resident_id",  # or household_no, by kind
    ("identifier", "key"): "either_key",
    ("subject", "key"): "either_key",  # of the audit chain's pseudonyms
    ("told_alert", "told_no"): "alert_no",
    ("read_yb_settle", "certno"): "person_key",
    ("base_yb_enrol", "psn_no"): "system_no",
    ("gate_result", "row_keys"): "row_keys",
    ("replay", "compared"): "row_keys",
    ("person_link", "subject_key"): "record_key",
    ("rebuild_person_link", "subject_key"): "record_key",
    ("link_review", "subject_key"): "record_key",
    ("link_decision", "subject_key"): "record_key",
    ("delivery_defect", "subject_key"): "record_key",
    ("data_finding", "finding_key"): "either_key",
}
"""(table, column) -> what it holds, where the column's name does not say it."""
_ENDINGS = {
    "case_key": "row_keys",
    "alert_key": "alert_key",
    "person_key": "person_key",
    "alias_key": "person_key",
    "candidate_key": "person_key",
    "household_key": "household_key",
    "household_keys": "household_key",
    "_key": "either_key",
    "alert_no": "alert_no",
}
"""How a column's name ends -> what it holds; the first that fits."""
_SYSTEM_NUMBERS = ("person_no", "psn_no")
_SHAPES: dict[str, Shape] = {
    "text": "text",
    "character varying": "text",
    "text[]": "array",
    "character varying[]": "array",
    "json": "words",
    "jsonb": "words",
}


@dataclass(frozen=True, order=True)
class Place:
    """One column of one table, and what it holds."""

    schema: str
    table: str
    column: str
    holds: str
    shape: Shape

    @property
    def name(self) -> str:
        """schema.table.column"""
        return f"{self.schema}.{self.table}.{self.column}"


@dataclass(frozen=True, order=True)
class RowPlace:
    """A table that names a delivered row: by two columns, or by texts kind/delivery/row."""

    schema: str
    table: str
    delivery: str
    row: str | None
    """None: ``delivery`` is the column of such texts, an array where it ends in ``rows``."""


def text_columns(connection: psycopg.Connection[Any]) -> list[tuple[str, str, str, Shape]]:
    """(schema, table, column, shape) of all columns of our tables that can hold a text."""
    return [
        (schema, table, column, _SHAPES[kind])
        for schema, table, column, kind in _columns(connection)
        if kind in _SHAPES
    ]


def places(connection: psycopg.Connection[Any]) -> tuple[Place, ...]:
    """All places that there are now, in order."""
    found = []
    for schema, table, column, shape in text_columns(connection):
        holds = _delivered(table, column) if schema == "raw" else _made(table, column)
        if holds:
            found.append(
                Place(schema, table, column, holds, "words" if holds == "row_keys" else shape)
            )
    return tuple(sorted(found))


def keys(found: Iterable[Place]) -> tuple[Place, ...]:
    """Those of keyed hashes and what is made from them."""
    return tuple(place for place in found if place.holds in KEYS)


def direct(found: Iterable[Place]) -> tuple[Place, ...]:
    """Those of what people are called and found by, as delivered."""
    return tuple(place for place in found if place.holds in DIRECT)


def row_places(connection: psycopg.Connection[Any]) -> tuple[RowPlace, ...]:
    """Tables whose rows name a delivered row."""
    columns: dict[tuple[str, str], set[str]] = {}
    for schema, table, column, _ in _columns(connection):
        columns.setdefault((schema, table), set()).add(column)
    found = []
    for (schema, table), names in columns.items():
        for delivery, row in (("delivery_id", "row_no"), ("_delivery_id", "_row_no")):
            if {delivery, row} <= names:
                found.append(RowPlace(schema, table, delivery, row))
        found += [
            RowPlace(schema, table, name, None)
            for name in names
            if name == "source_row" or name.endswith("_rows")
        ]
    return tuple(sorted(found, key=lambda place: (place.schema, place.table, place.delivery)))


def _delivered(table: str, column: str) -> str | None:
    """What a raw column holds of a person, as its contract says."""
    contract = contracts().get(table)
    known = {c.name: c for c in contract.columns} if contract else {}
    return _of_contract(known[column]) if column in known else None


def _of_contract(column: Column) -> str | None:
    if column.type in ("resident_id", "household_no"):
        return column.type
    if column.name in _SYSTEM_NUMBERS:
        return "system_no"
    if column.name == "alert_no":
        return "alert_no"
    if column.privacy != "direct":
        return None
    for word in ("phone", "address", "bank_no"):
        if word in column.name:
            return word
    return "name"


def _made(table: str, column: str) -> str | None:
    """What a column of ours holds: as declared, else as it is called."""
    if (table, column) in _NAMED:
        return _NAMED[table, column]
    return next((holds for end, holds in _ENDINGS.items() if column.endswith(end)), None)


def _columns(connection: psycopg.Connection[Any]) -> list[tuple[str, str, str, str]]:
    return connection.execute(
        "select n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, null)"
        " from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid"
        " inner join pg_attribute as a on c.oid = a.attrelid"
        " where c.relkind in ('r', 'p', 'm') and not c.relispartition and a.attnum > 0"
        " and not a.attisdropped and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
        " and n.nspname <> all(%s) order by 1, 2, a.attnum",
        [list(_NOT_OURS)],
    ).fetchall()

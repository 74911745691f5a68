"""Who a person is in the warehouse: numbers, keys, delivered rows, and what he is named by there.

A person is found by every number that leads to one of his keys, by the merges that clerks have
made, and by the rows without a usable number that were linked to him. A household that lists
nobody else is his too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Contract, contracts
from include.errors import WarehouseError
from include.vault.places import Place, direct, places

LEAST_TOKEN = {"name": 2, "address": 4}
"""Shorter values are nobody's alone; of numbers six characters are the least."""

_OF_OTHERS = ("guardian_name", "helper_name", "helper_phone", "visitor", "child_name")
"""Columns that name somebody else than the row's number does."""


class SubjectRefused(WarehouseError):
    """Nobody is known by this, or it is not one person."""


@dataclass(frozen=True, order=True)
class DeliveredRow:
    """A row of ``raw`` about the person. ``is_shared``: others' too, his cells alone are his."""

    kind: str
    delivery_id: int
    row_no: int
    is_shared: bool = False


@dataclass(frozen=True)
class Subject:
    """One person. ``tokens`` are {(holds, value)}: what names him, as delivered and as keyed.

    ``households`` are keys of households in which nobody else was ever listed.
    """

    person_keys: frozenset[str]
    ids: frozenset[str]
    record_keys: frozenset[str]
    households: frozenset[str]
    household_nos: frozenset[str]
    alert_keys: frozenset[str]
    rows: tuple[DeliveredRow, ...]
    tokens: frozenset[tuple[str, str]] = field(default=frozenset())

    @property
    def key(self) -> str:
        """The key that the audit chain knows him by: the first of his, which stays the first."""
        return min(self.person_keys)

    @property
    def keys(self) -> frozenset[str]:
        """All keyed hashes by which he, his records or his household are known."""
        return self.person_keys | self.record_keys | self.households


def resolve(connection: psycopg.Connection[Any], wanted: str) -> Subject:
    """The person of a key (its first 12 characters will do) or a resident ID as anybody writes it.

    Raises SubjectRefused.
    """
    keys = _keys(connection, wanted)
    ids = _column(
        connection, "select value from vault.identifier where kind = 'person' and key = any(%s)",
        sorted(keys),
    )  # fmt: skip
    linked = connection.execute(
        "select distinct kind, delivery_id, row_no, subject_key from vault.person_link"
        " where person_key = any(%s)",
        [sorted(keys)],
    ).fetchall()
    household_nos = _sole_households(connection, ids, linked)
    households = _column(
        connection, "select key from vault.identifier where kind = 'household' and value = any(%s)",
        sorted(household_nos),
    )  # fmt: skip
    rows = tuple(sorted(set(_rows(connection, ids, household_nos, linked))))
    subject = Subject(
        frozenset(keys), frozenset(ids), frozenset(row[3] for row in linked),
        frozenset(households), frozenset(household_nos),
        frozenset(_alerts(connection, keys, households)), rows,
    )  # fmt: skip
    return Subject(**{**vars(subject), "tokens": frozenset(_tokens(connection, subject))})


def _keys(connection: psycopg.Connection[Any], wanted: str) -> set[str]:
    found = set(
        _column(
            connection,
            "select key from vault.identifier where kind = 'person'"
            " and value = vault.normalise_resident_id(%s)",
            wanted,
        )
    )
    if re.fullmatch(r"[0-9a-f]{12,64}", wanted):
        for table, column in _person_columns(connection):
            found |= set(
                _column(
                    connection,
                    sql.SQL("select distinct {0} from {1} where starts_with({0}, %s)").format(
                        sql.Identifier(column), table
                    ),
                    wanted,
                )
            )
    if len(found) != 1:
        raise SubjectRefused(
            f"{len(found) or 'no'} persons are known by this.",
            remedy="give a person key as marts show it, 12 characters at least, or - to be asked"
            " for the resident ID.",
        )
    merged = "select alias_key, person_key from vault.person_alias where undone_at is null"
    pairs = connection.execute(merged).fetchall()
    while more := {key for pair in pairs if found & set(pair) for key in pair} - found:
        found |= more
    return found


def _person_columns(connection: psycopg.Connection[Any]) -> list[tuple[sql.Identifier, str]]:
    """Where a person key may be asked for: also of those who have no number."""
    return [(sql.Identifier("vault", "identifier"), "key")] + [
        (sql.Identifier(*table.split(".")), "person_key")
        for table in ("vault.person_link", "marts.person_month")
        if connection.execute("select to_regclass(%s)", [table]).fetchone() != (None,)
    ]


def _sole_households(
    connection: psycopg.Connection[Any], ids: list[str], linked: list[Any]
) -> set[str]:
    """Numbers of households whose lists name the person and, in all deliveries, nobody else."""
    own = [(row[1], row[2]) for row in linked if row[0] == "county_person"]
    return set(
        _column(
            connection,
            "with own as (select unnest(%(deliveries)s::bigint[]) as delivery_id,"
            " unnest(%(rows)s::bigint[]) as row_no),"
            " listed as (select parse.text(r.household_no) as household_no,"
            " coalesce(vault.normalise_resident_id(r.cert_no) = any(%(ids)s), false)"
            " or own.row_no is not null as is_own"
            " from raw.county_person as r left join own"
            " on r._delivery_id = own.delivery_id and r._row_no = own.row_no)"
            " select household_no from listed where household_no is not null"
            " group by household_no having bool_and(is_own)",
            {
                "ids": ids,
                "deliveries": [delivery for delivery, _ in own],
                "rows": [row for _, row in own],
            },
        )
    )


def _rows(
    connection: psycopg.Connection[Any], ids: list[str], household_nos: set[str], linked: list[Any]
) -> Iterator[DeliveredRow]:
    for kind, delivery_id, row_no, _ in linked:
        yield DeliveredRow(kind, delivery_id, row_no, is_shared(contracts()[kind]))
    certificates: list[str] = []
    for contract in contracts().values():
        query = _own_rows(contract)
        if query is None:
            continue
        for delivery_id, row_no, is_whole in connection.execute(
            query, {"ids": ids, "households": sorted(household_nos)}
        ):
            yield DeliveredRow(
                contract.kind, delivery_id, row_no, is_shared(contract) and not is_whole
            )
        if contract.kind == "mz_dibao_family":
            certificates = _column(
                connection,
                "select distinct parse.text(cert_no) from raw.mz_dibao_family"
                " where vault.normalise_resident_id(head_id) = any(%s)",
                ids,
            )
    # Payments name a certificate alone: those of a family of which he is the head are his.
    for delivery_id, row_no in connection.execute(
        "select _delivery_id, _row_no from raw.mz_dibao_payment"
        " where parse.text(cert_no) = any(%s)",
        [certificates],
    ):
        yield DeliveredRow("mz_dibao_payment", delivery_id, row_no)


def condition(place: Place, subject: Subject) -> sql.Composed:
    """Whether the cell of a place, one or several keys, holds a key of his."""
    wanted = sorted(
        subject.alert_keys
        if place.holds == "alert_key"
        else {value for holds, value in subject.tokens if holds == "alert_no"}
        if place.holds == "alert_no"
        else subject.keys
    )
    return sql.SQL("{} {}({}::text[])").format(
        sql.Identifier(place.column),
        sql.SQL("&&" if place.shape == "array" else "= any"),
        sql.Literal(wanted),
    )


def is_shared(contract: Contract) -> bool:
    """Whether a row is about a household whatever person it names: others need it."""
    of_grain = [contract.column(name).type for name in contract.grain]
    return "household_no" in of_grain and "resident_id" not in of_grain


def _own_rows(contract: Contract) -> sql.Composed | None:
    """Query of (delivery, row, whether the household is his alone); None: the kind names nobody."""
    about = [
        sql.SQL("vault.normalise_resident_id(r.{}) = any(%(ids)s)").format(sql.Identifier(c.name))
        for c in contract.columns
        if c.type == "resident_id"
    ]
    whole = [
        sql.SQL("parse.text(r.{}) = any(%(households)s)").format(sql.Identifier(c.name))
        for c in contract.columns
        if c.type == "household_no"
    ]
    if not about and not whole:
        return None
    return sql.SQL(
        "select r._delivery_id, r._row_no, coalesce({whole}, false) from raw.{table} as r"
        " where {either}"
    ).format(
        whole=whole[0] if whole else sql.SQL("false"),
        table=sql.Identifier(contract.kind),
        either=sql.SQL(" or ").join([*about, *whole]),
    )


def _alerts(
    connection: psycopg.Connection[Any], keys: set[str], households: list[str]
) -> Iterator[str]:
    for table in ("marts.risk_alert", "archive.risk_alert"):
        if connection.execute("select to_regclass(%s)", [table]).fetchone() == (None,):
            continue
        yield from _column(
            connection,
            sql.SQL(
                "select distinct alert_key from {} where person_key = any(%s)"
                " or household_key = any(%s)"
            ).format(sql.Identifier(*table.split("."))),
            sorted(keys),
            sorted(households),
        )


def _tokens(connection: psycopg.Connection[Any], subject: Subject) -> Iterator[tuple[str, str]]:
    """What names him: keys, numbers in each spelling, and what his rows call him."""
    yield from (("person_key", key) for key in subject.person_keys)
    yield from (("record_key", key) for key in subject.record_keys)
    yield from (("household_key", key) for key in subject.households)
    yield from (("alert_key", key) for key in subject.alert_keys)
    yield from (("alert_no", _alert_no(connection, key)) for key in subject.alert_keys)
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
    row = connection.execute(
        "select alert_no from marts.risk_alert where alert_key = %s"
        " union all select alert_no from archive.risk_alert where alert_key = %s limit 1",
        [alert_key, alert_key],
    ).fetchone()
    return str(row[0]) if row else alert_key


def _column(connection: psycopg.Connection[Any], query: Any, *values: Any) -> list[Any]:
    parameters = values[0] if len(values) == 1 and isinstance(values[0], dict) else list(values)
    statement = query.encode() if isinstance(query, str) else query
    return [value for (value,) in connection.execute(statement, parameters)]

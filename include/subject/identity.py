"""Who a person is in the warehouse: numbers, keys, delivered rows, and what he is named by there.

A person is found by every number that leads to one of his keys, by the merges that clerks have
made, and by the rows without a usable number that were linked to him. A household that lists
nobody else is his too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Contract, contracts
from include.errors import WarehouseError
from include.subject.person import DeliveredRow, Subject, is_shared
from include.subject.tables import as_owner_of, exists
from include.subject.tokens import named_by


class SubjectRefused(WarehouseError):
    """Nobody is known by this, or it is not one person."""


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
    return Subject(**{**vars(subject), "tokens": frozenset(named_by(connection, subject))})


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
        # Those who have no number are known by their links and in the marts alone.
        for schema, table, column in (
            ("vault", "identifier", "key"),
            ("vault", "person_link", "person_key"),
            ("marts", "person_month", "person_key"),
        ):
            if not exists(connection, schema, table):
                continue
            of_persons = sql.SQL(" and kind = 'person'" if table == "identifier" else "")
            with as_owner_of(connection, schema, table):
                found |= set(
                    _column(
                        connection,
                        sql.SQL("select distinct {0} from {1} where starts_with({0}, %s)").format(
                            sql.Identifier(column), sql.Identifier(schema, table)
                        )
                        + of_persons,
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
    for schema in ("marts", "archive"):
        if not exists(connection, schema, "risk_alert"):
            continue
        with as_owner_of(connection, schema, "risk_alert"):
            yield from _column(
                connection,
                sql.SQL(
                    "select distinct alert_key from {} where person_key = any(%s)"
                    " or household_key = any(%s)"
                ).format(sql.Identifier(schema, "risk_alert")),
                sorted(keys),
                sorted(households),
            )


def _column(connection: psycopg.Connection[Any], query: Any, *values: Any) -> list[Any]:
    parameters = values[0] if len(values) == 1 and isinstance(values[0], dict) else list(values)
    statement = query.encode() if isinstance(query, str) else query
    return [value for (value,) in connection.execute(statement, parameters)]

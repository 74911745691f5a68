"""Keyed hashes of identifiers. The secret stays in this process; the vault stores the results."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Column
from include.vault.rotating import settled
from include.vault.versions import Key, identifier_key, in_force

__all__ = ["identifier_key", "key_identifiers"]

_NORMALISED = {
    "person": "select distinct vault.normalise_resident_id({column}) as value from raw.{table} "
    "where _delivery_id = %(delivery)s and {column} is not null",
    "household": "select distinct parse.text({column}) as value from raw.{table} "
    "where _delivery_id = %(delivery)s and {column} is not null",
}
_VALID = {"person": "vault.is_resident_id(value)", "household": "value ~ '^[0-9]{{16}}$'"}
_BATCH = 50_000
_KIND = {"resident_id": "person", "household_no": "household"}


def key_identifiers(
    connection: psycopg.Connection[Any], table: str, columns: tuple[Column, ...], delivery_id: int
) -> int:
    """Key the valid identifiers of one delivery that the vault does not know; returns how many.

    Runs in the caller's transaction, and one load after the other: two that add the same new
    identifiers in different order would wait for each other for ever. Raises WrongSecret before
    anything is keyed with one, and RotationUnderWay.
    """
    settled(connection)
    key = in_force(connection)
    connection.execute("select pg_advisory_xact_lock(hashtext('vault.identifier'))")
    keyed = 0
    for column in columns:
        keyed += _key_column(connection, key, table, column, delivery_id)
        if _KIND[column.type] == "person":
            _list_unkeyed(connection, table, column, delivery_id)
    return keyed


def _list_unkeyed(
    connection: psycopg.Connection[Any], table: str, column: Column, delivery_id: int
) -> None:
    """Note the rows whose identifier has no key: whom they are about is for the linkage to find."""
    connection.execute(
        sql.SQL(
            "insert into vault.unkeyed (delivery_id, row_no, column_name) "
            "select r._delivery_id, r._row_no, {name} from raw.{table} as r "
            "left join vault.identifier as known on known.kind = 'person' "
            "and known.value = vault.normalise_resident_id(r.{column}) "
            "where r._delivery_id = {delivery} and known.key is null"
        ).format(
            name=sql.Literal(column.name),
            table=sql.Identifier(table),
            column=sql.Identifier(column.name),
            delivery=sql.Literal(delivery_id),
        )
    )


def _key_column(
    connection: psycopg.Connection[Any], key: Key, table: str, column: Column, delivery_id: int
) -> int:
    kind = _KIND[column.type]
    fresh = sql.SQL(
        "select value from (" + _NORMALISED[kind] + ") as found where " + _VALID[kind] + " "
        "and not exists (select from vault.identifier as known "
        "where known.kind = %(kind)s and known.value = found.value)"
    ).format(column=sql.Identifier(column.name), table=sql.Identifier(table))
    with connection.cursor(name="fresh_identifiers") as reader, connection.cursor() as writer:
        reader.execute(fresh, {"delivery": delivery_id, "kind": kind})
        writer.execute(
            "create temporary table if not exists keyed (value text, key text) on commit drop"
        )
        writer.execute("truncate keyed")
        while batch := reader.fetchmany(_BATCH):
            with writer.copy("copy keyed from stdin") as copy:
                for (value,) in batch:
                    copy.write_row((value, key.of(kind, value)))
        writer.execute(
            "insert into vault.identifier (kind, value, key, key_version) "
            "select %s, value, key, %s from keyed on conflict do nothing",
            [kind, key.version],
        )
        return writer.rowcount

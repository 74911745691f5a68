"""Keyed hashes of identifiers. The secret stays in this process; the vault stores the results."""

from __future__ import annotations

import hmac
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Column
from include.errors import ConfigurationMissing
from include.settings import settings

_NORMALISED = {
    "person": "select distinct vault.normalise_resident_id({column}) as value from raw.{table} "
    "where _delivery_id = %(delivery)s and {column} is not null",
    "household": "select distinct parse.text({column}) as value from raw.{table} "
    "where _delivery_id = %(delivery)s and {column} is not null",
}
_VALID = {"person": "vault.is_resident_id(value)", "household": "value ~ '^[0-9]{{16}}$'"}
_BATCH = 50_000
_KIND = {"resident_id": "person", "household_no": "household"}


def identifier_key(kind: str, value: str) -> str:
    """HMAC-SHA256 (64 hex digits) of a normalised identifier; ``kind`` keeps the key spaces apart.

    Raises ConfigurationMissing without WAREHOUSE_PERSON_KEY_SECRET.
    """
    secret = settings().person_key_secret
    if not secret:
        raise ConfigurationMissing(
            "WAREHOUSE_PERSON_KEY_SECRET is not set.",
            remedy="set it to the secret this warehouse was started with; a new one makes every "
            "person a new person.",
        )
    return hmac.digest(secret.encode(), f"{kind}:{value}".encode(), "sha256").hex()


def key_identifiers(
    connection: psycopg.Connection[Any], table: str, columns: tuple[Column, ...], delivery_id: int
) -> int:
    """Key the valid identifiers of one delivery that the vault does not know; returns how many.

    Runs in the caller's transaction, and one load after the other: two that add the same new
    identifiers in different order would wait for each other for ever.
    """
    connection.execute("select pg_advisory_xact_lock(hashtext('vault.identifier'))")
    keyed = 0
    for column in columns:
        keyed += _key_column(connection, table, column, delivery_id)
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
    connection: psycopg.Connection[Any], table: str, column: Column, delivery_id: int
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
                    copy.write_row((value, identifier_key(kind, value)))
        writer.execute(
            "insert into vault.identifier (kind, value, key, key_version) "
            "select %s, value, key, %s from keyed on conflict do nothing",
            [kind, settings().person_key_version],
        )
        return writer.rowcount

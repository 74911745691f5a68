"""Databases and accounts of a PostgreSQL server, made or mended by its superuser. Idempotent."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

DATABASES = {
    "airflow": "airflow",
    "warehouse": "warehouse_etl",
    "civil_affairs": "civil_affairs_admin",
}
"""Database -> the account that owns it."""
READ_ONLY_ACCOUNTS = {"bi_city": "warehouse", "civil_affairs_reader": "civil_affairs"}
BI_GROUP = "bi_reader"
"""What the publisher grants marts to; people's accounts are members of it."""


def bootstrap(superuser: psycopg.Connection[object], passwords: Mapping[str, str]) -> None:
    """Make accounts and databases, set each account's password to the one in ``passwords``.

    ``superuser`` must be in autocommit (databases are not made in a transaction).
    """
    for owner in DATABASES.values():
        _account(superuser, owner, passwords[owner])
    for reader, database in READ_ONLY_ACCOUNTS.items():
        _account(superuser, reader, passwords[reader])
        _do(superuser, "alter role {} set default_transaction_read_only = on", reader)
        _do(superuser, "alter role {} set statement_timeout = '15min'", reader)
        if database == "warehouse":
            _do(superuser, "alter role {} set search_path = marts, pg_catalog", reader)
    if not _exists(superuser, "pg_roles", "rolname", BI_GROUP):
        _do(superuser, "create role {} nologin", BI_GROUP)
    _do(superuser, "grant {} to {}", BI_GROUP, "bi_city")

    for database, owner in DATABASES.items():
        if not _exists(superuser, "pg_database", "datname", database):
            _do(superuser, "create database {} owner {}", database, owner)
        _do(superuser, "revoke all on database {} from public", database)
    _do(superuser, "revoke all on database {} from public", "postgres")
    _do(superuser, "grant connect on database {} to {}", "warehouse", BI_GROUP)
    _do(superuser, "grant connect on database {} to {}", "civil_affairs", "civil_affairs_reader")


def let_reader_read(civil_affairs: psycopg.Connection[object]) -> None:
    """In the civil-affairs database: what its owner makes, the read-only account may read."""
    with civil_affairs.transaction():
        _do(civil_affairs, "grant usage on schema public to {}", "civil_affairs_reader")
        _do(
            civil_affairs,
            "alter default privileges for role {} in schema public grant select on tables to {}",
            "civil_affairs_admin",
            "civil_affairs_reader",
        )


def _account(connection: psycopg.Connection[object], name: str, password: str) -> None:
    verb = "alter" if _exists(connection, "pg_roles", "rolname", name) else "create"
    connection.execute(
        sql.SQL("{} role {} login password {}").format(
            sql.SQL(verb), sql.Identifier(name), sql.Literal(password)
        )
    )


def _do(connection: psycopg.Connection[object], statement: str, *names: str) -> None:
    text = sql.SQL(statement)
    connection.execute(text.format(*map(sql.Identifier, names)))


def _exists(connection: psycopg.Connection[object], catalogue: str, column: str, name: str) -> bool:
    query = sql.SQL("select 1 from {} where {} = %s").format(
        sql.Identifier(catalogue), sql.Identifier(column)
    )
    return connection.execute(query, [name]).fetchone() is not None

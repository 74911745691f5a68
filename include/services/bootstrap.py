"""Databases and accounts of a PostgreSQL server, made or mended by its superuser. Idempotent."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from include.access.roles import names

DATABASES = {
    "airflow": "airflow",
    "warehouse": "warehouse_etl",
    "civil_affairs": "civil_affairs_admin",
}
"""Database -> the account that owns it."""
WAREHOUSE_OWNER = DATABASES["warehouse"]


def bootstrap(superuser: psycopg.Connection[object], passwords: Mapping[str, str]) -> None:
    """Make accounts and databases, set each account's password to the one in ``passwords``.

    ``superuser`` must be in autocommit (databases are not made in a transaction).
    """
    for owner in DATABASES.values():
        _account(superuser, owner, passwords[owner])
    _account(superuser, "civil_affairs_reader", passwords["civil_affairs_reader"])
    _do(superuser, "alter role {} set default_transaction_read_only = on", "civil_affairs_reader")
    _do(superuser, "alter role {} set statement_timeout = '15min'", "civil_affairs_reader")
    # The warehouse's owner makes and keeps the roles of roles.yml (include/access), and no others.
    _do(superuser, "alter role {} createrole", WAREHOUSE_OWNER)
    for role, said in names(()).items():
        if said.logs_in:
            _account(superuser, role, passwords.get(role))
        elif _exists(superuser, "pg_roles", "rolname", role):
            _do(superuser, "alter role {} nologin", role)
        else:
            _do(superuser, "create role {} nologin", role)
        only_admin = "grant {} to {} with admin true, inherit false, set false"
        _do(superuser, only_admin, role, WAREHOUSE_OWNER)

    for database, owner in DATABASES.items():
        if not _exists(superuser, "pg_database", "datname", database):
            _do(superuser, "create database {} owner {}", database, owner)
        _do(superuser, "revoke all on database {} from public", database)
    _do(superuser, "revoke all on database {} from public", "postgres")
    _do(superuser, "grant connect on database {} to {}", "civil_affairs", "civil_affairs_reader")


def close_large_objects(warehouse: psycopg.Connection[object]) -> None:
    """In the warehouse: nobody makes objects that no table's rights cover. As the superuser, whose
    functions these are."""
    warehouse.execute(
        "revoke execute on function lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea)"
        " from public"
    )


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


def _account(connection: psycopg.Connection[object], name: str, password: str | None) -> None:
    """Without a password nobody logs in as it; one that was given to it meanwhile stays."""
    exists = _exists(connection, "pg_roles", "rolname", name)
    if exists and password is None:
        return
    connection.execute(
        sql.SQL("{} role {} login password {}").format(
            sql.SQL("alter" if exists else "create"), sql.Identifier(name), sql.Literal(password)
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

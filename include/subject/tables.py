"""Our tables, and working in each as the role that owns it.

Marts are the publisher's and what builds make is the transformer's, each under row-level security:
the account that owns the database may become these roles, and has to, to see a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

SCRATCH = ("staging", "spine", "core", "candidate", "quality", "rebuild_", "replay_")
"""How the names of schemas begin that builds, replays and gates fill again."""


def tables(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """(schema, table) of all our tables, in order."""
    return connection.execute(
        "select schemaname::text, tablename::text from pg_tables"
        " where schemaname !~ '^pg_' and schemaname <> 'information_schema' order by 1, 2"
    ).fetchall()


def exists(connection: psycopg.Connection[Any], schema: str, table: str) -> bool:
    """Whether there is such a table."""
    return _owner(connection, schema, table) is not None


@contextmanager
def as_owner_of(connection: psycopg.Connection[Any], schema: str, table: str) -> Iterator[None]:
    """Work as the role that owns a table, for some statements of a transaction.

    After an error the transaction is over, and with it the role.
    """
    owner = _owner(connection, schema, table)
    row = connection.execute("select current_user::text, current_setting('role')").fetchone()
    assert row is not None
    if owner in (None, row[0]):
        yield
        return
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(str(owner))))
    yield
    connection.execute("select set_config('role', %s, true)", [row[1]])


def _owner(connection: psycopg.Connection[Any], schema: str, table: str) -> str | None:
    """From the catalogue, which asks for no right on the schema."""
    row = connection.execute(
        "select pg_get_userbyid(c.relowner)::text from pg_class as c"
        " inner join pg_namespace as n on c.relnamespace = n.oid"
        " where (n.nspname, c.relname) = (%s, %s)",
        [schema, table],
    ).fetchone()
    return row[0] if row else None

"""Connections to the warehouse, and the migrations that make its fixed schemas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from include.errors import ConfigurationMissing
from include.settings import settings

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 431000


@contextmanager
def connect(dsn: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """One connection, one transaction: commits on success, rolls back on any exception.

    Raises ConfigurationMissing where no DSN is configured.
    """
    dsn = dsn or settings().dsn
    if not dsn:
        raise ConfigurationMissing(
            "WAREHOUSE_DSN is not set.",
            remedy="start the embedded services with ./warehouse up, or set WAREHOUSE_DSN.",
        )
    with psycopg.connect(dsn) as connection:
        yield connection


def migrate(dsn: str | None = None) -> list[str]:
    """Apply the numbered SQL files not applied yet, all in one transaction; returns their names."""
    with connect(dsn) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [_MIGRATION_LOCK])
        connection.execute("create schema if not exists ops")
        connection.execute(
            "create table if not exists ops.migration ("
            "name text primary key, applied_at timestamptz not null default now())"
        )
        done = {name for (name,) in connection.execute("select name from ops.migration")}
        fresh = [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name not in done]
        for path in fresh:
            connection.execute(path.read_text(encoding="utf-8").encode())
            connection.execute("insert into ops.migration (name) values (%s)", [path.name])
    return [path.name for path in fresh]

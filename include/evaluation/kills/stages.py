"""States of a scratch municipality that can be gone back to: its database and its files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from include.access.enforce import enforce
from include.services import embedded
from include.services.bootstrap import DATABASES

_DATABASE = "warehouse"
_FOLDERS = ("landing", "sources/county", "receipts")


class Stages:
    """Saved states by name; a crash of the server empties what is unlogged in them as well."""

    def __init__(self, home: Path) -> None:
        self._home, self._kept = home, home / "stages"

    def save(self, name: str) -> None:
        """Keep the current state under ``name``."""
        with _server() as server:
            _end_sessions(server, _DATABASE)
            _copy(server, _DATABASE, f"stage_{name}")
        for folder in _FOLDERS:
            _mirror(self._home / folder, self._kept / name / folder)

    def restore(self, name: str) -> None:
        """Go back to the state ``name``."""
        with _server() as server:
            _end_sessions(server, f"stage_{name}")
            _copy(server, f"stage_{name}", _DATABASE)
        enforce()  # what is granted of a database is not copied
        for folder in _FOLDERS:
            _mirror(self._kept / name / folder, self._home / folder)


@contextmanager
def _server() -> Iterator[psycopg.Connection[object]]:
    with psycopg.connect(embedded.dsn("postgres", "postgres"), autocommit=True) as server:
        yield server


def _end_sessions(server: psycopg.Connection[object], database: str) -> None:
    server.execute(
        "select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = %s",
        [database],
    )


def _copy(server: psycopg.Connection[object], origin: str, target: str) -> None:
    names = {"origin": sql.Identifier(origin), "target": sql.Identifier(target)}
    server.execute(sql.SQL("drop database if exists {target} with (force)").format(**names))
    # The other way of copying writes to the log, which with wal_level minimal leaves out indexes of
    # unlogged tables: after a kill they would be damaged, as those of no warehouse are.
    server.execute(
        sql.SQL(
            "create database {target} template {origin} owner {owner} strategy file_copy"
        ).format(**names, owner=sql.Identifier(DATABASES[_DATABASE]))
    )


def _mirror(origin: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if origin.exists():
        shutil.copytree(origin, target)

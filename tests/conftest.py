"""A migrated warehouse for every test that asks for one, on a server of the tests' own."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from include.access.declaration import concrete, declaration
from include.access.enforce import enforce
from include.database import migrate
from include.load import ensure_raw_tables
from include.settings import settings

SERVER_VARIABLE = "WAREHOUSE_TEST_SERVER_DSN"
PERSON_KEY_SECRET = "not-a-secret"


def database_url(server: str, name: str) -> str:
    """The server's URL with another database."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@contextmanager
def fresh_database(server: str, template: str = "template1") -> Iterator[str]:
    """A database made from a template and dropped at the end; its URL."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name} template {template}".encode())
    try:
        yield database_url(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"drop database {name} with (force)".encode())


@contextmanager
def only_environment(**values: str) -> Iterator[None]:
    """``WAREHOUSE_*`` exactly as given: no test reaches a system of the user's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("WAREHOUSE_") and name != SERVER_VARIABLE:
                patch.delenv(name)
        for name, value in values.items():
            patch.setenv(f"WAREHOUSE_{name.upper()}", value)
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """A PostgreSQL superuser's URL: WAREHOUSE_TEST_SERVER_DSN, else an embedded server."""
    if given := os.environ.get(SERVER_VARIABLE):
        yield given
        return
    from include.services import embedded, postgres, supervisor

    # Not tmp_path_factory: its folder is closed to the account the server runs as under root.
    home = Path(tempfile.mkdtemp(prefix="warehouse-server-"))
    postgres.open_home(home)
    before = dict(os.environ)
    try:
        with only_environment(home=str(home)):
            supervisor.start(["postgres"])
            dsn = embedded.dsn("postgres", "postgres")
        # Starting fills the environment with the server's addresses; the tests set their own.
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()
        yield dsn
    finally:
        with only_environment(home=str(home)):
            supervisor.stop(["postgres"])
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def _warehouse_template(server_dsn: str) -> Iterator[str]:
    """Name of a database with all migrations and raw tables, which tests copy."""
    with fresh_database(server_dsn) as dsn:
        with only_environment(dsn=dsn):
            migrate()
            ensure_raw_tables()
            enforce()
        _let_tests_stand_in_for_dbt(dsn)
        yield urlsplit(dsn).path.lstrip("/")


def _let_tests_stand_in_for_dbt(dsn: str) -> None:
    """What tests make by hand in dbt's schemas may be read as if dbt had made it."""
    with psycopg.connect(dsn) as connection:
        for schemas, privilege, roles in (
            ("candidate, staging, seeds, spine, core, quality", "all", "transformer"),
            ("candidate", "select, maintain", "publisher"),
            ("seeds", "select", "loader, case_reader"),
            ("quality", "all", "loader"),
            ("marts, archive", "all", "publisher"),
            ("marts, archive", "select", "transformer"),
            ("marts", "select", "bi_city, case_worker, case_reader"),
        ):
            connection.execute(
                f"alter default privileges in schema {schemas}"
                f" grant {privilege} on tables to {roles}".encode()
            )


def drop_tables(connection: psycopg.Connection[Any], *schemas: str) -> None:
    """All tables of the schemas; the schemas stay, and with them what is granted of them."""
    for (table,) in connection.execute(
        "select format('%%I.%%I', schemaname, tablename) from pg_tables where schemaname = any(%s)",
        [list(schemas)],
    ).fetchall():
        connection.execute(f"drop table {table} cascade".encode())


@contextmanager
def _warehouse(server: str, template: str, home: Path) -> Iterator[str]:
    with (
        fresh_database(server, template) as dsn,
        only_environment(dsn=dsn, home=str(home), person_key_secret=PERSON_KEY_SECRET),
    ):
        _grant_database(dsn)
        yield dsn


def _grant_database(dsn: str) -> None:
    """What is granted of the database itself: a copy of it does not have that."""
    name = urlsplit(dsn).path.lstrip("/")
    with psycopg.connect(dsn) as connection:
        for privilege, declared in declaration().database.items():
            roles = ", ".join(role for each in declared for role in concrete(each))
            connection.execute(f"grant {privilege} on database {name} to {roles}".encode())


@pytest.fixture
def warehouse(server_dsn: str, _warehouse_template: str, tmp_path: Path) -> Iterator[str]:
    """An empty warehouse for one test; its URL. Settings name it and a fresh home folder."""
    with _warehouse(server_dsn, _warehouse_template, tmp_path) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def warehouse_module(
    server_dsn: str, _warehouse_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Like ``warehouse``, shared by the tests of a module."""
    with _warehouse(server_dsn, _warehouse_template, tmp_path_factory.mktemp("home")) as dsn:
        yield dsn


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A fresh home folder, and no service at all."""
    with only_environment(home=str(tmp_path)):
        yield tmp_path

"""A database of its own per test module, on the server WAREHOUSE_TEST_SERVER_DSN names."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from include.contracts import contracts
from include.database import migrate
from include.settings import settings


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated, empty warehouse; its DSN. Settings point at it and at a fresh home folder."""
    server = os.environ["WAREHOUSE_TEST_SERVER_DSN"]
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name}")
    base, _, _ = server.rpartition("/")
    dsn = f"{base}/{name}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_DSN", dsn)
        patch.setenv("WAREHOUSE_HOME", str(tmp_path_factory.mktemp("home")))
        settings.cache_clear()
        migrate()
        make_raw_tables(dsn)
        yield dsn
    settings.cache_clear()
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)")


def make_raw_tables(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        for kind, contract in contracts().items():
            columns = ", ".join(f"{column.name} text" for column in contract.columns)
            connection.execute(
                f"create table raw.{kind} ({columns}, _delivery_id bigint not null,"
                " _row_no bigint not null, _loaded_at timestamptz not null default now())"
            )
            connection.execute(f"create index on raw.{kind} (_delivery_id)")


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    """An autocommitting connection to the module's warehouse."""
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection



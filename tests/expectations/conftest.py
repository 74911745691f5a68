"""The warehouse of these tests is their module's: judging hundreds of small deliveries adds up."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.expectations.candidate import deliver_month


@pytest.fixture(scope="module")
def warehouse(warehouse_module: str) -> str:
    """A migrated warehouse for the whole module; its DSN."""
    return warehouse_module


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    """An autocommitting connection to the module's warehouse."""
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def delivered(warehouse_module: str) -> str:
    """A warehouse with the deliveries of two months."""
    with psycopg.connect(warehouse_module, autocommit=True) as connection:
        deliver_month(connection, "2026-01")
        deliver_month(connection)
    return warehouse_module

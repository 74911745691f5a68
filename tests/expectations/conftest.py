"""The warehouse of these tests is their module's: judging hundreds of small deliveries adds up."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture(scope="module")
def warehouse(warehouse_module: str) -> str:
    """A migrated warehouse for the whole module; its DSN."""
    return warehouse_module


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    """An autocommitting connection to the module's warehouse."""
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection

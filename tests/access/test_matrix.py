"""Every role at every object: the declaration's matrix, tried against the real database."""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest

from include.access.catalog import things
from include.access.declaration import concrete, declaration
from include.access.matrix import Cell, cells, differing, tried
from tests.access.conftest import COUNTY, TOWNSHIP, Login


@pytest.fixture(scope="module")
def matrix(accessible: str, server_dsn: str) -> list[Cell]:
    with psycopg.connect(accessible) as connection:
        return cells(connection)


def test_no_cell_of_the_matrix_differs(matrix: list[Cell], login: Login) -> None:
    by_role: dict[str, list[Cell]] = {}
    for cell in matrix:
        by_role.setdefault(cell.role, []).append(cell)
    found = [each for role, row in by_role.items() for each in differing(login(role), row)]
    assert [(c.role, c.object, c.action, c.is_allowed, came) for c, came in found] == []


def test_the_matrix_has_every_role_and_every_object(
    matrix: list[Cell], owner: psycopg.Connection
) -> None:
    roles = {name for role in declaration().roles for name in concrete(role, (TOWNSHIP,))}
    assert {cell.role for cell in matrix} == {r for r in roles if "_reader" not in r}
    there = {f"{thing.kind} {thing.address}" for thing in things(owner) if not thing.is_dependent}
    assert {cell.object for cell in matrix} == there | {"database"}
    assert len(there) > 100
    allowed = Counter(cell.role for cell in matrix if cell.is_allowed)
    assert min(allowed.values()) > 1  # each role may do something, or the tries prove nothing
    # A view for each mart, in a schema of its own; that of the marts has a function for all.
    assert allowed[f"bi_county_{COUNTY}"] == allowed["bi_city"] + 1


def test_a_right_too_many_or_too_few_is_seen_by_the_tries(
    matrix: list[Cell], login: Login, accessible: str
) -> None:
    role = "bi_city"
    row = [cell for cell in matrix if cell.role == role]
    with psycopg.connect(accessible, autocommit=True) as db:
        db.execute("grant usage on schema ops to bi_city; grant select on ops.build to bi_city")
        db.execute("revoke select on marts.county_scorecard from bi_city")
        try:
            seen = {(c.object, c.action) for c, _ in differing(login(role), row)}
        finally:
            db.execute(
                "revoke usage on schema ops from bi_city; revoke select on ops.build from bi_city;"
                " grant select on marts.county_scorecard to bi_city"
            )
    assert seen == {
        ("schema ops", "usage"),
        ("table ops.build", "select"),
        ("table marts.county_scorecard", "select"),
    }


def test_a_try_changes_nothing(matrix: list[Cell], login: Login) -> None:
    count = "select count(*) from marts.county_scorecard"
    before = login("publisher").execute(count).fetchone()
    row = [cell for cell in matrix if cell.role == "publisher" and "marts" in cell.object]
    assert any(
        came == "done" and cell.action == "truncate"
        for cell, came in tried(login("publisher"), row)
    )
    assert login("publisher").execute(count).fetchone() == before

"""What a publication changed: rows by mart and county, values by column, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from include.difference import Change, rows, stored
from tests.unit.publications import COUNTIES, household_rows, published


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection


def test_a_first_version_has_added_its_rows(db: psycopg.Connection) -> None:
    found = stored(db, published(db, household_rows()))
    assert found == [Change("household_month", county, None, 2, 0, 0) for county in COUNTIES]


def test_an_empty_first_version_has_changed_nothing(db: psycopg.Connection) -> None:
    assert stored(db, published(db, [])) == []


def test_rows_and_columns_are_counted_by_county(db: psycopg.Connection) -> None:
    published(db, household_rows())
    again = household_rows()
    again[0] = (*again[0][:3], 200, 3)  # wage of the first county
    again[1] = (*again[1][:3], 200, 4)  # wage and members
    del again[2]  # the second county's first
    again.append(("2026-02", "new", "431003", 100, 3))
    found = stored(db, published(db, again))
    assert found == [
        Change("household_month", "431001", None, 0, 0, 2),
        Change("household_month", "431001", "members", 0, 0, 1),
        Change("household_month", "431001", "wage", 0, 0, 2),
        Change("household_month", "431002", None, 0, 1, 0),
        Change("household_month", "431003", None, 1, 0, 0),
    ]
    assert rows(found) == {"household_month": (1, 1, 2)}


def test_a_row_that_moves_counts_in_its_new_county(db: psycopg.Connection) -> None:
    published(db, household_rows())
    again = household_rows()
    again[0] = (*again[0][:2], "431009", *again[0][3:])
    assert stored(db, published(db, again)) == [
        Change("household_month", "431009", None, 0, 0, 1),
        Change("household_month", "431009", "county_code", 0, 0, 1),
    ]


def test_a_value_that_comes_or_goes_is_a_change(db: psycopg.Connection) -> None:
    before = household_rows()
    before[0] = (*before[0][:3], None, 3)
    published(db, before)
    after = household_rows()
    after[2] = (*after[2][:3], 100, None)
    assert [(c.county_code, c.column_name) for c in stored(db, published(db, after))] == [
        ("431001", None),
        ("431001", "wage"),
        ("431002", None),
        ("431002", "members"),
    ]


def test_the_same_rows_again_have_no_difference(db: psycopg.Connection) -> None:
    published(db, household_rows())
    assert stored(db, published(db, household_rows())) == []


def test_all_rows_may_go_and_come(db: psycopg.Connection) -> None:
    published(db, household_rows(1))
    assert rows(stored(db, published(db, []))) == {"household_month": (0, 11, 0)}
    assert rows(stored(db, published(db, household_rows(1)))) == {"household_month": (11, 0, 0)}


def test_another_months_rows_are_not_counted(db: psycopg.Connection) -> None:
    published(db, household_rows(period="2026-01"))
    found = stored(db, published(db, household_rows(wage=7)))
    assert rows(found) == {"household_month": (22, 0, 0)}

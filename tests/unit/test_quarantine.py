"""What waits in quarantine: read from the published mart, the oldest first."""

from __future__ import annotations

import psycopg
import pytest

from include.quarantine import NothingPublished, backlog
from tests.expectations.backlog import COLUMNS

Row = tuple[object, ...]
ROWS: list[Row] = [
    ("2026-01", "county_income", "431026", "D13", "金额", 1, 1, 0, "2026-01", 0),
    ("2026-02", "county_income", "431026", "D13", "金额", 0, 0, 1, None, None),
    ("2026-02", "county_income", "431027", "D13", "金额", 2, 2, 0, "2026-02", 0),
    ("2026-02", "county_household", "431026", "D02", "截断", 1, 0, 0, "2026-01", 1),
    ("2026-03", "county_household", "431026", "D02", "截断", 1, 0, 0, "2026-01", 2),
]


def publish(dsn: str, rows: list[Row]) -> None:
    """A mart of these rows; February is the last published month, March was blocked."""
    listed = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute(f"create table marts.quarantine_backlog ({listed})".encode())
        for row in rows:
            marks = ", ".join(["%s"] * len(row))
            db.execute(f"insert into marts.quarantine_backlog values ({marks})".encode(), row)
        for period, state in (
            ("2026-01", "published"),
            ("2026-02", "published"),
            ("2026-03", "blocked"),
        ):
            db.execute(
                "with b as (insert into ops.build (period, known_at, seeds_sha256, code_sha256) "
                "values (%s, now(), 's', 'c') returning build_id) "
                "insert into ops.publication (period, version, build_id, state) "
                "select %s, 1, build_id, %s from b",
                [period, period, state],
            )


def test_the_last_published_month_and_its_oldest_rows_first(warehouse: str) -> None:
    publish(warehouse, ROWS)
    assert [(one.period, one.county_code, one.defect_code) for one in backlog()] == [
        ("2026-02", "431026", "D02"), ("2026-02", "431027", "D13"), ("2026-02", "431026", "D13"),
    ]  # fmt: skip


def test_a_month_and_a_county(warehouse: str) -> None:
    publish(warehouse, ROWS)
    assert [one.open_rows for one in backlog("2026-01")] == [1]
    assert [one.defect_code for one in backlog("2026-02", "431027")] == ["D13"]
    assert backlog("2026-02", "431002") == []


def test_nothing_in_quarantine_is_no_error(warehouse: str) -> None:
    publish(warehouse, [])
    assert backlog() == []


def test_before_the_first_publication_it_says_so(warehouse: str) -> None:
    with pytest.raises(NothingPublished, match="publish a month first"):
        backlog()

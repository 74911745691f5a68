"""Small candidates of two marts, and builds that have passed their gate: what a publisher needs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include.locks import begin_candidate, complete_candidate, working_schemas
from include.marts import candidate_marts, content
from include.publish import publish

PERIOD = "2026-02"
OPEN = datetime(2026, 3, 14, 15, 59, tzinfo=UTC)
"""A minute before the month is closed: the 15th, midnight in Beijing."""
CLOSED = datetime(2026, 3, 14, 16, 0, tzinfo=UTC)
COUNTIES = [f"4310{number:02}" for number in range(1, 12)]
Row = tuple[Any, ...]


def household_rows(each: int = 2, period: str = PERIOD, wage: int = 100) -> list[Row]:
    """(period, household_key, county_code, wage, members): so many households in each county."""
    return [
        (period, f"{county}-{number}", county, wage, 3)
        for county in COUNTIES
        for number in range(each)
    ]


def fill(
    db: psycopg.Connection,
    rows: list[Row],
    *,
    columns: str = "wage numeric(8, 2), members integer",
    mart: str = "household_month",
) -> None:
    """Make candidate.<mart> of the rows, keyed by period and household."""
    db.execute(f"drop table if exists candidate.{mart}".encode())
    db.execute(
        f"create table candidate.{mart} (period text not null, household_key text not null,"
        f" county_code text, {columns}, primary key (period, household_key))".encode()
    )
    db.execute(f"comment on column candidate.{mart}.county_code is 'the county'".encode())
    with (
        db.cursor() as cursor,
        cursor.copy(f"copy candidate.{mart} from stdin".encode()) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def passed(db: psycopg.Connection, period: str = PERIOD) -> int:
    """A build whose candidate is what lies there now, and which has passed its gate."""
    row = db.execute(
        "insert into ops.build (period, known_at, seeds_sha256, code_sha256)"
        " values (%s, clock_timestamp(), 'seeds', 'code') returning build_id",
        [period],
    ).fetchone()
    assert row is not None
    with db.transaction():
        seen = {mart.name: content(db, "candidate", mart, period) for mart in candidate_marts(db)}
    with working_schemas(row[0]):
        begin_candidate(row[0])
        complete_candidate(row[0])
    db.execute("update ops.build set candidate = %s where build_id = %s", [Jsonb(seen), row[0]])
    db.execute(
        "insert into ops.gate_result (build_id, suite, expectation, severity, success)"
        " values (%s, 'marts.household_month', 'holds', 'critical', true)",
        [row[0]],
    )
    return int(row[0])


def published(db: psycopg.Connection, rows: list[Row], now: datetime = OPEN, **how: Any) -> int:
    """Fill the candidate, pass and publish it; the publication's number."""
    fill(db, rows, **how)
    period = rows[0][0] if rows else PERIOD
    return publish(passed(db, period), now=now)


def shown(db: psycopg.Connection, schema: str = "marts", mart: str = "household_month") -> list:
    """All rows of a mart, sorted."""
    return sorted(db.execute(f"table {schema}.{mart}".encode()).fetchall(), key=repr)

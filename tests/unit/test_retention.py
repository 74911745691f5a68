"""What is dropped when its time is over, and what never is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from include.cli.main import app
from include.contracts import contracts
from include.errors import RollbackRefused
from include.holds import let_go
from include.landing import store
from include.publications import lines
from include.retention import Plan, drop, plan, rules
from include.rollback import rollback
from tests.unit.publications import PERIOD, household_rows, published, shown

VERSION, FILE, REPLAY = (
    timedelta(days=rules()[name].days) for name in ("archived_version", "landing_file", "replay")
)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection


def versions(db: psycopg.Connection, count: int) -> datetime:
    """So many versions of the month, each published a minute after the one before; the last's time.

    Version n holds the wage n.
    """
    for wage in range(1, count + 1):
        published(db, household_rows(wage=wage))
    first = datetime(2026, 3, 1, tzinfo=UTC)
    db.execute(
        "update ops.publication set published_at = %s + version * interval '1 minute'", [first]
    )
    return first + count * MINUTE


def dropped(found: Plan) -> list[int]:
    return [version.version for version in found.versions]


def test_nothing_published_nothing_dropped(db: psycopg.Connection) -> None:
    assert drop("li") == Plan([], [])
    assert db.execute("select count(*) from ops.retention").fetchone() == (0,)


def test_a_version_goes_when_its_days_are_over(db: psycopg.Connection) -> None:
    last = versions(db, 5)
    # Version 1 was replaced three minutes before the last, by version 2.
    over = last - 3 * MINUTE + VERSION
    assert dropped(plan(over - MINUTE)) == []
    assert dropped(plan(over)) == []
    assert dropped(plan(over + timedelta(seconds=1))) == [1]


def test_the_latest_replaced_versions_stay_whatever_their_age(db: psycopg.Connection) -> None:
    last = versions(db, 5)
    assert rules()["archived_version"].versions == 2
    found = plan(last + 10 * VERSION)
    assert dropped(found) == [1, 2]
    assert {version.rows for version in found.versions} == {22}


def test_what_is_dropped_is_gone_and_on_record(db: psycopg.Connection) -> None:
    last = versions(db, 5)
    before = shown(db)
    found = drop("li", last + 10 * VERSION)
    assert shown(db) == before
    assert {row[4] for row in shown(db, "archive")} == {3, 4}
    assert db.execute(
        "select requested_by, versions, archived_rows, files, bytes from ops.retention"
    ).fetchall() == [("li", [v.publication_id for v in found.versions], 44, 0, 0)]
    assert [line.is_dropped for line in lines(db, PERIOD)] == [True, True, False, False, False]
    assert drop("li", last + 10 * VERSION) == Plan([], [])
    with pytest.raises(RollbackRefused, match="dropped by retention"):
        rollback(PERIOD, 1, reason="r", by="li")
    rollback(PERIOD, 3, reason="r", by="li")


def test_a_held_month_keeps_all_its_versions(db: psycopg.Connection) -> None:
    last = versions(db, 5)
    rollback(PERIOD, reason="wrong", by="li")
    db.execute("update ops.publication set published_at = %s where version = 6", [last])
    assert dropped(plan(last + 10 * VERSION)) == []
    let_go(db, PERIOD, "right again", "li")
    assert dropped(plan(last + 10 * VERSION)) == [1, 2, 3]


def deliver(
    db: psycopg.Connection,
    content: bytes,
    *,
    kind: str = "county_income",
    period: str = PERIOD,
    outcome: str | None = "accepted",
) -> str:
    """A file in landing that came on the first of March 2026; its sha256."""
    _, size, sha256 = store([content])
    came = datetime(2026, 3, 1, tzinfo=UTC)
    row = db.execute(
        "insert into ops.delivery (source, kind, county_code, period, file_name, bytes, sha256,"
        " row_count, contract_version, received_at)"
        " values (%s, %s, '431002', %s, 'f.csv', %s, %s, 1, '1', %s) returning delivery_id",
        [contracts()[kind].source, kind, period, size, sha256, came],
    ).fetchone()
    assert row is not None
    db.execute(
        "insert into ops.arrival (delivery_id, uri, received_at) values (%s, 'file:///f', %s)",
        [row[0], came],
    )
    if outcome:
        db.execute(
            "insert into ops.acceptance (delivery_id, outcome, decided_at) values (%s, %s, %s)",
            [row[0], outcome, came],
        )
    return sha256


CAME = datetime(2026, 3, 1, tzinfo=UTC)
MONTH_END = datetime(2026, 2, 28, 16, tzinfo=UTC)
LONG_AFTER = CAME + FILE + timedelta(days=1)


def test_a_file_that_nothing_reads_goes_when_its_days_are_over(db: psycopg.Connection) -> None:
    sha256 = deliver(db, b"rejected", outcome="rejected")
    assert plan(CAME + FILE).files == []
    (found,) = plan(CAME + FILE + timedelta(seconds=1)).files
    assert (found.sha256, found.bytes) == (sha256, 8)
    assert found.path.read_bytes() == b"rejected"
    drop("li", LONG_AFTER)
    assert not found.path.exists()
    assert db.execute("select sha256, bytes from ops.landing_dropped").fetchall() == [(sha256, 8)]
    assert drop("li", LONG_AFTER) == Plan([], [])


def test_a_file_that_came_again_or_waits_for_its_verdict_stays(db: psycopg.Connection) -> None:
    deliver(db, b"unjudged", outcome=None)
    deliver(db, b"again", outcome="rejected")
    db.execute(
        "insert into ops.arrival (delivery_id, uri, received_at)"
        " select max(delivery_id), 'file:///g', %s from ops.delivery",
        [LONG_AFTER - timedelta(days=1)],
    )
    assert plan(LONG_AFTER).files == []


def test_what_a_kept_version_was_built_from_stays_until_replay_is_over(
    db: psycopg.Connection,
) -> None:
    deliver(db, b"read")
    published(db, household_rows())
    over = MONTH_END + REPLAY
    assert over > LONG_AFTER
    assert plan(over - timedelta(seconds=1)).files == []
    assert len(plan(over).files) == 1


@pytest.mark.parametrize(
    ("kind", "period", "stays"),
    [
        ("county_income", "2026-01", True),  # read for the month before
        ("county_income", "2025-12", False),
        ("county_household", "2020-01", True),  # read from the beginning
        ("yb_settle", "2025-03", True),  # read for the year
        ("yb_settle", "2025-02", False),
    ],
)
def test_how_far_back_a_build_reads_is_what_its_contract_says(
    db: psycopg.Connection, kind: str, period: str, stays: bool
) -> None:
    deliver(db, b"older", kind=kind, period=period)
    published(db, household_rows())
    assert plan(LONG_AFTER).files == [] if stays else len(plan(LONG_AFTER).files) == 1


def test_what_only_a_dropped_version_read_goes_with_it(db: psycopg.Connection) -> None:
    """The replaced version's file stays as long as the version can be rolled back to."""
    deliver(db, b"first")
    published(db, household_rows(wage=1))
    db.execute("update ops.acceptance set outcome = 'rejected'")  # no later version reads it
    for wage in (2, 3, 4):
        published(db, household_rows(wage=wage))
    db.execute("update ops.publication set published_at = %s", [LONG_AFTER - VERSION])
    assert plan(LONG_AFTER) == Plan([], [])
    found = plan(LONG_AFTER + MINUTE)
    assert (dropped(found), len(found.files)) == ([1], 1)


def test_bytes_delivered_for_two_months_stay_for_either(db: psycopg.Connection) -> None:
    deliver(db, b"same", period="2020-01", outcome="rejected")
    deliver(db, b"same")
    published(db, household_rows())
    assert plan(LONG_AFTER).files == []


def test_a_run_killed_before_the_files_went_is_made_up_for(db: psycopg.Connection) -> None:
    deliver(db, b"rejected", outcome="rejected")
    (file,) = drop("li", LONG_AFTER).files
    store([b"rejected"])  # as if it had never been taken away
    assert drop("li", LONG_AFTER).files == [file]
    assert not file.path.exists()


def test_the_command(db: psycopg.Connection) -> None:
    deliver(db, b"rejected", outcome="rejected")
    db.execute("update ops.delivery set received_at = now() - interval '20 years'")
    db.execute("update ops.arrival set received_at = now() - interval '20 years'")
    run = CliRunner().invoke
    assert "1 files (8 bytes) would be dropped" in run(app, ["retention", "--dry-run"]).output
    told = json.loads(run(app, ["retention", "--json", "--actor", "li"]).output)
    assert (told["dry_run"], len(told["files"]), told["versions"]) == (False, 1, [])
    assert "0 files (0 bytes) were dropped" in run(app, ["retention"]).output

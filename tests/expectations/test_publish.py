"""Gate and publisher on real tables: blocked, published, unchanged, archived, and never half."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

import psycopg
import pytest

from include.errors import GateBlocked
from include.gate import audit
from include.publish import publish as release
from tests.conftest import drop_tables
from tests.expectations.candidate import PERIOD, PUBLISHED, deliver_month, fill, open_build

MARTS = ("county_scorecard", "household_month")
STILL_OPEN = datetime(2026, 3, 1, tzinfo=UTC)
"""Before the months of these tests are closed: their changes need nobody's approval."""


def publish(build_id: int) -> int:
    return release(build_id, now=STILL_OPEN)


@pytest.fixture(scope="module")
def delivered(warehouse: str) -> None:
    with psycopg.connect(warehouse, autocommit=True) as db:
        deliver_month(db, "2026-01")
        deliver_month(db)


@pytest.fixture
def clean(db: psycopg.Connection, delivered: None) -> psycopg.Connection:
    """The warehouse with deliveries, and neither builds nor publications nor marts."""
    drop_tables(db, "marts", "archive")
    db.execute("truncate ops.publication, ops.gate_result, ops.build restart identity cascade")
    return db


def audited(db: psycopg.Connection, **how: object) -> int:
    """A build with a sound candidate that passed its gate."""
    fill(db, **how)  # type: ignore[arg-type]
    build_id = open_build(db, str(how.get("period", PERIOD)))
    audit(build_id)
    return build_id


def everything(db: psycopg.Connection, schema: str = "marts") -> dict[str, list]:
    tables = [
        name
        for (name,) in db.execute("select tablename from pg_tables where schemaname = %s", [schema])
    ]
    return {
        name: sorted(db.execute(f"table {schema}.{name}").fetchall(), key=repr)
        for name in sorted(tables)
    }


def one(db: psycopg.Connection, query: str, *values: object) -> tuple:
    row = db.execute(query, values).fetchone()
    assert row is not None
    return row


def test_a_month_that_passes_is_published_as_a_whole(clean: psycopg.Connection) -> None:
    build_id = audited(clean)
    publication_id = publish(build_id)
    for mart in MARTS:
        assert everything(clean)[mart] == everything(clean, "candidate")[mart]
    state, version, deliveries, marts = one(
        clean,
        "select state, version, cardinality(deliveries), marts from ops.publication"
        " where publication_id = %s",
        publication_id,
    )
    accepted = one(clean, "select count(*) from ops.accepted_delivery")[0]
    assert (state, version, deliveries) == ("published", 1, accepted)
    counted = {mart: len(rows) for mart, rows in everything(clean, "candidate").items()}
    assert {mart: entry["rows"] for mart, entry in marts.items()} == counted
    assert (counted["county_scorecard"], counted["household_month"]) == (11, 30)
    assert all(len(entry["sha256"]) == 64 for entry in marts.values())


def test_marts_are_keyed_and_commented_like_their_candidate(clean: psycopg.Connection) -> None:
    publish(audited(clean))
    comments = one(
        clean,
        "select obj_description('marts.household_month'::regclass),"
        " col_description('marts.household_month'::regclass, 1)",
    )
    assert comments == ("the table household_month", "month, YYYY-MM")
    with pytest.raises(psycopg.errors.UniqueViolation):
        clean.execute("insert into marts.household_month table marts.household_month")


def test_readers_get_what_is_published(clean: psycopg.Connection, warehouse: str) -> None:
    publish(audited(clean))
    for role, schema, counties in (
        ("bi_city", "marts", 11),
        ("bi_county_431002", "marts_431002", 1),
    ):
        with psycopg.connect(warehouse) as reader:
            reader.execute(f"set role {role}".encode())
            assert one(reader, f"select count(*) from {schema}.county_scorecard") == (counties,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"delete from {schema}.county_scorecard".encode())


def test_the_same_rows_again_touch_nothing(clean: psycopg.Connection) -> None:
    publish(audited(clean))
    before = clean.execute("select xmin, ctid, * from marts.household_month").fetchall()
    again = publish(audited(clean))
    assert clean.execute("select xmin, ctid, * from marts.household_month").fetchall() == before
    assert not any(everything(clean, "archive").values())
    assert one(
        clean, "select state, version from ops.publication where publication_id = %s", again
    ) == ("unchanged", 1)


def test_a_corrected_month_replaces_and_archives_the_old(clean: psycopg.Connection) -> None:
    first = publish(audited(clean))
    old = everything(clean)
    second = publish(audited(clean, wage=33000))
    assert everything(clean) == everything(clean, "candidate")
    assert everything(clean) != old
    assert everything(clean, "archive") == {
        mart: [(first, *row) for row in rows] for mart, rows in old.items()
    }
    third = publish(audited(clean))
    assert everything(clean) == old
    versions = clean.execute(
        "select publication_id, version from ops.publication order by publication_id"
    ).fetchall()
    assert versions == [(first, 1), (second, 2), (third, 3)]


def test_another_month_leaves_this_one_alone(clean: psycopg.Connection) -> None:
    publish(audited(clean, period="2026-01"))
    january = everything(clean)
    publish(audited(clean))
    for mart in MARTS:
        rows = everything(clean)[mart]
        assert [row for row in rows if row[0] == "2026-01"] == january[mart]
        assert {row[0] for row in rows} == {"2026-01", PERIOD}


def test_a_failed_gate_publishes_nothing_and_says_why(clean: psycopg.Connection) -> None:
    publish(audited(clean))
    before = everything(clean)
    fill(clean, wage=33000)
    clean.execute(
        "update candidate.household_month set wage_income = wage_income + 1"
        " where county_code = '431026' and is_new"
    )
    build_id = open_build(clean)
    with pytest.raises(GateBlocked) as blocked:
        audit(build_id)
    message = str(blocked.value)
    assert "gross income is wage + business + property + transfer income" in message
    assert "1 row (counties 431026)" in message
    assert "file:///" in message and ".html" in message
    state, version, reason = one(
        clean,
        "select state, version, reason from ops.publication where build_id = %s",
        build_id,
    )
    assert (state, version) == ("blocked", 2)
    assert reason in message
    with pytest.raises(GateBlocked, match="failed 1 critical"):
        publish(build_id)
    assert everything(clean) == before
    (keys,) = one(
        clean,
        "select row_keys from ops.gate_result where build_id = %s and not success"
        " and severity = 'critical'",
        build_id,
    )
    assert keys == [
        one(
            clean,
            "select household_key from candidate.household_month"
            " where county_code = '431026' and is_new",
        )[0]
    ]


def test_a_gate_run_again_replaces_its_results(clean: psycopg.Connection) -> None:
    fill(clean)
    clean.execute("update candidate.county_scorecard set insured_share = 2")
    build_id = open_build(clean)
    for _ in range(2):
        with pytest.raises(GateBlocked):
            audit(build_id)
    assert one(clean, "select count(*) from ops.publication") == (1,)
    fill(clean)
    audit(build_id)
    assert one(clean, "select count(*) filter (where not success) from ops.gate_result") == (0,)
    publish(build_id)


def test_keys_kept_are_at_most_twenty(clean: psycopg.Connection) -> None:
    fill(clean)
    clean.execute("update candidate.household_month set gross_income = 0")
    build_id = open_build(clean)
    with pytest.raises(GateBlocked, match=rf"30 rows \(counties {PUBLISHED[0]}, "):
        audit(build_id)
    kept = one(
        clean,
        "select jsonb_array_length(row_keys), unexpected_count from ops.gate_result"
        " where expectation = 'gross_is_sum_of_classes'",
    )
    assert kept == (20, 30)


def test_a_warning_is_recorded_and_published_over(
    clean: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    fill(clean)
    clean.execute("update candidate.household_month set members = 3, persons_on_file = 3")
    for mart in ("household_month", "person_month"):
        clean.execute(
            f"update candidate.{mart} set village_code = null where county_code = '431026'".encode()
        )
    build_id = open_build(clean)
    with caplog.at_level(logging.WARNING):
        audit(build_id)
    assert "at least 95 % of the households have a village code" in caplog.text
    publish(build_id)
    assert one(
        clean,
        "select severity, unexpected_count from ops.gate_result"
        " where not success and suite = 'marts.household_month'",
    ) == ("warning", 3)


def test_a_candidate_changed_after_its_gate_is_refused(clean: psycopg.Connection) -> None:
    build_id = audited(clean)
    clean.execute("update candidate.household_month set net_income = net_income + 1 where is_new")
    with pytest.raises(GateBlocked, match="changed after the gate: household_month"):
        publish(build_id)
    assert everything(clean) == {}


def test_a_mart_added_after_the_gate_is_refused(clean: psycopg.Connection) -> None:
    build_id = audited(clean)
    clean.execute("create table candidate.extra (period text primary key)")
    try:
        with pytest.raises(GateBlocked, match="changed after the gate: extra"):
            publish(build_id)
        with pytest.raises(GateBlocked, match=r"candidate\.extra: has no expectation suite"):
            audit(open_build(clean))
    finally:
        clean.execute("drop table candidate.extra")


@pytest.mark.parametrize("build", ["unknown", "ungated", "of another period"])
def test_a_build_without_a_passed_gate_is_refused(clean: psycopg.Connection, build: str) -> None:
    audited(clean)
    build_id = {"unknown": 99, "ungated": open_build(clean)}.get(build) or open_build(
        clean, "2026-01"
    )
    words = {"unknown": "does not exist", "ungated": "no results"}.get(
        build, "one_period|every row"
    )
    with pytest.raises(GateBlocked, match=words):
        if build == "of another period":
            audit(build_id)
        publish(build_id)
    assert everything(clean) == {}


def test_a_candidate_rebuilt_for_another_period_is_refused(clean: psycopg.Connection) -> None:
    build_id = audited(clean)
    fill(clean, "2026-01")
    with pytest.raises(GateBlocked, match="rows of other periods than 2026-02"):
        publish(build_id)


def test_a_failure_in_the_middle_leaves_the_last_month_as_it_was(
    clean: psycopg.Connection,
) -> None:
    publish(audited(clean))
    before, log = everything(clean), one(clean, "select count(*) from ops.publication")
    build_id = audited(clean, wage=33000)
    clean.execute(
        "create or replace function quality.refuse() returns trigger language plpgsql"
        " as $$ begin raise exception 'disk full'; end $$;"
        " create trigger refuse before insert on marts.household_month"
        " execute function quality.refuse()"
    )
    with pytest.raises(psycopg.errors.RaiseException):
        publish(build_id)
    assert everything(clean) == before
    assert not any(everything(clean, "archive").values())
    assert one(clean, "select count(*) from ops.publication") == log
    clean.execute("drop trigger refuse on marts.household_month")
    publish(build_id)
    assert everything(clean) == everything(clean, "candidate")


def test_a_reader_sees_the_old_month_or_the_new(clean: psycopg.Connection, warehouse: str) -> None:
    """The publisher is held up between its marts; a reader meanwhile sees only the old month."""
    publish(audited(clean))
    build_id = audited(clean, wage=33000)
    clean.execute(
        "create or replace function quality.wait() returns trigger language plpgsql"
        " as $$ begin perform pg_advisory_xact_lock(7); return new; end $$;"
        " create trigger wait before insert on marts.household_month"
        " execute function quality.wait()"
    )
    query = (
        "select (select sum(net_income_pp) from marts.county_scorecard),"
        " (select round(avg(net_income), 2) from marts.household_month)"
    )
    old = one(clean, query)
    with psycopg.connect(warehouse) as holder:
        holder.execute("select pg_advisory_lock(7)")
        publisher = threading.Thread(target=publish, args=[build_id])
        publisher.start()
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        while publisher.is_alive() and one(clean, waiting) == (0,):
            pass
        assert publisher.is_alive()
        during = one(clean, query)
        holder.execute("select pg_advisory_unlock(7)")
        publisher.join()
    assert during == old
    new = one(clean, query)
    assert [a != b for a, b in zip(new, old, strict=True)] == [True, True]


def test_rows_nobody_accounts_for_are_not_overwritten(clean: psycopg.Connection) -> None:
    publish(audited(clean))
    clean.execute("truncate ops.publication cascade")
    build_id = audited(clean, wage=33000)
    before = everything(clean)
    with pytest.raises(GateBlocked, match="that no publication accounts for"):
        publish(build_id)
    assert everything(clean) == before


def test_a_gate_without_tables_says_what_is_missing(clean: psycopg.Connection) -> None:
    build_id = open_build(clean)
    drop_tables(clean, "candidate")
    with pytest.raises(GateBlocked, match="schema candidate holds no mart"):
        audit(build_id)
    fill(clean)
    clean.execute("drop table staging.delivery_accounting")
    with pytest.raises(GateBlocked, match=r"staging.delivery_accounting does not exist"):
        audit(build_id)
    clean.execute("alter table candidate.household_month drop constraint household_month_pkey")
    with pytest.raises(GateBlocked, match=r"candidate.household_month: has no primary key"):
        audit(build_id)

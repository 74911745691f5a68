"""A publication taken back: the earlier rows, all else as it was, and nobody undoes it unasked."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from typer.testing import CliRunner

from include.cli.main import app
from include.difference import Change, rows, stored
from include.errors import GateBlocked, MonthHeld, RollbackRefused
from include.holds import held_months, let_go, to_build
from include.publications import NoSuchPublication, changes, lines
from include.publish import publish
from include.rollback import rollback
from tests.unit.publications import OPEN, PERIOD, fill, household_rows, passed, published, shown


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection


def back(to: int | None = None, reason: str = "the county recalled it") -> int:
    return rollback(PERIOD, to, reason=reason, by="li")


def three_versions(db: psycopg.Connection) -> list[list]:
    """Versions 1, 2 and 3 of the month; the rows of each."""
    found = []
    for wage in (100, 200, 300):
        published(db, household_rows(wage=wage))
        found.append(shown(db))
    return found


def test_the_version_before_is_shown_again_as_a_new_one(db: psycopg.Connection) -> None:
    versions = three_versions(db)
    restoring = back()
    assert shown(db) == versions[1]
    line, changed = changes(db, PERIOD)
    assert (line.publication_id, line.version, line.restores_version) == (restoring, 4, 2)
    assert (line.state, line.by, line.reason) == ("published", "li", "the county recalled it")
    assert rows(changed) == {"household_month": (0, 0, 22)}
    assert Change("household_month", "431001", "wage", 0, 0, 2) in changed
    archived = db.execute(
        "select publication_id, count(*) from archive.household_month group by 1 order by 1"
    ).fetchall()
    assert archived == [(1, 22), (2, 22), (3, 22)]  # the archive keeps what was restored, too


def test_rolled_back_again_the_month_goes_further_back(db: psycopg.Connection) -> None:
    versions = three_versions(db)
    back()
    back()
    assert shown(db) == versions[0]
    assert [hold.publication_id for hold in held_months(db).values()] == [5]
    with pytest.raises(RollbackRefused, match="has no version before 1"):
        back()


def test_a_rollback_is_itself_taken_back(db: psycopg.Connection) -> None:
    versions = three_versions(db)
    back(1)
    back(3)
    assert shown(db) == versions[2]
    back(4)  # which showed the rows of version 1
    assert shown(db) == versions[0]
    assert changes(db, PERIOD)[0].restores_version == 1


@pytest.mark.parametrize(
    ("period", "to", "reason", "words"),
    [
        (PERIOD, None, " ", "reason is empty"),
        ("2026-01", None, "r", "2026-01 is not published"),
        (PERIOD, 9, "r", "has no version 9"),
        (PERIOD, 3, "r", "shows the rows of version 3 already"),
    ],
)
def test_what_cannot_be_rolled_back_is_refused(
    db: psycopg.Connection, period: str, to: int | None, reason: str, words: str
) -> None:
    versions = three_versions(db)
    with pytest.raises(RollbackRefused, match=words):
        rollback(period, to, reason=reason, by="li")
    assert shown(db) == versions[2]
    assert held_months(db) == {}


def test_rows_that_were_tampered_with_do_not_come_back(db: psycopg.Connection) -> None:
    versions = three_versions(db)
    db.execute("update archive.household_month set wage = 1 where household_key = '431001-0'")
    with pytest.raises(RollbackRefused, match="not what was published"):
        back()
    assert shown(db) == versions[2]


def test_dropped_rows_do_not_come_back(db: psycopg.Connection) -> None:
    three_versions(db)
    db.execute("update ops.publication set dropped_at = now() where version = 2")
    with pytest.raises(RollbackRefused, match="dropped by retention"):
        back()


def test_an_empty_version_comes_back_empty(db: psycopg.Connection) -> None:
    published(db, [])
    published(db, household_rows())
    back()
    assert shown(db) == []


def test_another_month_is_not_touched(db: psycopg.Connection) -> None:
    published(db, household_rows(period="2026-01"))
    three_versions(db)
    back()
    assert len([row for row in shown(db) if row[0] == "2026-01"]) == 22


def test_a_mart_that_came_later_has_no_rows_then(db: psycopg.Connection) -> None:
    published(db, household_rows())
    fill(db, household_rows(), mart="extra")
    publish(passed(db), now=OPEN)
    back()
    assert shown(db, mart="extra") == []
    back(2)
    assert len(shown(db, mart="extra")) == 22
    db.execute("drop table candidate.extra")
    db.execute("drop table marts.extra cascade")
    back(1)
    with pytest.raises(RollbackRefused, match="held extra, which is no longer"):
        back(2)


def test_policies_grants_and_comments_stay(db: psycopg.Connection) -> None:
    """Who then reads what, each by his own login: tests/access/test_versions.py."""
    published(db, household_rows(wage=100))
    before = _surroundings(db)
    (of_county,) = (each for each in before[0][4] if each.startswith("county_reader_431002"))
    assert "[county_code] IS NOT NULL" in of_county
    published(db, household_rows(wage=200))
    back()
    assert _surroundings(db) == before
    let_go(db, PERIOD, "the cause is gone", "li")
    published(db, household_rows(wage=300))
    assert _surroundings(db) == before


def test_what_nobody_declared_goes_with_the_next_version(db: psycopg.Connection) -> None:
    published(db, household_rows(wage=100))
    before = _surroundings(db)
    db.execute(
        "create policy more on marts.household_month to bi_county_431002 using (true);"
        " grant delete on marts.household_month to bi_county_431002"
    )
    assert _surroundings(db) != before
    published(db, household_rows(wage=200))
    assert _surroundings(db) == before


def _surroundings(db: psycopg.Connection) -> list:
    return db.execute(
        "select c.oid, c.relacl::text, c.relrowsecurity, obj_description(c.oid),"
        " array(select p.polname::text || pg_get_expr(p.polqual, p.polrelid) from pg_policy as p"
        " where p.polrelid = c.oid), array(select col_description(c.oid, a.attnum)"
        " from pg_attribute as a where a.attrelid = c.oid and a.attnum > 0 order by a.attnum)"
        " from pg_class as c where c.relnamespace = any(array['marts',"
        " 'marts_431002']::regnamespace[]) and c.relkind in ('r', 'v') order by c.oid"
    ).fetchall()


def test_a_reader_in_its_transaction_sees_one_version(
    db: psycopg.Connection, warehouse: str
) -> None:
    three_versions(db)
    with psycopg.connect(warehouse) as reader:
        reader.execute("set transaction isolation level repeatable read")
        query = "select array_agg(distinct wage)::int[] from marts.household_month"
        assert reader.execute(query).fetchone() == ([300],)
        back()
        assert reader.execute(query).fetchone() == ([300],)
        reader.rollback()
        assert reader.execute(query).fetchone() == ([200],)


def test_nothing_is_published_over_a_held_month(db: psycopg.Connection) -> None:
    versions = three_versions(db)
    back()
    fill(db, household_rows(wage=400))
    build_id = passed(db)
    with pytest.raises(MonthHeld, match=r"held since li rolled it back \(the county recalled it\)"):
        publish(build_id, now=OPEN)
    assert shown(db) == versions[1]
    last = lines(db, PERIOD)[-1]
    assert (last.state, last.build_id, last.version) == ("blocked", build_id, 5)
    assert to_build(db) == []
    let_go(db, PERIOD, "corrected", "wang")
    assert [period for period, _ in to_build(db)] == [PERIOD]
    published(db, household_rows(wage=400))
    assert to_build(db) == []
    line = changes(db, PERIOD)[0]
    assert (line.version, line.is_held, line.restores_version) == (5, False, None)


def test_another_month_is_published_meanwhile(db: psycopg.Connection) -> None:
    three_versions(db)
    back()
    published(db, household_rows(period="2026-01"))


def test_what_is_not_held_cannot_be_let_go(db: psycopg.Connection) -> None:
    three_versions(db)
    with pytest.raises(RollbackRefused, match="is not held"):
        let_go(db, PERIOD, "why not", "li")
    back()
    with pytest.raises(RollbackRefused, match="reason is empty"):
        let_go(db, PERIOD, "", "li")
    assert list(held_months(db)) == [PERIOD]


def test_a_held_month_is_refused_before_its_candidate_is_looked_at(db: psycopg.Connection) -> None:
    three_versions(db)
    back()
    fill(db, household_rows(wage=400))
    build_id = passed(db)
    db.execute("update candidate.household_month set wage = 1")
    with pytest.raises(MonthHeld):
        publish(build_id, now=OPEN)
    let_go(db, PERIOD, "corrected", "wang")
    with pytest.raises(GateBlocked, match="changed after the gate"):
        publish(build_id, now=OPEN)


def test_the_commands(db: psycopg.Connection) -> None:
    run = CliRunner().invoke
    assert "Nothing is published" in run(app, ["publications"]).output
    assert json.loads(run(app, ["publications", "--json"]).output) == []
    with pytest.raises(NoSuchPublication):
        run(app, ["publications", PERIOD, "--version", "1"], catch_exceptions=False)
    three_versions(db)
    done = run(app, ["rollback", PERIOD, "--reason", "recalled", "--actor", "li", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["version"], told["restores_version"], told["changed"]) == (4, 2, 22)
    assert stored(db, 4) == [Change(**each) for each in told["changes"]]
    shown_lines = json.loads(run(app, ["publications", "--json"]).output)
    assert [(line["version"], line["is_shown"], line["is_held"]) for line in shown_lines] == [
        (4, True, True)
    ]
    assert len(json.loads(run(app, ["publications", PERIOD, "--json"]).output)) == 4
    table = run(app, ["publications", PERIOD]).output
    assert "li: recalled [restores 2] [held]" in " ".join(table.split())
    assert "wage" in run(app, ["publications", PERIOD, "--version", "2"]).output
    done = run(app, ["release", PERIOD, "--reason", "sorted out", "--json"])
    assert json.loads(done.output)["period"] == PERIOD
    assert held_months(db) == {}

"""A really built warehouse: where its keys and people lie; its keys made anew, its figures not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from include.evaluation.rotation import differences, measure
from include.settings import settings
from include.vault.months import demand_untouched
from include.vault.places import CLOSED, Place, direct, keys, places, text_columns
from include.vault.search import ALERT_NO, HOUSEHOLD_NO, KEY, RESIDENT_ID, search
from tests.e2e.municipality import Municipality
from tests.e2e.test_privacy import found_in, offices

ALL_KEYS = sql.SQL(
    "select key as value from vault.identifier union select person_key from vault.person_link"
    " union select subject_key from vault.person_link"
    " union select subject_key from ops.delivery_defect where subject_key is not null"
    " union select alert_key from marts.risk_alert union select alert_no from marts.risk_alert"
    " union select alert_key from archive.risk_alert union select alert_no from archive.risk_alert"
)
_NAME = re.compile(r"[\u4e00-\u9fff·]{3,5}")
_NUMBER = re.compile(r"[0-9]{10,}[0-9Xx]")


@pytest.fixture
def db(small: Municipality) -> Iterator[psycopg.Connection]:
    with small.as_settings(), psycopg.connect(settings().dsn) as connection:
        yield connection
        connection.rollback()


def test_every_place_of_a_key_is_on_the_register(db: psycopg.Connection) -> None:
    known = {place.name: place for place in keys(places(db))}
    found = {one.name for one in search(db, ALL_KEYS, f"{KEY}|{ALERT_NO}", 20)}
    assert len(found) > 100
    assert found - known.keys() == set()
    # And it is there as the register says: alone in its cell, but where it says otherwise.
    assert [p.name for p in known.values() if p.shape == "text" and _is_among_words(db, p)] == []


def test_identifiers_are_in_the_closed_schemas_alone(db: psycopg.Connection) -> None:
    known = {place.name for place in direct(places(db))}
    wanted = sql.SQL("select value from vault.identifier")
    found = list(search(db, wanted, f"{RESIDENT_ID}|{HOUSEHOLD_NO}", 16))
    assert len(found) > 20
    assert {one.name for one in found} - known == set()
    assert {one.schema for one in found} == set(CLOSED)


def test_no_cell_outside_the_closed_schemas_names_a_person(db: psycopg.Connection) -> None:
    people = _people(db)
    assert len(people[0]) > 1000 and len(people[1]) > 300
    seen = set()
    for schema, table, column, _ in text_columns(db):
        if schema in (*CLOSED, "seeds"):
            continue
        cells = db.execute(
            sql.SQL("select distinct {0}::text from {1} where {0}::text ~ {2}").format(
                sql.Identifier(column),
                sql.Identifier(schema, table),
                sql.Literal(r"[0-9]{7}|[一-鿿·]{3}"),
            )
        ).fetchall()
        if found_in("\n".join(cell for (cell,) in cells), people):
            seen.add(f"{schema}.{table}.{column}")
    # The insurance's own number of a person is what an enrolment is known by, and goes no further.
    assert seen == {"staging.base_yb_enrol.psn_no"}


def test_a_rotation_changes_no_figure_and_all_that_was_published_is_proven(
    small: Municipality, db: psycopg.Connection
) -> None:
    before = measure()
    archived = {shown_by for _, shown_by, _ in before}
    assert len(archived) > 1  # versions in the archive are among them
    old = [key for (key,) in db.execute(sql.SQL("select value from ({}) as k").format(ALL_KEYS))]
    db.rollback()
    done = small.run("rotate-key", "start", "--reason", "a test")
    assert done.code == 0, done.stderr[-2000:]
    assert list(differences(before, measure())) == []
    demand_untouched(db)
    db.execute("create temporary table gone (value text) on commit drop")
    with db.cursor().copy("copy gone from stdin") as copy:
        for key in old:
            copy.write_row([key])
    left = {one.name for one in search(db, sql.SQL("table gone"), f"{KEY}|{ALERT_NO}", 20)}
    # What counties were told stands where they wrote it, and where it is read for what it is now.
    assert left <= {"raw.county_clue.alert_no", "vault.told_alert.told_no"}
    proven = small.run("verify", "2026-02")
    assert proven.code == 0, proven.stdout[-2000:]


def _is_among_words(db: psycopg.Connection, place: Place) -> bool:
    """A cell of the column has a key beside something else."""
    row = db.execute(
        sql.SQL("select exists (select from {} where {} ~ {})").format(
            sql.Identifier(place.schema, place.table),
            sql.Identifier(place.column),
            sql.Literal(f"({KEY}).|.({KEY})"),
        )
    ).fetchone()
    return row == (True,)


def _people(db: psycopg.Connection) -> tuple[set[str], set[str]]:
    """(numbers, names of three characters and more) of everybody in what was delivered."""
    numbers: set[str] = set()
    names: set[str] = set()
    for place in direct(places(db)):
        if place.schema != "raw":
            continue
        query = sql.SQL("select distinct {0} from {1} where {0} is not null").format(
            sql.Identifier(place.column), sql.Identifier(place.schema, place.table)
        )
        for (value,) in db.execute(query):
            text = value.strip("' ")
            if _NUMBER.fullmatch(text):
                numbers.add(text.upper())
            elif place.holds == "name" and _NAME.fullmatch(text):
                names.add(text)
    return numbers, {name for name in names if name not in offices()}

"""A mart's columns change with its model: what loses nothing is followed, all else is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from include.difference import Change, rows, stored
from include.errors import GateBlocked
from include.mart_schema import is_wider
from include.marts import columns_of
from include.publications import changes, lines
from include.publish import publish
from include.rollback import rollback
from tests.unit.publications import (
    CLOSED,
    COUNTIES,
    OPEN,
    PERIOD,
    Row,
    fill,
    household_rows,
    passed,
    published,
    shown,
)

NEW = "wage numeric(8, 2), elders integer, members integer"
"""A column more, in the middle, as a model's select list would have it."""


@pytest.fixture
def db(warehouse: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        yield connection


def with_elders(elders: int | None = 1, period: str = PERIOD, wage: int = 100) -> list[Row]:
    return [(*row[:4], elders, row[4]) for row in household_rows(period=period, wage=wage)]


def refused(db: psycopg.Connection, columns: str, rows: list[Row], words: str) -> None:
    """The publication of other columns is refused and leaves all as it was."""
    before = _all(db)
    fill(db, rows, columns=columns)
    build_id = passed(db)
    with pytest.raises(GateBlocked, match=words) as refusal:
        publish(build_id, now=OPEN)
    assert "docs/marts-change.md" in refusal.value.remedy
    assert _all(db) == before


def _all(db: psycopg.Connection) -> list[Any]:
    return [
        *(columns_of(db, schema, "household_month") for schema in ("marts", "archive")),
        shown(db),
        shown(db, "archive"),
        db.execute("table ops.mart_change").fetchall(),
        db.execute("table ops.publication").fetchall(),
    ]


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        ("integer", "bigint", True), ("bigint", "integer", False), ("smallint", "integer", True),
        ("integer", "numeric", True), ("integer", "numeric(12,2)", True),
        ("integer", "numeric(11,2)", False), ("bigint", "numeric(19,0)", True),
        ("numeric(8,2)", "numeric(9,2)", True), ("numeric(8,2)", "numeric(8,3)", False),
        ("numeric(8,2)", "numeric(9,3)", True), ("numeric(8,2)", "numeric(8,1)", False),
        ("numeric(8,2)", "numeric", True), ("numeric", "numeric(30,2)", False),
        ("numeric(8)", "numeric(8,0)", True),
        ("character varying(5)", "character varying(6)", True),
        ("character varying(5)", "character varying(4)", False),
        ("character varying(5)", "text", True), ("text", "character varying(99)", False),
        ("character varying", "character varying(99)", False),
        ("real", "double precision", True), ("double precision", "real", False),
        ("date", "text", False), ("text", "date", False), ("boolean", "boolean", True),
        ("date", "timestamp with time zone", False),
    ],
)  # fmt: skip
def test_a_type_is_wider_if_it_holds_all_that_the_other_does(
    old: str, new: str, wider: bool
) -> None:
    assert is_wider(old, new) is wider


def test_a_new_column_comes_to_both_tables_with_its_comment(db: psycopg.Connection) -> None:
    published(db, household_rows(period="2026-01"))
    published(db, household_rows())
    fill(db, with_elders(), columns=NEW)
    db.execute("comment on column candidate.household_month.elders is 'members above 60'")
    db.execute("comment on column candidate.household_month.wage is 'wages, yuan'")
    second = publish(passed(db), now=OPEN)
    for schema in ("marts", "archive"):
        assert dict(columns_of(db, schema, "household_month"))["elders"] == "integer"
        assert db.execute(
            "select col_description(attrelid, attnum) from pg_attribute"
            " where attrelid = %s::regclass and attname in ('elders', 'wage') order by attname",
            [f"{schema}.household_month"],
        ).fetchall() == [("members above 60",), ("wages, yuan",)]
    assert db.execute(
        "select period, count(*), count(elders) from marts.household_month group by 1 order by 1"
    ).fetchall() == [("2026-01", 22, 0), (PERIOD, 22, 22)]
    # To fill a column is told, and is no change of what was there.
    assert rows(stored(db, second)) == {}
    assert stored(db, second)[0] == Change("household_month", COUNTIES[0], "elders", 2, 0, 0)
    assert db.execute(
        "select publication_id, mart, column_name, change, from_type, to_type from ops.mart_change"
    ).fetchall() == [(second, "household_month", "elders", "added", None, "integer")]


def test_months_that_lack_it_are_marked_until_they_are_built_again(db: psycopg.Connection) -> None:
    published(db, household_rows(period="2026-01"))
    published(db, household_rows())
    published(db, with_elders(), columns=NEW)
    marked = {(line.period, line.version): line.not_filled for line in lines(db)}
    assert marked == {("2026-01", 1): ["household_month.elders"], (PERIOD, 2): []}
    # A closed month is filled without an approval: no row of it changes.
    published(db, with_elders(period="2026-01"), columns=NEW, now=CLOSED)
    assert [line.not_filled for line in lines(db)] == [[], []]
    # It is no first time any more: now it is a change.
    third = published(db, with_elders(2), columns=NEW)
    assert rows(stored(db, third)) == {"household_month": (0, 0, 22)}


def test_a_column_that_is_empty_in_a_month_counts_as_filled(db: psycopg.Connection) -> None:
    published(db, household_rows())
    published(db, with_elders(None), columns=NEW)
    (line,) = lines(db, PERIOD)[:1]
    assert (line.version, line.not_filled) == (1, [])
    assert [line.state for line in lines(db, PERIOD)] == ["published", "unchanged"]


def test_a_column_that_is_never_null_is_null_in_older_months(db: psycopg.Connection) -> None:
    published(db, household_rows(period="2026-01"))
    published(db, with_elders(), columns=NEW.replace("elders integer", "elders integer not null"))
    assert len(shown(db)) == 44


def test_a_rollback_goes_back_behind_a_new_column(db: psycopg.Connection) -> None:
    published(db, household_rows())
    published(db, with_elders(wage=200), columns=NEW)
    rollback(PERIOD, reason="wrong", by="li")
    assert db.execute(
        "select distinct wage::int, elders from marts.household_month"
    ).fetchall() == [(100, None)]
    assert changes(db, PERIOD)[0].not_filled == ["household_month.elders"]


def test_a_wider_type_is_followed_and_the_rows_stay(db: psycopg.Connection) -> None:
    published(db, household_rows(wage=90))
    published(db, household_rows())
    second = published(
        db, household_rows(), columns="wage numeric(12, 3), members bigint", now=CLOSED
    )
    for schema in ("marts", "archive"):
        types = dict(columns_of(db, schema, "household_month"))
        assert (types["wage"], types["members"]) == ("numeric(12,3)", "bigint")
    assert stored(db, second) == []
    assert db.execute(
        "select column_name, change, from_type from ops.mart_change order by 1"
    ).fetchall() == [("members", "widened", "integer"), ("wage", "widened", "numeric(8,2)")]
    rollback(PERIOD, 1, reason="wrong", by="li")
    assert {row[3] for row in shown(db)} == {90}


def test_columns_in_another_order_are_the_same(db: psycopg.Connection) -> None:
    published(db, household_rows())
    again = [(*row[:3], row[4], row[3]) for row in household_rows()]
    published(db, again, columns="members integer, wage numeric(8, 2)")
    assert [line.state for line in lines(db, PERIOD)] == ["published", "unchanged"]


@pytest.mark.parametrize(
    ("columns", "cut", "words"),
    [
        ("wage numeric(8, 2)", 4, r"gone: members integer"),
        ("wage numeric(8, 2), people integer", 5, r"gone: members integer"),
        ("wage numeric(6, 2), members integer", 5, r"fits: wage numeric\(8,2\) as numeric\(6,2\)"),
        ("wage text, members integer", 5, r"fits: wage numeric\(8,2\) as text"),
    ],
)
def test_what_loses_something_is_refused_by_name(
    db: psycopg.Connection, columns: str, cut: int, words: str
) -> None:
    published(db, household_rows())
    refused(db, columns, [row[:cut] for row in household_rows()], words)


def test_another_grain_is_refused(db: psycopg.Connection) -> None:
    published(db, household_rows())
    fill(db, household_rows())
    db.execute(
        "alter table candidate.household_month drop constraint household_month_pkey,"
        " add primary key (period, county_code, household_key)"
    )
    with pytest.raises(GateBlocked, match="another grain: period, county_code, household_key"):
        publish(passed(db), now=OPEN)


def test_a_type_that_a_view_or_policy_depends_on_is_refused(db: psycopg.Connection) -> None:
    published(db, household_rows())
    db.execute("create view public.of_bi as select wage from marts.household_month")
    wider = "wage numeric(12, 2), members integer"
    refused(db, wider, household_rows(), "cannot give wage the type.*view .*of_bi")
    db.execute("drop view public.of_bi")
    db.execute("create policy low on marts.household_month using (wage < 200)")
    refused(db, wider, household_rows(), "cannot give wage the type.*policy low")
    # A new column disturbs neither.
    db.execute("create view public.of_bi as select wage from marts.household_month")
    published(db, with_elders(), columns=NEW)


def test_a_refused_publication_changes_no_table(db: psycopg.Connection) -> None:
    """The columns are changed in the publication's own transaction."""
    published(db, household_rows())
    fill(db, with_elders(), columns=NEW)
    db.execute(
        "create function public.refuse() returns trigger language plpgsql"
        " as $$ begin raise exception 'disk full'; end $$;"
        " create trigger refuse before insert on marts.household_month"
        " execute function public.refuse()"
    )
    before = _all(db)
    build_id = passed(db)
    with pytest.raises(psycopg.errors.RaiseException):
        publish(build_id, now=OPEN)
    assert _all(db) == before


def test_a_mart_that_is_no_longer_built_is_refused_until_it_is_taken_out(
    db: psycopg.Connection,
) -> None:
    published(db, household_rows())
    fill(db, household_rows(), mart="extra")
    publish(passed(db), now=OPEN)
    db.execute("drop table candidate.extra")
    build_id = passed(db)
    with pytest.raises(GateBlocked, match="published but no longer built: extra"):
        publish(build_id, now=OPEN)
    db.execute("drop table marts.extra cascade; drop table archive.extra")  # as a migration would
    publish(build_id, now=OPEN)


def test_a_mart_renamed_by_a_migration_goes_on(db: psycopg.Connection) -> None:
    published(db, household_rows())
    for schema in ("marts", "archive"):
        db.execute(f"alter table {schema}.household_month rename to household".encode())
    db.execute("drop table candidate.household_month")
    published(db, household_rows(wage=200), mart="household")
    assert {row[3] for row in shown(db, mart="household")} == {200}
    assert {row[4] for row in shown(db, "archive", mart="household")} == {100}

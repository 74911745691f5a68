"""Row-level security outlives what becomes of a month: new versions, a rollback, a publication that
was held and approved, a mart whose columns change, and a mart that is new.

After each, county, township and city read every mart under their own logins.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from include.access.enforce import differences, enforce
from include.approval import answer
from include.database import connect
from include.errors import ApprovalNeeded
from include.holds import let_go
from include.publish import publish
from include.rollback import rollback
from tests.access.conftest import COUNTY, TOWNSHIP, Login, refused
from tests.access.test_rows import ANALYST, one, tables
from tests.expectations.candidate import fill
from tests.unit.publications import passed

PERIOD = "2026-03"
OPEN = datetime(2026, 4, 1, tzinfo=UTC)
CLOSED = datetime(2026, 5, 1, tzinfo=UTC)
WAGES = "select array_agg(distinct wage_income::int) from household_month where period = %s"
TOWNS = "bi_township_" + TOWNSHIP


def candidate(db: psycopg.Connection, wage: int, change: str = "") -> int:
    """A candidate that has passed its gate; what ``change`` does to it is dbt's work."""
    fill(db, PERIOD, wage=wage)
    db.execute("update candidate.household_month set township_code = county_code || '001'")
    db.execute(change.encode())
    enforce()  # what the test has made by hand is dbt's
    return passed(db, PERIOD)


def each_sees_its_own(login: Login, wage: int) -> None:
    """Of every mart, old and new, of this month; and everybody the same version of it."""
    city, county, township = login("bi_city"), login(ANALYST), login(TOWNS)
    seen = 0
    for mart in tables(city):
        rows = (
            f"select to_jsonb(m) from {mart} as m where period = %s"
            " and (%s or county_code = %s) order by m::text"
        )
        everything, own = (
            [row for (row,) in city.execute(rows.encode(), [PERIOD, is_all, COUNTY])]
            for is_all in (True, False)
        )
        assert [row for (row,) in county.execute(rows.encode(), [PERIOD, True, COUNTY])] == own, (
            mart
        )
        seen += len(everything) > len(own) > 0
        of_township = one(township, f"select count(*) from {mart} where period = %s", PERIOD)
        if everything and "township_code" in everything[0]:
            own = [row for row in own if row["township_code"] == TOWNSHIP]
        elif everything and {"household_key", "person_key"} & everything[0].keys():
            own = []
        assert of_township == (len(own),), mart
        for session in (county, township):
            with refused():
                one(session, f"select count(*) from archive.{mart}")
    assert seen > 10  # else this would prove nothing
    assert {one(each, WAGES, PERIOD)[0][0] for each in (city, county, township)} == {wage}
    assert one(city, "select count(distinct county_code) > 1 from household_month") == (True,)


@pytest.fixture(scope="module")
def db(accessible: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(accessible, autocommit=True) as connection:
        yield connection


def test_each_sees_its_own_through_all_that_becomes_of_a_month(
    db: psycopg.Connection, login: Login
) -> None:
    publish(candidate(db, 30000), now=OPEN)
    each_sees_its_own(login, 30000)

    publish(candidate(db, 31000), now=OPEN)  # as a backfill would
    each_sees_its_own(login, 31000)

    rollback(PERIOD, reason="the county recalled it", by="test")
    each_sees_its_own(login, 30000)

    with connect("operator") as operator:
        let_go(operator, PERIOD, "sent again", "test")
    waiting = candidate(db, 32000)
    with pytest.raises(ApprovalNeeded):
        publish(waiting, now=CLOSED)
    each_sees_its_own(login, 30000)  # held: nothing of it is seen
    with connect("operator") as operator:
        answer(operator, waiting, "approved", "the county sent all again", "test", "cli")
    publish(waiting, now=CLOSED)
    each_sees_its_own(login, 32000)

    # A column more, a wider type, and the next version of the mart beside it.
    change = (
        "alter table candidate.household_month add column elders integer;"
        " update candidate.household_month set elders = right(county_code, 2)::int;"
        " alter table candidate.household_month alter column members type bigint;"
        " create table candidate.household_month_v2 (like candidate.household_month including all);"
        " insert into candidate.household_month_v2 table candidate.household_month"
    )
    publish(candidate(db, 33000, change), now=OPEN)
    each_sees_its_own(login, 33000)
    added = "select array_agg(distinct elders) from household_month_v2"
    assert one(login(ANALYST), added) == ([2],)
    assert len(one(login("bi_city"), added)[0]) > 1

    rollback(PERIOD, reason="back before the column", by="test")
    each_sees_its_own(login, 32000)
    assert one(login(ANALYST), added) == (None,)
    assert differences(db) == []

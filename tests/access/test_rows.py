"""Row-level security: each sees its own rows, through versions, rollback and whatever is tried."""

from __future__ import annotations

import psycopg

from include.access.enforce import differences
from tests.access.conftest import COUNTY, TOWNSHIP, Login

ANALYST = f"bi_county_{COUNTY}"
MARTS = "select count(*), count(*) filter (where county_code = %s) from {}"


def one(session: psycopg.Connection, query: str, *values: object) -> tuple:
    row = session.execute(query.encode(), values).fetchone()
    assert row is not None
    return row


def tables(session: psycopg.Connection) -> list[str]:
    return [
        name
        for (name,) in session.execute(
            "select relname::text from pg_class where relnamespace = 'marts'::regnamespace"
            " and relkind = 'r' order by 1"
        )
    ]


def test_a_county_sees_its_rows_of_every_mart_and_the_city_all(login: Login) -> None:
    city, county = login("bi_city"), login(ANALYST)
    assert len(tables(city)) >= 20
    seen = 0
    for mart in tables(city):
        everything, own = one(city, MARTS.format(mart), COUNTY)
        assert one(county, MARTS.format(mart), COUNTY) == (own, own), mart
        seen += everything > own > 0
    assert seen > 10  # else this would prove nothing


def test_a_township_sees_its_rows_and_aggregates_of_its_county(login: Login) -> None:
    city, township = login("bi_city"), login(f"bi_township_{TOWNSHIP}")
    households = "select count(*) from household_month"
    own = one(city, f"{households} where township_code = %s", TOWNSHIP)
    assert one(township, households) == own > (0,)
    scorecard = "select array_agg(distinct county_code) from county_scorecard"
    assert one(township, scorecard) == ([COUNTY],)
    # Rows of households that do not say their township are nobody's below the county.
    assert one(city, "select count(*) from medical_burden") > (0,)
    assert one(township, "select count(*) from medical_burden") == (0,)


def test_an_account_sees_what_its_roles_see(login: Login, accessible: str) -> None:
    with psycopg.connect(accessible, autocommit=True) as owner:
        owner.execute("alter role person_a password 'not-a-secret'")
    person = login("person_a")
    households = f"select count(*) from marts_{TOWNSHIP}.household_month"
    assert one(person, households) == one(login(f"bi_township_{TOWNSHIP}"), households)


def test_the_owner_of_the_marts_is_bound_too(owner: psycopg.Connection) -> None:
    """FORCE: without its policy the publisher itself sees nothing. (Of the marts it would see what
    those see whose views it makes.)"""
    owner.execute("set role publisher")
    count = "select count(*) from archive.household_month"
    assert one(owner, count) > (0,)
    owner.execute("drop policy publisher on archive.household_month")
    assert one(owner, count) == (0,)


def test_every_version_of_a_month_is_secured_and_nothing_drifts(owner: psycopg.Connection) -> None:
    """Two versions were published, so marts and archive hold rows of both."""
    unsecured = one(
        owner,
        "select count(*) from pg_class where relnamespace in ('marts'::regnamespace,"
        " 'archive'::regnamespace) and relkind = 'r'"
        " and not (relrowsecurity and relforcerowsecurity)",
    )
    assert unsecured == (0,)
    assert one(owner, "select count(*) > 0 from archive.household_month") == (True,)
    assert differences(owner) == []

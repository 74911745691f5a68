"""Which later months a backfill leads on to, on the edge of each horizon, and which go stale."""

from __future__ import annotations

from datetime import datetime

import psycopg
import pytest

from include.backfill.record import Record, open_record, recorded
from include.backfill.request import Request
from include.backfill.state import due_after
from include.contracts import contracts
from include.difference import compare, rows_of
from include.holds import hold
from include.inputs import readers_of
from include.marts import Mart, content
from include.stale import annotate, brought, due, mark
from include.watch import due_months
from tests.unit.register import accept, build, moment, send

COUNTY, CITY = "431026", "431000"
MONTHS = [f"2026-{month:02}" for month in range(1, 13)] + ["2027-01", "2027-02"]
RANGE = ("2026-02", "2026-03")
"""The months that are backfilled."""
HORIZONS = [
    ("county_income", COUNTY, ["2026-04"]),
    ("yb_settle", CITY, MONTHS[3:]),
    ("mz_death", CITY, MONTHS[3:]),
    ("county_person", COUNTY, MONTHS[3:]),
]
"""A kind of each horizon, and the later months that read one of March: the next, eleven, all."""


@pytest.fixture
def built(warehouse: str) -> str:
    """Fourteen months with all that holds a county back, and one kind of each horizon, built."""
    kinds = {kind for kind, _, _ in HORIZONS} | {
        kind for kind, contract in contracts().items() if contract.holds_back
    }
    for month in MONTHS:
        for kind in kinds:
            county = COUNTY if contracts()[kind].source == "county" else CITY
            accept(warehouse, send(warehouse, kind, county, period=month))
    for month in MONTHS:
        build(warehouse, month, moment(10))
    return warehouse


def begin(
    dsn: str, *, cascades: bool = True, source: str | None = None, county: str | None = None,
) -> int:  # fmt: skip
    """A backfill of the range, asked for on the 11th."""
    with psycopg.connect(dsn) as connection:
        number = open_record(connection, Request(*RANGE, "why", source, county, cascades), "me")
        connection.execute(
            "update ops.backfill set requested_at = %s where backfill_id = %s",
            [moment(11), number],
        )
    return number


def correct(dsn: str, kind: str, county: str, *, period: str = RANGE[1], day: int = 12) -> int:
    return accept(dsn, send(dsn, kind, county, period=period, at=moment(day)), moment(day))


def end(dsn: str, number: int, at: datetime) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update ops.backfill set state = 'done', ended_at = %s where backfill_id = %s",
            [at, number],
        )


def record(dsn: str, number: int) -> Record:
    with psycopg.connect(dsn) as connection:
        return next(each for each in recorded(connection) if each.backfill_id == number)


def later(dsn: str, number: int) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return due_after(connection, record(dsn, number))


def sent(dsn: str, run_id: str = "look") -> list[str]:
    """The months that the look into the drops sends."""
    return due_months(run_id, moment(20))


def stale_months(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [
            period
            for (period,) in connection.execute(
                "select period from ops.stale_publication"
                " inner join ops.publication using (publication_id) order by 1"
            )
        ]


@pytest.mark.parametrize(("kind", "county", "reached"), HORIZONS)
def test_later_months_within_the_horizon_are_built_again(
    built: str, kind: str, county: str, reached: list[str]
) -> None:
    number = begin(built)
    assert later(built, number) == []
    correct(built, kind, county)
    assert later(built, number) == reached


@pytest.mark.parametrize(
    ("kind", "county", "reached"),
    [
        ("county_income", COUNTY, []),
        ("yb_settle", CITY, MONTHS[3:13]),  # January 2027 is eleven months on, February twelve
        ("mz_death", CITY, MONTHS[3:]),
        ("county_person", COUNTY, MONTHS[3:]),
    ],
)
def test_a_month_earlier_they_end_a_month_earlier(
    built: str, kind: str, county: str, reached: list[str]
) -> None:
    number = begin(built)
    correct(built, kind, county, period=RANGE[0])
    assert later(built, number) == reached


def test_a_month_that_is_held_is_not_waited_for(built: str) -> None:
    number = begin(built)
    correct(built, "mz_death", CITY)
    with psycopg.connect(built) as connection:
        (publication_id,) = connection.execute(
            "select publication_id from ops.publication where period = '2026-05'"
        ).fetchone() or (0,)
        hold(connection, "2026-05", publication_id, "rolled back", "me")
    assert later(built, number) == [month for month in MONTHS[3:] if month != "2026-05"]


@pytest.mark.parametrize(("kind", "county"), [(kind, county) for kind, county, _ in HORIZONS])
def test_what_is_announced_before_is_what_is_reached(built: str, kind: str, county: str) -> None:
    with psycopg.connect(built) as connection:
        announced = readers_of(connection, [(kind, county)], RANGE)
    number = begin(built)
    for month in RANGE:
        correct(built, kind, county, period=month)
    assert set(announced) == {*RANGE, *later(built, number)}
    assert set(map(tuple, announced.values())) == {(kind,)}


def test_nothing_is_announced_of_no_kind_no_month_and_no_build(built: str, warehouse: str) -> None:
    with psycopg.connect(built) as connection:
        assert readers_of(connection, [], RANGE) == {}
        assert readers_of(connection, [("mz_death", CITY)], []) == {}
        assert readers_of(connection, [("mz_death", CITY)], ["2027-03"]) == {}


def test_only_what_has_changed_leads_on(built: str) -> None:
    """All kinds were fetched; one has changed."""
    number = begin(built)
    correct(built, "county_income", COUNTY)
    assert later(built, number) == ["2026-04"]
    with psycopg.connect(built) as connection:
        assert len(brought(connection, number)) == 1


@pytest.mark.parametrize(
    ("scope", "kind", "county", "period", "day", "is_brought"),
    [
        ({}, "county_income", COUNTY, "2026-02", 12, True),
        ({}, "county_income", COUNTY, "2026-03", 11, True),
        ({}, "county_income", COUNTY, "2026-01", 12, False),
        ({}, "county_income", COUNTY, "2026-04", 12, False),
        ({}, "county_income", COUNTY, "2026-03", 10, False),
        ({}, "yb_settle", CITY, "2026-03", 12, True),
        ({"source": "county"}, "county_income", COUNTY, "2026-03", 12, True),
        ({"source": "county"}, "yb_settle", CITY, "2026-03", 12, False),
        ({"county": COUNTY}, "county_income", COUNTY, "2026-03", 12, True),
        ({"county": "431027"}, "county_income", COUNTY, "2026-03", 12, False),
    ],
)
def test_what_a_backfill_has_brought(
    built: str, scope: dict[str, str], kind: str, county: str, period: str, day: int,
    is_brought: bool,
) -> None:  # fmt: skip
    number = begin(built, **scope)  # type: ignore[arg-type]
    delivery = correct(built, kind, county, period=period, day=day)
    with psycopg.connect(built) as connection:
        assert brought(connection, number) == ({delivery} if is_brought else set())


def test_what_comes_after_its_months_were_built_is_not_brought_by_it(built: str) -> None:
    number = begin(built)
    first = correct(built, "county_income", COUNTY, day=12)
    build(built, RANGE[1], moment(13))
    correct(built, "county_income", COUNTY, day=14)
    correct(built, "county_income", COUNTY, day=14, period=RANGE[0])
    end(built, number, moment(13))
    with psycopg.connect(built) as connection:
        assert brought(connection, number) == {first}


def test_without_cascade_months_go_stale_and_are_left_alone(built: str) -> None:
    number = begin(built, cascades=False)
    correct(built, "county_income", COUNTY)
    assert sent(built) == [RANGE[1]]  # in the range: it is the backfill's to build, or the look's
    assert stale_months(built) == ["2026-04"]
    build(built, RANGE[1], moment(13))
    end(built, number, moment(14))
    assert sent(built, "next look") == []
    assert stale_months(built) == ["2026-04"]
    with psycopg.connect(built) as connection:
        assert due(connection) == []


def test_with_cascade_nothing_goes_stale(built: str) -> None:
    begin(built)
    correct(built, "county_income", COUNTY)
    assert sent(built) == [RANGE[1], "2026-04"]
    assert stale_months(built) == []


def test_another_change_builds_a_stale_month_with_all_that_is_known(built: str) -> None:
    number = begin(built, cascades=False)
    correct(built, "county_income", COUNTY)
    build(built, RANGE[1], moment(13))
    end(built, number, moment(14))
    assert sent(built) == []
    correct(built, "county_income", COUNTY, period="2026-04", day=15)
    assert sent(built, "next look") == ["2026-04", "2026-05"]


def test_the_next_publication_ends_it(built: str) -> None:
    begin(built, cascades=False)
    correct(built, "county_income", COUNTY)
    sent(built)
    build(built, "2026-04", moment(13), state="unchanged")
    mark()
    with psycopg.connect(built) as connection:
        assert [each.period for each in due(connection)] == [RANGE[1]]
        assert scorecard(connection) == {"2026-04": None}


def test_a_blocked_build_leaves_it_stale(built: str) -> None:
    begin(built, cascades=False)
    correct(built, "county_income", COUNTY)
    sent(built)
    build(built, "2026-04", moment(13), state="blocked")
    with psycopg.connect(built) as connection:
        assert scorecard(connection)["2026-04"] is not None


def test_the_scorecard_says_since_when(built: str) -> None:
    with psycopg.connect(built) as connection:
        assert scorecard(connection) == {"2026-04": None}
        connection.rollback()
    begin(built, cascades=False)
    correct(built, "county_income", COUNTY)
    sent(built)
    with psycopg.connect(built) as connection:
        connection.execute("update ops.stale_publication set marked_at = '2026-03-12 16:00Z'")
        found = scorecard(connection)
    assert str(found["2026-04"]) == "2026-03-13"  # in Beijing


def scorecard(connection: psycopg.Connection) -> dict[str, object]:
    """stale_since of a published month, once annotated."""
    connection.execute(
        "create table marts.county_scorecard as select '2026-04'::text as period,"
        " null::date as stale_since"
    )
    annotate(connection, "2026-04")
    return dict(
        connection.execute("select period, stale_since from marts.county_scorecard").fetchall()
    )


def test_an_annotation_is_no_content(warehouse: str) -> None:
    mart = Mart(
        "county_scorecard",
        (("period", "text"), ("county_code", "text"), ("households", "integer"),
         ("stale_since", "date")),
        ("period", "county_code"),
    )  # fmt: skip
    with psycopg.connect(warehouse) as connection:
        for schema, households, stale_since in (
            ("candidate", 7, None), ("marts", 7, "2026-03-13"), ("archive", 8, None),
        ):  # fmt: skip
            connection.execute(
                f"create table {schema}.county_scorecard as select '2026-04'::text as period,"
                f" '{COUNTY}'::text as county_code, %s::integer as households,"
                " %s::date as stale_since".encode(),
                [households, stale_since],
            )
        hashes = [
            content(connection, schema, mart, "2026-04")
            for schema in ("candidate", "marts", "archive")
        ]
        assert hashes[0] == hashes[1] != hashes[2]
        rows = {name: rows_of(name, mart, "2026-04") for name in ("candidate", "marts", "archive")}
        assert compare(connection, mart, rows["marts"], rows["candidate"], ("stale_since",)) == []
        changes = compare(connection, mart, rows["archive"], rows["marts"])
        assert {change.column_name for change in changes} == {None, "households"}

"""When a backfill is refused, and by which rule."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from include.areas import counties
from include.backfill.request import (
    InFlight,
    Request,
    demand_free,
    demand_possible,
    demand_sound,
)
from include.contracts import kinds_of
from include.errors import BackfillRefused
from include.holds import hold, let_go
from include.landing import path_of
from include.readiness import SOURCES
from tests.unit.register import accept, build, moment, reject, send

COUNTY = "431026"
RUNNING = "2026-07"


def request(
    first: str = "2026-01", last: str = "2026-03", reason: str = "why", **more: str
) -> Request:
    return Request(first, last, reason, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (request("2026-13"), "no_month"),
        (request(""), "no_month"),
        (request(last="March"), "no_month"),
        (request("2026-03", "2026-02"), "from_after_to"),
        (request(last="2026-07"), "month_not_ended"),
        (request("2026-08", "2026-08"), "month_not_ended"),
        (request("2020-12"), "before_first_month"),
        (request(reason=""), "empty_reason"),
        (request(reason=" \t"), "empty_reason"),
        (request(source="weather"), "unknown_source"),
        (request(source=""), "unknown_source"),
        (request(county="431999"), "unknown_county"),
        (request(county=""), "unknown_county"),
        (request(source="civil_affairs", county=COUNTY), "county_of_city_source"),
    ],
)
def test_the_words_of_a_request(asked: Request, rule: str) -> None:
    with pytest.raises(BackfillRefused) as refusal:
        demand_sound(asked, RUNNING)
    assert refusal.value.rule == rule
    assert refusal.value.remedy


@pytest.mark.parametrize(
    "asked",
    [
        request(),
        request("2026-03", "2026-03"),
        request("2026-06", "2026-06"),
        request("2021-01", "2026-06"),
        request(source="health_insurance"),
        request(county=COUNTY),
        request(source="county", county=COUNTY),
    ],
)
def test_a_sound_request(asked: Request) -> None:
    demand_sound(asked, RUNNING)


def test_what_a_request_asks_for() -> None:
    whole = request("2025-11", "2026-02")
    assert whole.periods == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert whole.sources == SOURCES
    assert len(whole.units) == sum(
        len(kinds_of(source)) * (len(counties()) if source == "county" else 1) for source in SOURCES
    )
    one = request(county=COUNTY)
    assert one.producers == ("county_delivery",)
    assert set(one.units) == {(contract.kind, COUNTY) for contract in kinds_of("county")}
    assert {county for _, county in request(source="civil_affairs").units} == {"431000"}


@pytest.mark.parametrize(
    ("first", "last", "dag_id", "is_refused"),
    [
        ("2025-01", "2025-12", "county_delivery", True),  # Airflow runs one of a DAG at a time
        ("2025-01", "2025-12", "civil_affairs_delivery", False),
        ("2025-01", "2026-01", "civil_affairs_delivery", True),
        ("2026-02", "2026-02", "civil_affairs_delivery", True),
        ("2026-03", "2026-05", "civil_affairs_delivery", True),
        ("2026-04", "2026-05", "civil_affairs_delivery", False),
    ],
)
def test_a_backfill_in_flight(first: str, last: str, dag_id: str, is_refused: bool) -> None:
    asked = request(source="county")
    demand_free(asked, [])
    if not is_refused:
        demand_free(asked, [InFlight(dag_id, first, last)])
        return
    with pytest.raises(BackfillRefused, match=f"{dag_id}, {first} to {last}") as refusal:
        demand_free(asked, [InFlight(dag_id, first, last)])
    assert refusal.value.rule == "overlap"


def demand(dsn: str, asked: Request) -> None:
    with psycopg.connect(dsn) as connection:
        demand_possible(connection, asked)


def refused_by(dsn: str, asked: Request) -> str:
    with pytest.raises(BackfillRefused) as refusal:
        demand(dsn, asked)
    return f"{refusal.value.rule}: {refusal.value.what}"


def keep(dsn: str, delivery_id: int) -> Path:
    """Put something into landing under the delivery's hash."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "select sha256 from ops.delivery where delivery_id = %s", [delivery_id]
        ).fetchone()
    assert row is not None
    path = path_of(row[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_deliveries_no_longer_in_landing(warehouse: str) -> None:
    asked = request()
    demand(warehouse, asked)  # nothing was ever delivered
    path = keep(warehouse, accept(warehouse, send(warehouse, "county_income", COUNTY)))
    demand(warehouse, asked)
    path.unlink()
    assert refused_by(warehouse, asked).startswith(
        f"not_in_landing: no longer in landing: county_income {COUNTY} 2026-02."
    )
    # Of other months, kinds and counties nobody asks, ...
    demand(warehouse, request(last="2026-01"))
    demand(warehouse, request("2026-03"))
    build_all(warehouse)
    demand(warehouse, request(source="civil_affairs"))
    demand(warehouse, request(county="431027"))
    assert refused_by(warehouse, request(county=COUNTY)).startswith("not_in_landing")
    # ... nor of what does not count.
    keep(warehouse, accept(warehouse, send(warehouse, "county_income", COUNTY)))
    reject(warehouse, send(warehouse, "county_income", COUNTY))
    demand(warehouse, asked)


def test_many_missing_files_are_counted(warehouse: str) -> None:
    for county in list(counties())[:7]:
        accept(warehouse, send(warehouse, "county_income", county))
    assert "2026-02 and 2 more." in refused_by(warehouse, request())


def build_all(dsn: str) -> None:
    for period in request().periods:
        build(dsn, period, moment(3))


def test_one_source_alone_needs_months_that_were_built(warehouse: str) -> None:
    for period in ("2026-01", "2026-03"):
        build(warehouse, period, moment(3))
    for asked in (request(source="county"), request(county=COUNTY)):
        assert refused_by(warehouse, asked).startswith("never_built: never built: 2026-02.")
    demand(warehouse, request())
    build(warehouse, "2026-02", moment(3), state=None)
    demand(warehouse, request(source="county"))


def test_months_that_are_held_are_let_go_first(warehouse: str) -> None:
    build_all(warehouse)
    demand(warehouse, request())
    with psycopg.connect(warehouse) as connection:
        hold(connection, "2026-02", 2, "recalled", "li")
    assert refused_by(warehouse, request()).startswith(
        "held: held since they were rolled back: 2026-02;"
    )
    demand(warehouse, request(last="2026-01"))
    with psycopg.connect(warehouse) as connection:
        let_go(connection, "2026-02", "corrected", "li")
    demand(warehouse, request())

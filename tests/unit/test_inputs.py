"""Which months a delivery makes due to be built again."""

from __future__ import annotations

import re

import psycopg
import pytest

from include.contracts import contracts
from include.inputs import HISTORY, Changed, changed_months
from include.settings import PROJECT_ROOT
from tests.unit.register import accept, arrive, build, moment, reject, send

COUNTY = "431026"
MONTHS = [f"2026-{month:02}" for month in range(1, 13)] + ["2027-01", "2027-02"]


def changed(dsn: str) -> list[Changed]:
    with psycopg.connect(dsn) as connection:
        return changed_months(connection)


def periods(dsn: str) -> list[str]:
    return [each.period for each in changed(dsn)]


def build_all(dsn: str, months: list[str] = MONTHS) -> None:
    for month in reversed(months):
        build(dsn, month, moment(10))


def complete(dsn: str, county: str, kind: str, months: list[str] = MONTHS) -> None:
    """The county's kind, and all that hold it back, accepted for every month."""
    holds_back = [name for name, contract in contracts().items() if contract.holds_back]
    for month in months:
        for each in {kind, *(holds_back if kind in holds_back else ())}:
            accept(dsn, send(dsn, each, county, period=month))


def test_no_build_and_no_delivery_are_nothing(warehouse: str) -> None:
    assert changed(warehouse) == []
    accept(warehouse, send(warehouse, "county_income", COUNTY))
    assert changed(warehouse) == []  # its first build is its sources' affair


def test_what_the_build_knew_changes_nothing(warehouse: str) -> None:
    accept(warehouse, send(warehouse, "county_income", COUNTY), moment(10))
    build(warehouse, "2026-02", moment(10))
    assert changed(warehouse) == []


@pytest.mark.parametrize(
    ("kind", "county", "reached"),
    [
        ("county_income", COUNTY, ["2026-02", "2026-03"]),
        ("yb_settle", "431000", MONTHS[1:13]),
        ("mz_death", "431000", MONTHS[1:]),
        ("county_person", COUNTY, MONTHS[1:]),
    ],
)
def test_a_late_delivery_reaches_as_far_as_it_is_read(
    warehouse: str, kind: str, county: str, reached: list[str]
) -> None:
    complete(warehouse, county, kind)
    build_all(warehouse)
    delivery = accept(warehouse, send(warehouse, kind, county, at=moment(11)), moment(12))
    assert changed(warehouse) == [Changed(month, (delivery,), moment(12)) for month in reached]
    for month in reached:
        build(warehouse, month, moment(13))
    assert changed(warehouse) == []


@pytest.mark.parametrize(
    ("kind", "lacking", "reached"),
    [
        ("county_income", "county_income", ["2026-04"]),
        ("county_income", "county_person", ["2026-04"]),
        ("county_water", "county_water", ["2026-04"]),
        ("county_water", "county_person", []),
    ],
)
def test_a_later_month_without_the_county_or_kind_is_reached_too(
    warehouse: str, kind: str, lacking: str, reached: list[str]
) -> None:
    """It names the latest month that there is, and how far the sender is behind."""
    months = ["2026-02", "2026-03", "2026-04", "2026-05"]
    complete(warehouse, COUNTY, "county_income", months)
    complete(warehouse, COUNTY, "county_water", months)
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "delete from ops.acceptance using ops.delivery as d"
            " where acceptance.delivery_id = d.delivery_id and d.period = '2026-04'"
            " and d.kind = %s",
            [lacking],
        )
    build_all(warehouse, months)
    accept(warehouse, send(warehouse, kind, COUNTY, at=moment(11)), moment(12))
    assert periods(warehouse) == ["2026-02", "2026-03", *reached]


@pytest.mark.parametrize(("treatment", "reached"), [("flagged", 2), ("quarantined", 14 - 1)])
def test_quarantined_rows_are_followed_through_all_later_months(
    warehouse: str, treatment: str, reached: int
) -> None:
    complete(warehouse, COUNTY, "county_water")
    build_all(warehouse)
    delivery = accept(warehouse, send(warehouse, "county_water", COUNTY), moment(12))
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "insert into ops.delivery_defect (delivery_id, row_no, defect_code, treatment)"
            " values (%s, 1, 'D02', %s)",
            [delivery, treatment],
        )
    assert len(periods(warehouse)) == reached


def test_deliveries_of_later_months_do_not_count(warehouse: str) -> None:
    build(warehouse, "2026-01", moment(10))
    accept(warehouse, send(warehouse, "county_income", COUNTY, at=moment(11)), moment(12))
    assert changed(warehouse) == []


def test_rejected_and_waiting_deliveries_do_not_count(warehouse: str) -> None:
    build(warehouse, "2026-02", moment(10))
    send(warehouse, "county_income", COUNTY, at=moment(11))
    reject(warehouse, send(warehouse, "county_measure", COUNTY, at=moment(11)), moment(12))
    assert changed(warehouse) == []


def test_several_deliveries_are_one_change(warehouse: str) -> None:
    build(warehouse, "2026-02", moment(10))
    first = accept(warehouse, send(warehouse, "county_income", COUNTY), moment(12))
    second = accept(warehouse, send(warehouse, "county_income", "431027"), moment(11))
    assert changed(warehouse) == [Changed("2026-02", (first, second), moment(12))]


@pytest.mark.parametrize("state", ["unchanged", "blocked"])
def test_a_build_that_reached_its_end_counts_whatever_came_of_it(
    warehouse: str, state: str
) -> None:
    build(warehouse, "2026-02", moment(10))
    accept(warehouse, send(warehouse, "county_income", COUNTY), moment(11))
    build(warehouse, "2026-02", moment(12), state)
    assert changed(warehouse) == []


def test_a_build_that_broke_off_does_not_count(warehouse: str) -> None:
    build(warehouse, "2026-02", moment(10))
    accept(warehouse, send(warehouse, "county_income", COUNTY), moment(11))
    build(warehouse, "2026-02", moment(12), state=None)
    assert periods(warehouse) == ["2026-02"]


def test_going_back_to_an_earlier_version_is_a_change(warehouse: str) -> None:
    first = accept(warehouse, send(warehouse, "county_income", COUNTY, at=moment(1)), moment(1))
    second = accept(warehouse, send(warehouse, "county_income", COUNTY, at=moment(2)), moment(2))
    build(warehouse, "2026-02", moment(10))
    with psycopg.connect(warehouse) as connection:
        arrive(connection, second, moment(11))  # it counted before
    assert changed(warehouse) == []
    with psycopg.connect(warehouse) as connection:
        arrive(connection, first, moment(12))
    assert changed(warehouse) == [Changed("2026-02", (first,), moment(12))]


def test_the_kinds_read_from_the_beginning_are_those_the_models_read_so() -> None:
    models = PROJECT_ROOT / "dbt_project/models"
    read = {
        kind
        for path in models.rglob("*.sql")
        for kind in re.findall(r"counted_deliveries\('(\w+)'\)", path.read_text(encoding="utf-8"))
    }
    assert read == set(HISTORY)
    assert read <= set(contracts())

"""What a backfill says that it would touch."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from include.backfill.plan import Plan, plan, readers
from include.backfill.request import Request
from include.dictionary.project import manifest
from include.landing import path_of
from include.settings import settings
from tests.unit.register import accept, build, moment, reject, send

COUNTY, CITY = "431026", "431000"
SPENT = {"county_delivery": 20.0, "health_insurance_delivery": 10.0, "build": 50.0}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dbt's own manifest of the project, as a build leaves it."""
    path = tmp_path_factory.mktemp("dbt") / "manifest.json"
    path.write_text(json.dumps(manifest()), encoding="utf-8")
    return path


@pytest.fixture
def planned(warehouse: str, project: Path) -> str:
    settings().dbt_target.mkdir(parents=True)
    (settings().dbt_target / "manifest.json").symlink_to(project)
    return warehouse


def plan_of(dsn: str, **scope: str) -> Plan:
    with psycopg.connect(dsn) as connection:
        return plan(connection, Request("2026-02", "2026-03", "why", **scope), SPENT)  # type: ignore[arg-type]


def test_nothing_is_known_and_nothing_was_built(planned: str) -> None:
    found = plan_of(planned, source="health_insurance")
    assert found.periods == ("2026-02", "2026-03")
    assert {(each.counties, each.owed, each.known) for each in found.deliveries} == {(1, 2, 0)}
    assert (found.later, found.later_if_quarantined) == ((), ())
    assert (found.seconds, found.seconds_with_later) == (110.0, 110.0)


def test_deliveries_are_counted_by_kind(planned: str) -> None:
    kept = accept(planned, send(planned, "county_income", COUNTY))
    with psycopg.connect(planned) as connection:
        (sha256,) = connection.execute("select sha256 from ops.delivery").fetchone() or ("",)
    path_of(sha256).parent.mkdir(parents=True)
    path_of(sha256).write_bytes(b"")
    accept(planned, send(planned, "county_income", "431027", period="2026-03"))
    accept(planned, send(planned, "county_income", COUNTY, period="2026-01"))
    reject(planned, send(planned, "county_water", COUNTY))
    kinds = {each.kind: each for each in plan_of(planned).deliveries}
    income = kinds["county_income"]
    assert (income.counties, income.owed, income.known, income.not_in_landing) == (11, 22, 2, 1)
    assert (kinds["county_water"].known, kinds["mz_death"].owed) == (0, 2)
    (one,) = (k for k in plan_of(planned, county=COUNTY).deliveries if k.kind == "county_income")
    assert (one.counties, one.owed, one.known, one.not_in_landing) == (1, 2, 1, 0)
    assert kept


def test_later_months_are_named_with_what_is_published(planned: str) -> None:
    for month in ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05"):
        build(planned, month, moment(10))
    build(planned, "2026-06", moment(10), state="blocked")
    found = plan_of(planned, source="health_insurance")
    assert [(each.period, each.version) for each in found.later] == [
        ("2026-04", 1),
        ("2026-05", 1),
        ("2026-06", None),
    ]
    assert "yb_settle" in found.later[1].kinds
    assert found.seconds_with_later == 110.0 + 3 * 50.0
    assert found.later_if_quarantined == ()


def test_who_reads_a_kind(planned: str) -> None:
    models, marts = readers(["county_income"])
    assert {"base_county_income", "stg_county_income", "household_month"} <= set(models)
    assert {"household_month", "county_scorecard"} <= set(marts) <= set(models)
    assert "stg_county_water" not in models
    assert readers([]) == ((), ())
    assert readers(["no_such_kind"]) == ((), ())

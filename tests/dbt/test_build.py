"""Real dbt builds on a real warehouse: empty input, small input, and each way to fail."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
import psycopg
import pytest

from include import build
from include.contracts import contracts
from include.database import acting_as
from include.landing import Landed, store
from include.load import load
from include.settings import settings

COUNTY = "431026"
HOUSEHOLDS = ("1000000000000001", "1000000000000002", "1000000000000003")
PERIOD = "2026-03"


def deliver(kind: str, rows: list[dict[str, str]], county: str = COUNTY) -> int:
    """Land, load and accept rows as a county's csv; returns the delivery."""
    contract = contracts()[kind]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.headers[0] for column in contract.columns])
    for row in rows:
        writer.writerow([row.get(column.name, "") for column in contract.columns])
    path, size, sha256 = store([text.getvalue().encode("gb18030")])
    landed = Landed(
        "county", kind, county, PERIOD, f"test/{kind}", f"{kind}.csv", path, size, sha256
    )
    delivery = load(landed)
    with psycopg.connect(settings().dsn) as connection:
        connection.execute(
            "insert into ops.acceptance (delivery_id, outcome) values (%s, 'accepted') "
            "on conflict do nothing",
            [delivery],
        )
    return delivery


def deliver_a_county() -> None:
    """Three households: one monitored, one with an unreadable income; a row without a number."""
    place = {"county": "汝城县", "township": "卢阳镇", "village": "云善村"}
    deliver(
        "county_household",
        [
            place
            | {"household_no": number, "household_type": "普通农户", "member_count": "2"}
            | ({"monitor_category": "边缘易致贫户", "monitored_ym": "202603",
                "first_identified_ym": "202603", "risk_cleared": "否"} if number is HOUSEHOLDS[0]
               else {})
            for number in HOUSEHOLDS
        ] + [place | {"household_no": "1.0E+15"}],
    )  # fmt: skip
    deliver(
        "county_person",
        [
            {"county": "汝城县", "household_no": HOUSEHOLDS[0], "cert_no": "431099199001010010",
             "status": "正常"},
            {"county": "汝城县", "household_no": HOUSEHOLDS[0], "cert_no": "431099199001010011",
             "status": "正常"},
        ],
    )  # fmt: skip
    deliver(
        "county_income",
        [
            {"county": "汝城县", "household_no": HOUSEHOLDS[0], "a_wage": "1,000.50元"},
            {"county": "汝城县", "household_no": HOUSEHOLDS[1], "a_wage": "不详"},
        ],
    )
    deliver("county_measure", [])


@pytest.fixture(scope="module")
def built(warehouse_module: str) -> str:
    """A warehouse in which one county's month has been built."""
    deliver_a_county()
    build.run_dbt(build.open_build(PERIOD))
    return warehouse_module


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_empty_input_holds_every_county_back(warehouse: str) -> None:
    build.run_dbt(build.open_build(PERIOD))
    assert rows(
        warehouse,
        "select data_status, count(*), count(households) "
        "from candidate.county_scorecard group by 1",
    ) == [("held_back", 11, 0)]
    assert rows(warehouse, "select count(*) from candidate.household_month") == [(0,)]
    assert rows(warehouse, "select count(*) from staging.delivery_accounting") == [(0,)]


def test_the_delivered_county_is_published_and_the_others_are_not(built: str) -> None:
    assert rows(
        built,
        "select households, persons, monitored_households, new_monitored_households, net_income_pp "
        "from candidate.county_scorecard where data_status = 'published'",
    ) == [(3, 1, 1, 1, pytest.approx(500.25))]


def test_every_row_is_somewhere(built: str) -> None:
    accounting = rows(
        built,
        "select kind, row_count, staged, quarantined, superseded from staging.delivery_accounting "
        "order by kind",
    )
    assert accounting == [
        ("county_household", 4, 3, 1, 0),
        ("county_income", 2, 1, 1, 0),
        ("county_measure", 0, 0, 0, 0),
        ("county_person", 2, 1, 1, 0),
    ]
    assert rows(built, "select kind, defect_code from staging.quarantine order by 1") == [
        ("county_household", "D02"), ("county_income", "D13"), ("county_person", "D04"),
    ]  # fmt: skip


def test_two_builds_of_the_same_inputs_are_equal(built: str) -> None:
    def content() -> list[tuple[object, ...]]:
        return rows(
            built,
            "select md5(string_agg(h::text, '|' order by h.household_key)) "
            "from candidate.household_month as h",
        )

    before = content()
    build.run_dbt(build.open_build(PERIOD))
    assert content() == before


def test_what_came_after_the_knowledge_time_is_not_read(built: str) -> None:
    build.run_dbt(build.open_build(PERIOD, datetime(2020, 1, 1, tzinfo=UTC)))
    try:
        assert rows(built, "select count(*) from candidate.household_month") == [(0,)]
    finally:
        build.run_dbt(build.open_build(PERIOD))


def test_a_row_lost_in_staging_shows_in_the_accounting(built: str) -> None:
    with psycopg.connect(built) as connection:
        connection.execute("delete from staging.base_county_income where disposition = 'staged'")
    try:
        build.run_dbt(build.open_build(PERIOD), select="delivery_accounting")
        assert rows(built, "select kind from staging.delivery_accounting "
                           "where row_count <> staged + quarantined + superseded") == [
            ("county_income",)
        ]  # fmt: skip
    finally:
        build.run_dbt(build.open_build(PERIOD))


def test_no_identifier_leaves_the_vault(built: str) -> None:
    for schema in ("staging", "spine", "core", "candidate"):
        for (table,) in rows(
            built,
            f"select table_name from information_schema.tables where table_schema = '{schema}'",
        ):
            found = rows(
                built, f"select count(*) from {schema}.{table} as t "
                f"where t::text ~ '431099199001010010|{HOUSEHOLDS[0]}'"
            )  # fmt: skip
            assert found == [(0,)], f"{schema}.{table}"


def test_the_unit_tests_of_the_models_pass(built: str) -> None:
    build.dbt("test", "--select", "test_type:unit")


@pytest.fixture
def project(built: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project that a test may break; builds use it instead of the real one."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(build.DBT_PROJECT, copy)
    monkeypatch.setattr(build, "DBT_PROJECT", copy)
    return copy


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_seeds_are_loaded_where_they_changed(built: str, project: Path) -> None:
    burden = "select value from seeds.ref_threshold where code = 'high_burden_share'"
    with psycopg.connect(built) as connection:
        connection.execute(b"update seeds.ref_threshold set value = 0.5")
    build.run_dbt(build.open_build(PERIOD))
    assert rows(built, burden) == [(Decimal("0.5"),)], "the same seeds were loaded again"
    edit(project / "seeds" / "ref_threshold.csv", "high_burden_share,0.", "high_burden_share,0.9")
    build.run_dbt(build.open_build(PERIOD))
    assert rows(built, f"select value > 0.9 from ({burden}) as seeded") == [(True,)]


def test_seeds_half_loaded_are_loaded_again(
    built: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other seeds were being loaded when the build was killed, and the old ones come back."""
    before = build.build_variables(build.open_build(PERIOD))["seeds_sha256"]
    with acting_as("transformer"):
        build._remember_seeding(before)
    assert build._is_seeded(before)
    edit(project / "seeds" / "ref_threshold.csv", "high_burden_share,0.", "high_burden_share,0.9")
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(build, "dbt", lambda *_, **__: sys.exit(1))
        build.run_dbt(build.open_build(PERIOD))
    assert not build._is_seeded(before)


def test_a_broken_contract_fails_the_build(project: Path) -> None:
    edit(
        project / "models/marts/household_month.sql",
        "    household.members,",
        "    household.members::text as members,",
    )
    with pytest.raises(build.BuildFailed, match="household_month"):
        build.run_dbt(build.open_build(PERIOD), select="household_month")


def test_a_broken_grain_fails_the_build(project: Path) -> None:
    edit(
        project / "models/core/dim_household.sql",
        "select distinct on (household.household_key)",
        "select",
    )
    edit(
        project / "models/core/dim_household.sql",
        "where household.period",
        "cross join generate_series(1, 2)\nwhere household.period",
    )
    with pytest.raises(build.BuildFailed, match="unique_grain_dim_household"):
        build.run_dbt(build.open_build(PERIOD), select="dim_household")


def test_a_broken_formula_fails_its_unit_test(project: Path) -> None:
    edit(
        project / "models/core/household_income.sql",
        "gross_income - business_expense as net_income",
        "gross_income as net_income",
    )
    with pytest.raises(build.BuildFailed, match="income_formula"):
        build.dbt("test", "--select", "test_type:unit,household_income")


def test_a_failure_names_nodes_and_no_values(project: Path) -> None:
    edit(
        project / "models/core/dim_household.sql",
        "    household.household_key,\n",
        "    (household.household_key || 'x')::integer::text as household_key,\n",
    )
    with pytest.raises(build.BuildFailed) as failure:
        build.run_dbt(build.open_build(PERIOD), select="dim_household")
    assert "dim_household" in str(failure.value)
    assert "invalid input syntax" not in str(failure.value)


def returned(macro: str) -> Any:
    """What a macro of kinds.sql returns."""
    said: list[Any] = []
    text = (build.DBT_PROJECT / "macros" / "kinds.sql").read_text()
    module = jinja2.Environment().from_string(text, {"return": said.append}).module
    getattr(module, macro)()
    return said[0]


def test_the_macros_read_as_far_back_as_the_contracts_say() -> None:
    expected: dict[str, set[str]] = {}
    for kind, contract in contracts().items():
        expected.setdefault(contract.horizon, set()).add(kind)
    assert {horizon: set(kinds) for horizon, kinds in returned("horizons").items()} == expected


def test_the_macro_holds_back_what_the_contracts_hold_back() -> None:
    assert set(returned("holds_back_kinds")) == {k for k, c in contracts().items() if c.holds_back}

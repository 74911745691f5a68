"""The main job, whole: real scheduler, database, HTTP, SFTP, dbt and gates."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from tests.e2e import oracle
from tests.e2e.conftest import CORRECTED, Stage
from tests.e2e.municipality import MONTHS, differing


def comparable(value: object) -> object:
    """Numbers by value, missing as None."""
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, bool | np.bool_):
        return Decimal(int(value))  # the truth has 0 and 1
    if isinstance(value, Decimal | int | float) or hasattr(value, "dtype"):
        return Decimal(str(value)).normalize()
    return value


def test_three_months_of_eleven_counties_are_published(demo: Stage) -> None:
    rows = demo.marts["county_scorecard"].values()
    assert {(row["period"], row["data_status"]) for row in rows} == {
        (period, "published") for period in MONTHS
    }
    assert len(rows) == 33
    assert len({row["county_code"] for row in rows}) == 11


@pytest.mark.parametrize("period", MONTHS)
def test_the_scorecard_is_what_the_truth_says(demo: Stage, period: str) -> None:
    expected = oracle.scorecard(demo.municipality.home, period, MONTHS[0])
    published = {
        county: row
        for (month, county), row in demo.marts["county_scorecard"].items()
        if month == period
    }
    assert set(published) == set(expected.index)
    for county, figures in expected.iterrows():
        found = {name: comparable(published[str(county)][name]) for name in expected.columns}
        assert found == {name: comparable(value) for name, value in figures.items()}, county


HOUSEHOLD = {
    "wage_income": "wage", "business_income": "business", "property_income": "property",
    "transfer_income": "transfer", "business_expense": "expense", "gross_income": "gross",
    "net_income": "net", "out_of_pocket_ytd_amt": "out_of_pocket",
}  # fmt: skip
"""Amounts of household_month and of the truth, which has them in fen."""


@pytest.mark.parametrize("period", MONTHS)
def test_the_households_are_what_the_truth_says(demo: Stage, period: str) -> None:
    """By content, for the marts know a household by its keyed hash alone."""
    truth = oracle.households(demo.municipality.home, period, MONTHS[0])
    amounts = [[Decimal(int(fen)) / 100 for fen in truth[name]] for name in HOUSEHOLD.values()]
    status = [
        "none" if not kind else "in_force" if in_force else "cleared"
        for kind, in_force in zip(truth.kind, truth.in_force, strict=True)
    ]
    expected = zip(
        truth.county_code, truth.village_code, status, truth.members, truth.persons_on_file,
        truth.insured, truth.deceased, truth.net_pp, truth.reference_pp, truth.is_below_line,
        truth.is_high_burden, truth.is_new, truth.is_relapsed, truth.is_cleared, *amounts,
        strict=True,
    )  # fmt: skip
    columns = [
        "county_code", "village_code", "monitor_status", "members", "persons_on_file",
        "insured_persons", "deceased_members", "net_income_pp", "reference_income_pp",
        "is_below_line", "is_high_burden", "is_new", "is_relapsed", "is_cleared", *HOUSEHOLD,
    ]  # fmt: skip
    rows = [row for row in demo.marts["household_month"].values() if row["period"] == period]
    found = [tuple(comparable(row[name]) for name in columns) for row in rows]
    assert sorted(found, key=repr) == sorted(
        (tuple(comparable(value) for value in row) for row in expected), key=repr
    )


@pytest.mark.parametrize("period", MONTHS)
def test_what_households_receive_is_what_the_truth_says(demo: Stage, period: str) -> None:
    """Sums: a person whom the county knows by another number (D07) leads to no household."""
    truth = oracle.truth(demo.municipality.home, period, "households")
    rows = [row for row in demo.marts["household_month"].values() if row["period"] == period]
    for mart, name, total in (
        ("has_dibao", "has_dibao", truth.has_dibao.sum()),
        ("has_tekun", "has_tekun", truth.has_tekun.sum()),
        ("dibao_paid_amt", "dibao_paid", truth.dibao_paid.sum() / 100),
    ):
        found = float(sum(row[mart] for row in rows))
        assert 0.99 * total <= found <= total, name


def test_every_accepted_row_is_staged_quarantined_or_superseded(demo: Stage) -> None:
    (unbalanced,) = demo.municipality.query(
        "select count(*) from staging.delivery_accounting"
        " where row_count <> staged + quarantined + superseded"
    )
    assert unbalanced == (0,)
    deliveries = demo.municipality.query(
        "select count(*), sum(row_count) from staging.delivery_accounting"
    )
    accepted = demo.municipality.query(
        "select count(*), sum(row_count) from ops.accepted_delivery as a"
        " where source <> 'county' or period >= '2026-02'"
    )
    assert deliveries[0][0] > 0
    assert deliveries[0][1] > 0
    assert accepted[0][0] > 0


def test_no_member_is_quarantined_for_an_unusable_number(demo: Stage) -> None:
    """Name and household tell whom a row is about, or make a person of its own of it."""
    found = demo.municipality.query(
        "select defect_code, count(*) from staging.quarantine"
        " where kind = 'county_person' and period = '2026-03' group by 1"
    )
    assert found == []


def test_the_demo_prints_the_scorecard_it_published(demo: Stage) -> None:
    printed = {(row["period"], row["county_code"]): row for row in demo.figures["scorecard"]}
    assert set(printed) == set(demo.marts["county_scorecard"])
    for (period, county), row in demo.marts["county_scorecard"].items():
        assert printed[period, county]["monitored_households"] == row["monitored_households"]
    steps = {step["step"] for step in demo.figures["airflow_steps"]}
    assert {"fetch_and_load", "judge", "dbt", "audit", "publish"} <= steps


def test_each_month_was_built_once_by_itself(demo: Stage) -> None:
    builds = demo.municipality.query(
        "select period, state, version from ops.publication where build_id <= 3 order by period"
    )
    assert builds == [(period, "published", 1) for period in MONTHS]


def test_a_second_demo_publishes_the_same_rows(demo: Stage, demo_again: Stage) -> None:
    assert demo_again.marts == demo.marts
    states = demo.municipality.query(
        "select period, state from ops.publication where build_id between 4 and 6 order by period"
    )
    assert states == [(period, "unchanged") for period in MONTHS]


def test_a_correction_changes_its_county_and_nothing_else(
    demo_again: Stage, backfill: Stage
) -> None:
    for mart in ("county_scorecard", "household_month"):
        changed = differing(demo_again.marts[mart], backfill.marts[mart])
        assert {(period, county) for period, county, _ in changed} == {("2026-01", CORRECTED)}
        assert len(changed) == 1
    for mart, rows in backfill.marts.items():
        changed = differing(demo_again.marts[mart], rows)
        # A county's figure moves the others' rank, and nothing else of them.
        elsewhere = {county for _, county, _ in changed} - {CORRECTED}
        assert not elsewhere or mart == "county_kpi", mart
    key = ("2026-01", CORRECTED)
    members = sum(
        row["members"]
        for row in demo_again.marts["household_month"].values()
        if (row["period"], row["county_code"]) == key
    )
    before, after = (
        stage.marts["county_scorecard"][key]["net_income_pp"] for stage in (demo_again, backfill)
    )
    assert abs(after - before - Decimal(1200) / members) <= Decimal("0.01")


def test_a_backfill_tells_what_it_changed_and_is_on_record(backfill: Stage) -> None:
    told = {(c["mart"], c["period"], c["county_code"]): c for c in backfill.figures["changes"]}
    for mart in ("county_scorecard", "household_month"):
        change = told[mart, "2026-01", CORRECTED]
        assert (change["added"], change["changed"], change["removed"]) == (0, 1, 0)
    assert {county for mart, _, county in told if mart != "county_kpi"} == {CORRECTED}
    assert backfill.municipality.query(
        "select from_period, to_period, reason, state from ops.backfill order by backfill_id"
    ) == [
        ("2026-01", "2026-03", "demo", "done"),
        ("2026-01", "2026-03", "demo", "done"),
        ("2026-01", "2026-03", "corrected income", "done"),
    ]


def test_what_was_replaced_is_in_the_archive(demo_again: Stage, backfill: Stage) -> None:
    archived = backfill.municipality.query(
        "select period, count(*) from archive.household_month group by 1"
    )
    rows = demo_again.marts["household_month"].values()
    # February's fall in income is measured from January's, so its alerts may have changed too.
    assert ("2026-01", sum(row["period"] == "2026-01" for row in rows)) in archived


def test_nothing_unchanged_was_loaded_again(backfill: Stage) -> None:
    """The county's correction is the only delivery that came after the first demo's."""
    came = backfill.municipality.query(
        "select kind, county_code, period from ops.delivery where kind like 'county%'"
        f" and period <= '{MONTHS[-1]}' and received_at >"
        " (select max(published_at) from ops.publication where build_id <= 3)"
    )
    assert came == [("county_income", CORRECTED, MONTHS[0])]


def test_psql_reads_as_the_bi_account_and_writes_nothing(demo: Stage) -> None:
    done = demo.municipality.run(
        "psql", "--csv", "-c", "select period, county_code from marts.county_scorecard"
    )
    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) == 33
    delete = "delete from marts.county_scorecard"
    refused = demo.municipality.run("psql", "-c", delete)
    assert refused.code != 0
    assert "read-only transaction" in refused.stderr
    # The setting is the reader's own to change; the right to write is not.
    insisting = ["-c", "set default_transaction_read_only = off", "-c", delete]
    refused = demo.municipality.run("psql", *insisting)
    assert refused.code != 0
    assert "permission denied" in refused.stderr
    hidden = demo.municipality.run("psql", "-c", "select * from raw.county_person")
    assert "permission denied" in hidden.stderr

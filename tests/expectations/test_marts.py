"""Each expectation of each mart: met by a sound month, failed by one broken row, and on nothing."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import datetime

import psycopg
import pytest

from expectations.check import Check, Subject
from expectations.checkpoint import Outcome, run
from include.database import acting_as
from tests.expectations import (
    alerts,
    assistance,
    backlog,
    burdens,
    episodes,
    findings,
    guarantees,
    links,
    persons,
    regimes,
    scorecards,
    work_marts,
)
from tests.expectations.candidate import HELD_BACK, PERIOD, deliver_month, fill, open_build

H, S, A = "candidate.household_month", "candidate.county_scorecard", "staging.delivery_accounting"
_ONE = "household_key = (select min(household_key) from candidate.household_month)"
_C = "county_code = '431026'"
_TEXT_ID = "431099" + "19700101" + "0018"

BREAKS: dict[str, dict[str, str]] = {
    "household_month": {
        "has_rows": f"delete from {H}",
        "household_key_filled": f"alter table {H} drop constraint household_month_pkey,"
        " alter household_key drop not null;"
        f" update {H} set household_key = null where {_ONE}",
        "household_key_unique": f"alter table {H} drop constraint household_month_pkey;"
        f" insert into {H} select * from {H} where {_ONE}",
        "one_period": f"update {H} set period = '2026-01' where {_ONE}",
        "gross_is_sum_of_classes": f"update {H} set wage_income = wage_income + 0.02 where {_ONE}",
        "net_is_gross_less_expense": f"update {H} set business_expense = 2000.02 where {_ONE}",
        "net_pp_is_net_by_members": f"update {H} set net_income_pp = net_income_pp + 1"
        f" where {_ONE}",
        "monitor_status_known": f"update {H} set monitor_status = null where {_ONE}",
        "in_force_has_kind": f"update {H} set monitor_category = '04'"
        f" where {_C} and monitor_status = 'in_force'",
        "flows_exclude_each_other": f"update {H} set is_relapsed = true where is_new and {_C}",
        "counts_not_negative": f"update {H} set insurable_persons = -1 where {_ONE}",
        "insured_within_insurable": f"update {H} set insured_persons = 4 where {_ONE}",
        "keys_are_hashes": f"update {H} set household_key = '9900000000000017' where {_ONE}",
        "village_in_county": f"update {H} set village_code = '439999101201' where {_ONE}",
        "village_known": f"update {H} set village_code = null where {_C}",
        "members_on_file": f"update {H} set persons_on_file = 2 where {_ONE}",
        "only_published_counties": f"update {H} set county_code = '{HELD_BACK}' where {_ONE}",
        "every_published_county": f"delete from {H} where {_C}",
        "no_identifier_columns": f"alter table {H} add column head_name text",
        "no_identifier_values": f"update {H} set household_type = '户{_TEXT_ID}' where {_ONE}",
        "steady_volume": f"delete from {H} where {_C} and monitor_status <> 'none'",
    },
    "county_scorecard": {
        "has_rows": f"delete from {S}",
        "all_counties": f"delete from {S} where {_C}",
        "county_code_filled": f"alter table {S} drop constraint county_scorecard_pkey,"
        f" alter county_code drop not null; update {S} set county_code = null where {_C}",
        "county_code_unique": f"alter table {S} drop constraint county_scorecard_pkey;"
        f" insert into {S} select * from {S} where {_C}",
        "one_period": f"update {S} set period = '2026-03' where {_C}",
        "stock_is_explained_by_flows": f"update {S} set moved_out_monitored_households = 0"
        f" where {_C}",
        "kinds_sum_to_monitored": f"update {S} set monitored_marginal_households = 1 where {_C}",
        "recomputes_from_households": f"update {S} set insured_persons = 8 where {_C}",
        "net_income_pp_recomputes": f"update {S} set net_income_pp = net_income_pp + 1 where {_C}",
        "held_back_as_accepted": f"update {S} set data_status = 'held_back' where {_C}",
        "held_back_without_figures": f"update {S} set persons = 0"
        f" where county_code = '{HELD_BACK}'",
        "shown_instead_when_held_back": f"update {S} set shown_instead_period = '{PERIOD}'"
        f" where county_code = '{HELD_BACK}'",
        "published_with_figures": f"update {S} set high_burden_households = null where {_C}",
        "published_with_households": f"update {S} set households = 0 where {_C}",
        "parts_within_wholes": f"update {S} set households_below_line = 4 where {_C}",
        "insured_share_is_a_share": f"update {S} set insured_share = 1.000001 where {_C}",
        "monitored_insured_share_is_a_share": f"update {S} set monitored_insured_share = -0.000001"
        f" where {_C}",
        "grades_known": f"update {S} set grade_work = 'E' where {_C}",
        "previous_as_published": f"update {S} set previous_monitored_households = 7 where {_C}",
        "no_identifier_columns": f"alter table {S} add column contact_phone text",
        "no_identifier_values": f"update {S} set county_name = '电话13800000000' where {_C}",
    },
    "delivery_accounting": {
        "has_rows": f"delete from {A}",
        "delivery_id_filled": f"insert into {A} values (null, 'k', 'c', 'p', 0, 0, 0, 0)",
        "delivery_id_unique": f"insert into {A} select * from {A} where delivery_id = 1",
        "rows_are_accounted_for": f"update {A} set staged = 2 where delivery_id = 1",
        "parts_not_negative": f"update {A} set staged = 2, superseded = -1 where delivery_id = 1",
        "row_count_as_registered": f"update {A} set row_count = 2, staged = 2"
        f" where delivery_id = 1",
        "every_delivery_accounted_for": f"delete from {A} where delivery_id = 1",
        "only_deliveries_in_scope": f"insert into {A} values (0, 'k', 'c', 'p', 0, 0, 0, 0)",
        "little_quarantine": f"update {A} set staged = 0, quarantined = 1 where delivery_id = 1",
    },
    "risk_alert": alerts.BREAKS,
    "alert_answer": alerts.ANSWER_BREAKS,
    "monitoring_episode": episodes.BREAKS,
    "assistance_coverage": assistance.COVERAGE_BREAKS,
    "reconciliation": assistance.RECONCILIATION_BREAKS,
    **work_marts.BREAKS,
    "data_finding": findings.BREAKS,
    "link_quality": links.BREAKS,
    "quarantine_backlog": backlog.BREAKS,
    "village_scorecard": scorecards.VILLAGE_BREAKS,
    "data_health": scorecards.DATA_HEALTH_BREAKS,
    "county_kpi": scorecards.COUNTY_KPI_BREAKS,
    "three_guarantees_gap": guarantees.GUARANTEE_BREAKS,
    "helper_coverage": guarantees.HELPER_BREAKS,
    "medical_burden": burdens.BREAKS,
    "regime_comparison": regimes.BREAKS,
    "person_month": persons.BREAKS,
}
"""mart -> expectation -> SQL that breaks exactly what it guards (and perhaps more)."""

FAILS_ON_NOTHING = {
    "household_month": {"has_rows", "every_published_county"},
    "county_scorecard": {"has_rows", "all_counties"},
    "delivery_accounting": {"has_rows", "every_delivery_accounted_for"},
    "monitoring_episode": {"has_rows"},
    "data_finding": set(),
    "assistance_coverage": {"has_rows"},
    "reconciliation": set(),
    "three_guarantees_gap": {"has_rows"},
    "helper_coverage": {"has_rows"},
    "medical_burden": {"has_rows"},
    "link_quality": {"has_rows"},
    "regime_comparison": set(),
    "risk_alert": set(),
    "alert_answer": set(),
    "quarantine_backlog": set(),
    **work_marts.FAILS_ON_NOTHING,
    "village_scorecard": {"has_rows"},
    "data_health": {"has_rows", "all_that_is_due"},
    "county_kpi": {"has_rows"},
    "person_month": {"has_rows"},
}
MARTS = sorted(BREAKS)


@pytest.fixture(scope="module")
def month(warehouse: str) -> Iterator[tuple[psycopg.Connection, datetime]]:
    """A connection to a warehouse with a sound candidate, and the cut-off of its build."""
    with psycopg.connect(warehouse, autocommit=True) as db:
        deliver_month(db, "2026-01")
        deliver_month(db)
        build_id = open_build(db)
        row = db.execute(
            "select known_at from ops.build where build_id = %s", [build_id]
        ).fetchone()
        assert row is not None
        db.execute(
            "create table quality.published_before (mart text, county_code text, rows bigint,"
            " monitored_households bigint)"
        )
        db.execute(
            "insert into quality.published_before values ('household_month', '431026', 3, null),"
            " ('county_scorecard', '431026', 1, 1), ('household_month', '431081', 3, null),"
            " ('assistance_coverage', '431026', 3, null),"
            " ('three_guarantees_gap', '431026', 18, null), ('helper_coverage', '431026', 1, null),"
            " ('medical_burden', '431026', 3, null), ('person_month', '431026', 9, null)"
        )
        for mart in work_marts.MARTS:
            db.execute(
                "insert into quality.published_before values (%s, '431026', %s, null)",
                [mart, work_marts.ROWS],
            )
        fill(db)
        yield db, row[0]


def subject(mart: str, known_at: datetime, only: str | None = None) -> Subject:
    module = importlib.import_module(f"expectations.marts.{mart}")
    checks: tuple[Check, ...] = module.suite(PERIOD, known_at)
    chosen = [check for check in checks if only in (None, check.id)]
    return Subject(f"marts.{mart}", module.TABLE, module.ROW_KEY, chosen)


def judged(subjects: list[Subject]) -> dict[tuple[str, str], Outcome]:
    with acting_as("transformer"):
        report = run("test", "test", subjects, max_keys=20)
    return {(o.suite.removeprefix("marts."), o.check.id): o for o in report.outcomes}


@pytest.mark.parametrize("mart", MARTS)
def test_every_expectation_has_a_case_that_breaks_it(
    month: tuple[psycopg.Connection, datetime], mart: str
) -> None:
    checks = subject(mart, month[1]).checks
    assert [check.id for check in checks] == list(BREAKS[mart])
    for check in checks:
        assert check.description and check.label_zh and check.reason and check.remedy


def test_a_sound_month_meets_every_expectation(
    month: tuple[psycopg.Connection, datetime],
) -> None:
    outcomes = judged([subject(mart, month[1]) for mart in MARTS])
    assert [key for key, outcome in outcomes.items() if not outcome.success] == []


@pytest.mark.parametrize(("mart", "check"), [(m, c) for m in MARTS for c in BREAKS[m]])
def test_an_expectation_fails_on_what_it_guards_against(
    month: tuple[psycopg.Connection, datetime], mart: str, check: str
) -> None:
    db, known_at = month
    db.execute(BREAKS[mart][check])
    try:
        outcome = judged([subject(mart, known_at, check)])[mart, check]
    finally:
        fill(db)
    assert outcome.error is None
    assert not outcome.success


def test_an_empty_month_fails_for_being_empty(
    month: tuple[psycopg.Connection, datetime],
) -> None:
    db, known_at = month
    tables = ", ".join(subject(mart, known_at).table for mart in MARTS)
    db.execute(f"truncate {tables}")
    try:
        outcomes = judged([subject(mart, known_at) for mart in MARTS])
    finally:
        fill(db)
    assert all(outcome.error is None for outcome in outcomes.values())
    for mart in MARTS:
        failed = {id for (m, id), o in outcomes.items() if m == mart and not o.success}
        assert failed == FAILS_ON_NOTHING[mart]


@pytest.mark.parametrize("id_no", ["431099" + "19700101" + "0018", "1380" + "0000000"])
@pytest.mark.parametrize("written", ["{}", "{}:" + "0" * 64])
def test_a_number_is_seen_in_a_key_and_a_hash_is_taken_for_none(
    month: tuple[psycopg.Connection, datetime], id_no: str, written: str
) -> None:
    db, known_at = month
    hashed = (id_no + "a" * 64)[:64]
    for value, is_met in ((written.format(id_no), False), (f"{hashed}:{hashed}", True)):
        db.execute(
            "update candidate.reconciliation set case_key = %s where county_code = '431026'"
            " and case_type = 'deceased_on_file'",
            [value],
        )
        try:
            checks = [subject("reconciliation", known_at, "no_identifier_values")]
            outcome = judged(checks)["reconciliation", "no_identifier_values"]
        finally:
            fill(db)
        assert (outcome.error, outcome.success) == (None, is_met)

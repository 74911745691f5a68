"""Each expectation of each kind of delivery: met at its bound, failed beyond it, met by nothing."""

from __future__ import annotations

import importlib

import psycopg
import pytest

from expectations.check import Subject
from expectations.checkpoint import Outcome, run
from expectations.deliveries.shared import FOREIGN_SHARE, REJECT_SHARE
from include.contracts import contracts
from include.database import acting_as
from include.receipts.model import defect_words

KINDS = sorted(contracts())

_ROW_LIMIT = (REJECT_SHARE, REJECT_SHARE + 0.000001)
_ANY_ROW = (0, 0.000001)
_ALLOWED = (1, 1.0001)
CASES: dict[str, tuple[float, float]] = {
    "missing_headers": (0, 1),
    "unreadable_files": (0, 1),
    "control_total_difference": (0, -1),
    "rows_not_loaded": (0, 1),
    "rows_beyond_bounds": (0, -1),
    "other_period": (0, 1),
    "volume_ratio": (0.5, 1.5001),
    **{
        f"{figure}_usual": _ALLOWED
        for figure in (
            "row_count",
            "monitored_share",
            "median_net_income_pp",
            "mean_members",
            "blank_id_share",
            "uninsured_share",
            "median_gross_income",
            "wage_share",
            "in_place_share",
            "problem_share",
            "ended_term_share",
            "employed_share",
            "median_wage",
            "median_allowance",
            "unpaid_share",
            "unsafe_share",
            "unfit_water_share",
            "outage_share",
            "median_payment",
            "active_share",
            "median_bill",
            "refund_share",
        )
    },
    "rounded_key_share": (0.5, 0.51),
    "median_gross_income": (500, 499.99),
    "foreign_county_share_limit": (FOREIGN_SHARE, FOREIGN_SHARE + 0.000001),
    **{
        f"{figure}_limit": _ROW_LIMIT
        for figure in (
            "malformed_key_share",
            "duplicate_share",
            "unplaced_share",
            "bad_member_count_share",
            "bad_head_id_share",
            "unparsable_month_share",
            "future_month_share",
            "undated_monitoring_share",
            "unparsable_amount_share",
            "bad_id_share",
            "blank_relation_share",
            "negative_amount_share",
            "differing_sum_share",
            "blank_measure_share",
            "blank_implementation_share",
            "blank_key_share",
            "outside_city_share",
            "unparsable_time_share",
            "overcovered_share",
            "blank_covered_share",
            "future_share",
            "undue_share",
            "blank_kind_share",
            "early_approval_share",
            "no_aid_share",
            "blank_layer_share",
            "early_end_share",
            "unknown_disability_share",
            "other_disability_share",
            "undeserved_care_share",
            "grown_up_share",
            "early_cremation_share",
            "blank_status_share",
            "reversed_period_share",
            "unbalanced_bill_share",
            "unbalanced_fund_share",
            "malformed_diagnosis_share",
            "reversed_days_share",
            "unlisted_disease_share",
            "unknown_chronic_share",
            "stray_service_year_share",
            "unknown_sex_share",
            "wrong_sign_share",
            "blank_channel_share",
            "unreceived_share",
            "unparsable_day_share",
            "future_day_share",
            "disordered_days_share",
            "undated_inclusion_share",
            "unreasoned_refusal_share",
            "undated_visit_share",
            "unanswered_share",
            "blank_helper_share",
            "blank_unit_share",
            "undated_term_share",
            "reversed_term_share",
            "houseless_unknown_share",
            "ungraded_share",
            "ungraded_works_share",
            "causeless_damage_share",
            "blank_supply_share",
            "untested_share",
            "impossible_litres_share",
            "impossible_minutes_share",
            "unmeasured_share",
            "impossible_assurance_share",
            "impossible_outage_share",
            "blank_employed_share",
            "reversed_job_share",
            "future_job_share",
            "impossible_months_share",
            "placeless_work_share",
            "negative_wage_share",
            "blank_post_share",
            "undated_post_share",
            "reversed_post_share",
            "future_post_share",
            "blank_allowance_share",
            "negative_pay_share",
            "blank_class_share",
            "impossible_year_share",
            "reversed_project_share",
            "future_completion_share",
            "blank_amount_share",
            "negative_fund_share",
            "overpaid_share",
            "bad_benefit_share",
        )
    },
}
CASES |= {name.removesuffix("_limit"): _ANY_ROW for name in list(CASES) if name.endswith("_limit")}
"""expectation -> (a figure that just meets it, one that just fails it)."""

SOUND, EMPTY = 1, 0
FIRST_BAD = 100


def suite(kind: str) -> tuple:
    return importlib.import_module(f"expectations.deliveries.{kind}").suite()


@pytest.fixture(scope="module")
def outcomes(warehouse: str) -> dict[tuple[str, str, str], Outcome]:
    """Outcomes by (case, kind, expectation); of 'rows', row 1 is sound, 100+n breaks the nth."""
    subjects = []
    with psycopg.connect(warehouse) as db:
        for kind in KINDS:
            checks = suite(kind)
            figures = sorted({check.figure for check in checks})
            for case in ("rows", "empty", "unknown"):
                db.execute(
                    f"create table quality.{kind}_{case} (delivery_id bigint, "
                    + ", ".join(f"{figure} numeric" for figure in figures) + ")"
                )  # fmt: skip
                subjects.append(
                    Subject(f"{case}.{kind}", f"quality.{kind}_{case}", "delivery_id", checks)
                )
            db.execute(f"insert into quality.{kind}_unknown (delivery_id) values (1)")
            for number, broken in enumerate([None, *checks]):
                # The warning on a share is stricter than its limit: the sound value meets both.
                values = {
                    figure: min(CASES[c.id][0] for c in checks if c.figure == figure)
                    for figure in figures
                }
                if broken:
                    values[broken.figure] = CASES[broken.id][1]
                db.execute(
                    f"insert into quality.{kind}_rows (delivery_id, {', '.join(values)})"
                    f" values ({', '.join(['%s'] * (len(values) + 1))})",
                    [FIRST_BAD + number - 1 if broken else SOUND, *values.values()],
                )
    with acting_as("loader"):
        report = run("test", "test", subjects, max_keys=1000)
    return {
        (*outcome.suite.split(".", 1), outcome.check.id): outcome  # type: ignore[misc]
        for outcome in report.outcomes
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_expectation_has_its_cases_and_its_words(kind: str) -> None:
    checks = suite(kind)
    assert {check.id for check in checks} <= set(CASES)
    assert len({check.id for check in checks}) == len(checks)
    for check in checks:
        assert check.description and check.label_zh and check.reason and check.remedy
        assert check.defect is None or check.defect in defect_words()


def test_no_case_is_left_over() -> None:
    assert {check.id for kind in KINDS for check in suite(kind)} == set(CASES)


@pytest.mark.parametrize("kind", KINDS)
def test_an_expectation_names_the_delivery_that_breaks_it(
    outcomes: dict[tuple[str, str, str], Outcome], kind: str
) -> None:
    checks = suite(kind)
    for number, check in enumerate(checks):
        outcome = outcomes["rows", kind, check.id]
        assert outcome.error is None
        assert not outcome.success
        assert FIRST_BAD + number in outcome.row_keys, check.id
        assert SOUND not in outcome.row_keys, check.id
        others = {FIRST_BAD + n for n, other in enumerate(checks) if other.figure != check.figure}
        assert not others & set(outcome.row_keys), check.id


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_rejects_only_beyond_it(
    outcomes: dict[tuple[str, str, str], Outcome], kind: str
) -> None:
    checks = {check.id: n for n, check in enumerate(suite(kind))}
    for name in checks:
        if name.endswith("_limit"):
            below = FIRST_BAD + checks[name.removesuffix("_limit")]
            assert outcomes["rows", kind, name].row_keys == (FIRST_BAD + checks[name],)
            assert below in outcomes["rows", kind, name.removesuffix("_limit")].row_keys


@pytest.mark.parametrize("case", ["empty", "unknown"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_delivery_and_unknown_figures_break_nothing(
    outcomes: dict[tuple[str, str, str], Outcome], kind: str, case: str
) -> None:
    for check in suite(kind):
        outcome = outcomes[case, kind, check.id]
        assert (outcome.success, outcome.row_keys, outcome.error) == (True, (), None)

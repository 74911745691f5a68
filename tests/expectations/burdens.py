"""The candidate's medical burdens, one per household of household_month, and what breaks them."""

from __future__ import annotations

import psycopg

_M = "candidate.medical_burden"
_MONEY = "numeric(14, 2)"
COLUMNS = {
    "period": "text",
    "household_key": "text",
    "county_code": "text",
    **dict.fromkeys(
        ("settlement_rows_ytd", "inpatient_visits_ytd", "outpatient_visits_ytd"), "integer"
    ),
    **dict.fromkeys(
        (
            "bill_ytd_amt", "out_of_list_ytd_amt", "in_scope_ytd_amt", "basic_insurance_ytd_amt",
            "serious_illness_ytd_amt", "medical_aid_ytd_amt", "other_payers_ytd_amt",
            "fund_ytd_amt", "hospital_part_ytd_amt", "out_of_pocket_ytd_amt", "refunded_ytd_amt",
        ),
        _MONEY,
    ),
    **dict.fromkeys(
        (
            "out_of_list_share", "basic_insurance_share", "serious_illness_share",
            "medical_aid_share", "reimbursement_share", "in_scope_reimbursement_share",
        ),
        "numeric(12, 6)",
    ),
    "months_observed": "integer",
    **dict.fromkeys(
        (
            "out_of_pocket_12m_amt", "later_aid_12m_amt", "burden_12m_amt", "net_income",
            "poverty_line_pp", "discretionary_budget_amt",
        ),
        _MONEY,
    ),
    **dict.fromkeys(
        (
            "is_over_10_of_income", "is_over_25_of_income", "is_over_40_of_budget",
            "is_impoverishing",
        ),
        "boolean",
    ),
}  # fmt: skip

_ONE = f"household_key = (select min(household_key) from {_M} where county_code = '431026')"
BREAKS = {
    "has_rows": f"delete from {_M}",
    "household_key_filled": f"alter table {_M} drop constraint medical_burden_pkey,"
    f" alter household_key drop not null; update {_M} set household_key = null where {_ONE}",
    "household_key_unique": f"alter table {_M} drop constraint medical_burden_pkey;"
    f" insert into {_M} select * from {_M} where {_ONE}",
    "one_period": f"update {_M} set period = '2026-01' where {_ONE}",
    "bill_is_paid_by_somebody": f"update {_M} set hospital_part_ytd_amt = 0.11 where {_ONE}",
    "fund_is_sum_of_layers": f"update {_M} set serious_illness_ytd_amt = 20.11 where {_ONE}",
    "bill_is_in_or_out_of_list": f"update {_M} set in_scope_ytd_amt = 270.11 where {_ONE}",
    "shares_within_bounds": f"update {_M} set medical_aid_share = -0.000001 where {_ONE}",
    "burden_is_payment_less_aid": f"update {_M} set later_aid_12m_amt = 0 where {_ONE}",
    "variants_nest": f"update {_M} set is_impoverishing = true where {_ONE}",
    "window_has_months": f"update {_M} set months_observed = 13 where {_ONE}",
    "agrees_with_household_month": f"update {_M} set out_of_pocket_ytd_amt = 100.02,"
    f" bill_ytd_amt = 300.02 where {_ONE}",
    "keys_are_hashes": f"update {_M} set household_key = '9900000000000017' where {_ONE}",
    "only_published_counties": f"update {_M} set county_code = '431081' where {_ONE}",
    "no_identifier_columns": f"alter table {_M} add column psn_name text",
    "no_identifier_values": f"update {_M} set county_code = '13800000000' where {_ONE}",
    "steady_volume": f"delete from {_M} where county_code = '431026' and not {_ONE}",
}


def fill(db: psycopg.Connection) -> None:
    """A burden for each household of the candidate's household_month: two settlements."""
    listed = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    db.execute(f"drop table if exists {_M}")
    db.execute(f"create table {_M} ({listed}, primary key (period, household_key))")
    db.execute(
        f"insert into {_M} select period, household_key, county_code, 2, 1, 1, 300, 30, 270,"
        " 150, 20, 30, 0, 200, 0, out_of_pocket_ytd_amt, 0, 0.1, 0.5, 0.066667, 0.1, 0.666667,"
        " 0.740741, 2, out_of_pocket_ytd_amt, 10, out_of_pocket_ytd_amt - 10, net_income, 6060,"
        " net_income - 6060 * members, false, false, false, false from candidate.household_month"
    )

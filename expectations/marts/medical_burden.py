"""candidate.medical_burden: one row per month and household of a published county."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import (
    REBUILD,
    has_rows,
    identity,
    key,
    keys_are_hashes,
    no_identifiers,
    one_period,
    steady_volume,
)

TABLE = "candidate.medical_burden"
ROW_KEY = "household_key"

_PER_ROW = 0.05
"""Yuan by which one settlement's sum may differ from its parts: the insurers round each part."""
_LAYERS = (
    "basic_insurance_ytd_amt + serious_illness_ytd_amt + medical_aid_ytd_amt + other_payers_ytd_amt"
)
_SHARES = (
    "out_of_list_share",
    "basic_insurance_share",
    "serious_illness_share",
    "medical_aid_share",
    "reimbursement_share",
    "in_scope_reimbursement_share",
)


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    return (
        has_rows("household"),
        *key("household_key"),
        one_period(period),
        identity(
            "bill_is_paid_by_somebody",
            "abs(bill_ytd_amt - (fund_ytd_amt + out_of_pocket_ytd_amt + hospital_part_ytd_amt))"
            f" > {_PER_ROW} * greatest(settlement_rows_ytd, 1)",
            description="the bill is what funds, household and hospital pay",
            label_zh="总额等于基金、个人、医院负担之和",
            reason="a part lost on the way makes the burden look smaller or larger than it is.",
        ),
        identity(
            "fund_is_sum_of_layers",
            f"abs(fund_ytd_amt - ({_LAYERS})) > {_PER_ROW} * greatest(settlement_rows_ytd, 1)",
            description="the funds are the three layers and the other payers",
            label_zh="基金支付等于三重保障与其他基金之和",
            reason="the layers' shares are compared with each other.",
        ),
        identity(
            "bill_is_in_or_out_of_list",
            "abs(bill_ytd_amt - (in_scope_ytd_amt + out_of_list_ytd_amt))"
            f" > {_PER_ROW} * greatest(settlement_rows_ytd, 1)",
            severity="warning",
            description="the bill is the part in the policy's scope and the part out of the list",
            label_zh="总额等于政策范围内与目录外之和",
            reason="the reimbursement share within the policy rests on this division.",
            remedy="ask the insurance which amounts it counts as out of the list.",
        ),
        identity(
            "shares_within_bounds",
            " or ".join(f"{name} not between 0 and 1" for name in _SHARES),
            description="every share lies between 0 and 1",
            label_zh="各占比在0至1之间",
            reason="a share above one says that a payer is counted twice.",
        ),
        identity(
            "burden_is_payment_less_aid",
            "abs(burden_12m_amt - (out_of_pocket_12m_amt - later_aid_12m_amt)) > 0.01",
            description="the burden is own payments less later aid",
            label_zh="净负担等于个人负担减结算后救助",
            reason="the catastrophic variants look at the burden.",
        ),
        identity(
            "variants_nest",
            "(is_over_25_of_income and not is_over_10_of_income)"
            " or (is_impoverishing and not is_over_40_of_budget)",
            description="who is over the higher threshold is over the lower one",
            label_zh="高阈值蕴含低阈值",
            reason="a variant that contradicts its stricter sister is computed from other money.",
        ),
        identity(
            "window_has_months",
            "months_observed is null or months_observed not between 0 and 12",
            description="zero to twelve months are observed",
            label_zh="有数据月数为0至12",
            reason="the reader tells lower bounds from full years by it.",
        ),
        no_rows(
            "agrees_with_household_month",
            "select coalesce(j.row_key, h.household_key) as row_key"
            " from judged as j full join candidate.household_month as h"
            " on j.household_key = h.household_key and j.period = h.period"
            " where j.household_key is null or h.household_key is null"
            " or abs(j.out_of_pocket_ytd_amt - h.out_of_pocket_ytd_amt) > 0.01"
            " or abs(j.net_income - h.net_income) > 0.01",
            description="the same households, own payments and incomes as in household_month",
            label_zh="与户表一致",
            reason="two marts that disagree discredit both.",
            remedy=REBUILD,
        ),
        keys_are_hashes("household_key"),
        no_rows(
            "only_published_counties",
            f"select distinct county_code as row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="households are only of counties whose four files were accepted",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows no figure.",
            remedy="leave the county out of the month's build.",
        ),
        *no_identifiers("medical_burden"),
        steady_volume("medical_burden"),
    )

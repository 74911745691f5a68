"""candidate.assistance_coverage: one row per month and household of a published county."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
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

TABLE = "candidate.assistance_coverage"
ROW_KEY = "household_key"

_COUNTS = (
    "dibao_members",
    "tekun_members",
    "temp_aid_12m_count",
    "temp_aid_12m_amt",
    "living_subsidy_members",
    "care_subsidy_members",
    "disability_subsidy_amt",
    "orphan_members",
    "measures_in_place",
)
_SIGNALS = " + ".join(
    f"signal_{name}::integer"
    for name in (
        "below_line",
        "high_burden",
        "repeated_aid",
        "unsafe_dwelling",
        "severe_disability",
    )
)


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period``; ``known_at`` is not needed."""
    return (
        has_rows("household"),
        *key("household_key"),
        one_period(period),
        no_rows(
            "same_households_as_household_month",
            "select coalesce(j.household_key, h.household_key) as row_key from judged as j"
            " full join candidate.household_month as h"
            " on j.household_key = h.household_key and j.county_code = h.county_code"
            " where j.household_key is null or h.household_key is null",
            description="the households are those of household_month, in the same counties",
            label_zh="户数与户月表一致",
            reason="a household without its row would look like one without assistance.",
            remedy=REBUILD,
        ),
        identity(
            "layers_have_members",
            "has_dibao <> (dibao_members > 0) or has_tekun <> (tekun_members > 0)",
            description="a household has dibao or full support exactly where a member has",
            label_zh="兜底保障与人数一致",
            reason="the flag and the count come from the same certificates.",
        ),
        identity(
            "has_layer_is_any_layer",
            "has_layer is distinct from"
            " (has_dibao or has_tekun or has_low_income_edge or has_rigid_expense)",
            description="has_layer holds exactly where one of the four layers does",
            label_zh="有无保障判断一致",
            reason="who has no layer is looked at for a missed allowance.",
        ),
        identity(
            "signals_add_up",
            f"risk_signals is distinct from {_SIGNALS}",
            description="risk_signals counts the five signs of risk",
            label_zh="风险信号数一致",
            reason="who has one and is not monitored is looked at for a missed monitoring.",
        ),
        identity(
            "missed_dibao_as_defined",
            "possible_missed_dibao is distinct from coalesce(monitor_status = 'in_force'"
            " and not has_layer and net_income_pp < dibao_standard_year_pp, false)",
            description="possibly missed by dibao: monitored, without a layer, below the standard",
            label_zh="疑似漏保口径一致",
            reason="the county is asked to visit each of these households.",
        ),
        identity(
            "missed_monitoring_as_defined",
            "possible_missed_monitoring is distinct from"
            " (has_dibao and monitor_status <> 'in_force' and risk_signals > 0)",
            description="possibly missed by monitoring: dibao, not monitored, a sign of risk",
            label_zh="疑似漏测口径一致",
            reason="the county is asked to visit each of these households.",
        ),
        identity(
            "counts_not_negative",
            f"least({', '.join(_COUNTS)}) < 0",
            description="no count and no amount is negative",
            label_zh="人数和金额不为负",
            reason="a negative part hides in a sum.",
        ),
        identity(
            "standard_verified",
            "not dibao_standard_verified",
            severity="warning",
            description="a document confirms the year's dibao standard",
            label_zh="低保标准已核实",
            reason="what is below an estimated standard may be above the real one.",
            remedy="enter the year's standard with its document into ref_dibao_standard.",
        ),
        keys_are_hashes("household_key"),
        *no_identifiers("assistance_coverage"),
        steady_volume("assistance_coverage"),
    )

"""C10 衔接资金项目: one row per project; there is no household in it, and its key is the number."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    duplicate_share,
    is_blank,
    is_day_after_period,
    is_disordered,
    is_negative,
    is_outside,
    is_unparsable_amount,
    is_unparsable_day,
    number,
    share,
)
from expectations.deliveries.habits import usual_rows
from expectations.deliveries.profile import county_name_differs, profile_query, register_figures
from expectations.deliveries.shared import (
    defect,
    foreign_county,
    register_checks,
    unparsable_amount,
    unparsable_day,
)

PROFILE = profile_query(
    "county_fund_project",
    {
        **register_figures("project_no"),
        "foreign_county_share": share(county_name_differs()),
        "duplicate_share": duplicate_share("project_no"),
        "blank_class_share": share(
            " or ".join(is_blank(c) for c in ("fund_level", "project_type", "state"))
        ),
        "impossible_year_share": share(
            f"{is_blank('fund_year')} or {is_outside('fund_year', 2016, 2099)}"
            f" or coalesce(parse.whole(r.fund_year) > left(d.period, 4)::integer, false)"
        ),
        "unparsable_day_share": share(is_unparsable_day("started_on", "completed_on")),
        "reversed_project_share": share(is_disordered("started_on", "completed_on")),
        "future_completion_share": share(is_day_after_period("completed_on")),
        "blank_amount_share": share(f"{is_blank('budget_amt')} or {is_blank('paid_amt')}"),
        "unparsable_amount_share": share(is_unparsable_amount("budget_amt", "paid_amt")),
        "negative_fund_share": share(is_negative("budget_amt", "paid_amt")),
        "overpaid_share": share(f"coalesce({number('paid_amt')} > {number('budget_amt')}, false)"),
        "bad_benefit_share": share(
            f"{clean('benefit_households')} is not null"
            " and parse.whole(r.benefit_households) is null"
        ),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C10 delivery."""
    return (
        *register_checks(),
        *foreign_county(),
        *defect(
            "D24",
            "duplicate_share",
            "the key of another row",
            "主键不重复",
            "of rows given twice only the last is used, and it may be the wrong one.",
        ),
        *usual_rows(),
        *defect(
            "D21",
            "blank_class_share",
            "no level of the money, no type or no state of the project",
            "资金级次、项目类型和状态已填",
            "progress is compared by level and type, and halted projects are found by their state.",
        ),
        *defect(
            "D22",
            "impossible_year_share",
            "no fund year, or one after the period",
            "资金年度有效",
            "how much should be paid by now depends on the year the money is of.",
        ),
        *unparsable_day(),
        *defect(
            "D22",
            "reversed_project_share",
            "a completion before the beginning",
            "完工日期不早于开工日期",
            "a project completed before it began was entered wrongly.",
        ),
        *defect(
            "D22",
            "future_completion_share",
            "a completion after the period",
            "完工日期不晚于报送期",
            "such rows belong to a later month: the file may be of another period.",
        ),
        *defect(
            "D13",
            "blank_amount_share",
            "no budget or no amount paid",
            "预算和支付金额已填",
            "an empty amount reads as nothing budgeted or nothing paid.",
        ),
        *unparsable_amount(),
        *defect(
            "D12",
            "negative_fund_share",
            "a budget or payment below 0",
            "预算和支付金额不为负",
            "a negative amount hides others in the sum of what is paid.",
        ),
        *defect(
            "D23",
            "overpaid_share",
            "more paid than budgeted",
            "支付金额不大于预算",
            "either an amount is wrong, or its unit is (yuan for 10,000 yuan).",
        ),
        *defect(
            "D13",
            "bad_benefit_share",
            "a number of benefiting households that is no number",
            "受益户数有效",
            "benefit per household divides by it.",
        ),
    )

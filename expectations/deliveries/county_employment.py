"""C8 务工监测: one row per person of working age and his work in the month."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    is_blank,
    is_day_after_period,
    is_disordered,
    is_invalid_id,
    is_negative,
    is_outside,
    is_unparsable_amount,
    is_unparsable_day,
    median,
    number,
    share,
)
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import (
    bad_id,
    county_checks,
    defect,
    unparsable_amount,
    unparsable_day,
)

HABITS = (
    Habit(
        "employed_share",
        "share",
        "the share of persons at work",
        "已务工占比",
        share("coalesce(parse.flag(r.is_employed), false)"),
    ),
    Habit(
        "median_wage",
        "amount",
        "the middle monthly wage",
        "月工资中位数",
        median(f"nullif({number('wage_m')}, 0)"),
    ),
)

PROFILE = profile_query(
    "county_employment",
    {
        **county_figures("household_no", "cert_no"),
        "bad_id_share": share(is_invalid_id("cert_no")),
        "blank_employed_share": share("parse.flag(r.is_employed) is null"),
        "unparsable_day_share": share(is_unparsable_day("started_on", "ended_on")),
        "reversed_job_share": share(is_disordered("started_on", "ended_on")),
        "future_job_share": share(is_day_after_period("started_on", "ended_on")),
        "impossible_months_share": share(is_outside("months_last_6", 0, 6)),
        "placeless_work_share": share(
            f"coalesce(parse.flag(r.is_employed), false) and {is_blank('place')}"
        ),
        "unparsable_amount_share": share(is_unparsable_amount("wage_m", "wage_arrears")),
        "negative_wage_share": share(is_negative("wage_m", "wage_arrears")),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C8 delivery."""
    return (
        *county_checks(),
        *bad_id(),
        *defect(
            "D21",
            "blank_employed_share",
            "neither yes nor no to whether the person works",
            "是否已务工已填",
            "employed and unemployed persons are counted by it.",
        ),
        *unparsable_day(),
        *defect(
            "D22",
            "reversed_job_share",
            "a job that ends before it begins",
            "务工结束不早于开始",
            "whether a job was lost in the month is decided by these days.",
        ),
        *defect(
            "D22",
            "future_job_share",
            "a job that begins or ends after the period",
            "务工时间不晚于报送期",
            "such rows belong to a later month: the file may be of another period.",
        ),
        *defect(
            "D13",
            "impossible_months_share",
            "months worked that are not 0 to 6",
            "近6个月务工月数为0至6",
            "too few months of work raise an alert.",
        ),
        *defect(
            "D21",
            "placeless_work_share",
            "a person at work without a place of work",
            "已务工人员有务工地点",
            "the share that works within the county is taken from it.",
        ),
        *unparsable_amount(),
        *defect(
            "D12",
            "negative_wage_share",
            "a wage or unpaid wages below 0",
            "工资和欠薪不为负",
            "a negative amount hides others in the sum of unpaid wages.",
        ),
        *usual_all(HABITS),
    )

"""C1 户信息: one row per household."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    is_blank,
    is_future_month,
    is_invalid_id,
    is_unparsable_amount,
    is_unparsable_month,
    mean,
    median,
    number,
    share,
)
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect

_MONTHS = ("first_identified_ym", "monitored_ym", "cleared_ym")

HABITS = (
    Habit(
        "monitored_share",
        "share",
        "the share of households with a monitored category",
        "监测对象占比",
        share(f"coalesce({clean('monitor_category')} not in ('/', '-', '无'), false)"),
    ),
    Habit(
        "median_net_income_pp",
        "amount",
        "the middle per-capita income",
        "人均纯收入中位数",
        median(number("net_income_pp")),
    ),
    Habit(
        "mean_members",
        "amount",
        "the number of members per household",
        "户均人口",
        mean("parse.whole(r.member_count)"),
    ),
)

PROFILE = profile_query(
    "county_household",
    {
        **county_figures("household_no"),
        "unplaced_share": share(f"{is_blank('township')} or {is_blank('village')}"),
        "bad_member_count_share": share(
            rf"coalesce({clean('member_count')}, '') !~ '^[1-9]\d?(\.0)?人?$'"
        ),
        "bad_head_id_share": share(
            f"{clean('head_id_no')} is not null and {is_invalid_id('head_id_no')}"
        ),
        "unparsable_month_share": share(is_unparsable_month(*_MONTHS)),
        "future_month_share": share(is_future_month(*_MONTHS)),
        "undated_monitoring_share": share(
            f"{clean('monitor_category')} is not null"
            f" and {clean('monitor_category')} not in ('/', '-', '无')"
            f" and {is_blank('monitored_ym')}"
        ),
        "unparsable_amount_share": share(is_unparsable_amount("net_income_pp")),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C1 delivery."""
    return (
        *county_checks(),
        *defect(
            "D11",
            "unplaced_share",
            "no township or no village",
            "乡镇和行政村已填",
            "a household without a village is in no area's figures.",
        ),
        *defect(
            "D13",
            "bad_member_count_share",
            "no usable number of members",
            "家庭人口数有效",
            "per-capita income divides by it.",
        ),
        *defect(
            "D04",
            "bad_head_id_share",
            "a head's ID number that fails length, date or check digit",
            "户主证件号码有效",
            "it is the second way to find a household when its number has changed.",
        ),
        *defect(
            "D14",
            "unparsable_month_share",
            "a month that cannot be read",
            "年月可识别",
            "new, relapsed and cleared households are told apart by these months.",
        ),
        *defect(
            "D22",
            "future_month_share",
            "an identification or clearing month after the period",
            "年月不晚于报送期",
            "such rows belong to a later month: the file may be of another period.",
        ),
        *defect(
            "D14",
            "undated_monitoring_share",
            "a monitored category without the month monitoring began",
            "监测对象有识别时间",
            "the stock of monitored households could not be explained by its flows.",
        ),
        *defect(
            "D13",
            "unparsable_amount_share",
            "a per-capita income that is not an amount",
            "人均纯收入可识别",
            "it is compared with the income computed from the income file.",
        ),
        *usual_all(HABITS),
    )

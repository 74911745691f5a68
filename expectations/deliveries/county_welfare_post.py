"""C9 公益性岗位: one row per person and welfare post held in the month."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    is_blank,
    is_day_after_period,
    is_disordered,
    is_invalid_id,
    is_negative,
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
        "median_allowance",
        "amount",
        "the middle standard of monthly pay",
        "月补贴标准中位数",
        median(number("allowance_m")),
    ),
    Habit(
        "unpaid_share",
        "share",
        "the share of posts paid nothing",
        "未发放补贴占比",
        share(f"coalesce({number('paid_amt')}, 0) = 0"),
    ),
)

PROFILE = profile_query(
    "county_welfare_post",
    {
        **county_figures("cert_no", "post_name"),
        "bad_id_share": share(is_invalid_id("cert_no")),
        "blank_post_share": share(f"{is_blank('post_name')} or {is_blank('post_type')}"),
        "undated_post_share": share(is_blank("started_on")),
        "unparsable_day_share": share(is_unparsable_day("started_on", "ended_on")),
        "reversed_post_share": share(is_disordered("started_on", "ended_on")),
        "future_post_share": share(is_day_after_period("started_on", "ended_on")),
        "blank_allowance_share": share(is_blank("allowance_m")),
        "unparsable_amount_share": share(is_unparsable_amount("allowance_m", "paid_amt")),
        "negative_pay_share": share(is_negative("allowance_m", "paid_amt")),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C9 delivery."""
    return (
        *county_checks(),
        *bad_id(),
        *defect(
            "D21",
            "blank_post_share",
            "no name or no type of the post",
            "岗位名称和类别已填",
            "a person's second post is told from the first by its name.",
        ),
        *defect(
            "D14",
            "undated_post_share",
            "no day on which the post began",
            "上岗时间已填",
            "whether a whole month's pay is due is decided by it.",
        ),
        *unparsable_day(),
        *defect(
            "D22",
            "reversed_post_share",
            "a post that ends before it begins",
            "离岗时间不早于上岗时间",
            "a post counts as filled between these days.",
        ),
        *defect(
            "D22",
            "future_post_share",
            "a post that begins or ends after the period",
            "上岗离岗时间不晚于报送期",
            "such rows belong to a later month: the file may be of another period.",
        ),
        *defect(
            "D13",
            "blank_allowance_share",
            "no standard of monthly pay",
            "月补贴标准已填",
            "what is unpaid is the standard less what was paid.",
        ),
        *unparsable_amount(),
        *defect(
            "D12",
            "negative_pay_share",
            "a standard or a payment below 0",
            "补贴标准和发放金额不为负",
            "a negative payment hides an unpaid post in the sum.",
        ),
        *usual_all(HABITS),
    )

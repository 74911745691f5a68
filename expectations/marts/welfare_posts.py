"""candidate.welfare_posts: one row per month, county and type of welfare post."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check
from expectations.marts.county_status import status_checks
from expectations.marts.shared import (
    has_rows,
    identity,
    key,
    no_identifiers,
    one_period,
    steady_volume,
)

TABLE = "candidate.welfare_posts"
ROW_KEY = "county_code || '/' || post_type"

_FIGURES = (
    "posts",
    "filled_posts",
    "holders",
    "due_posts",
    "standard_amt",
    "paid_amt",
    "unpaid_posts",
    "unpaid_amt",
    "unreported_posts",
    "duplicate_holders",
    "deceased_holders",
    "deceased_paid_amt",
    "benefit_holders",
    "not_on_file_holders",
)


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    negative = ", ".join(_FIGURES)
    return (
        has_rows("row"),
        *key("row_key"),
        one_period(period),
        *status_checks("county_welfare_post", period, known_at, _FIGURES),
        identity(
            "parts_within_wholes",
            "filled_posts > posts or holders > filled_posts or due_posts > posts"
            " or unpaid_posts + unreported_posts > due_posts"
            " or greatest(duplicate_holders, deceased_holders, benefit_holders,"
            " not_on_file_holders) > holders or unpaid_amt > standard_amt",
            description="no part is larger than its whole",
            label_zh="部分不大于整体",
            reason="every share of the mart is such a part.",
        ),
        identity(
            "counts_not_negative",
            f"least({negative}) < 0",
            description="no count and no amount is negative",
            label_zh="数量和金额不为负",
            reason="a negative part hides in a sum.",
        ),
        identity(
            "unpaid_is_owed_for_posts",
            "(unpaid_posts = 0) <> (unpaid_amt = 0)",
            description="money is unpaid exactly where posts are unpaid",
            label_zh="欠发金额与岗位数一致",
            reason="one without the other says that two different columns were read.",
        ),
        identity(
            "little_unpaid",
            "unpaid_amt > 0.2 * standard_amt",
            severity="warning",
            description="at most 20 % of what is due is unpaid",
            label_zh="欠发比例不超过20%",
            reason="a county that reports payments late looks like one that does not pay.",
            remedy="ask the county whether the month's payments are complete in the file.",
        ),
        identity(
            "nobody_deceased",
            "deceased_holders > 0",
            severity="warning",
            description="no holder is known as dead",
            label_zh="无已故在岗人员",
            reason="the county has not struck off a holder, or one person's number is another's.",
            remedy="send the county the list of deaths; see deceased_paid_amt for what was paid.",
        ),
        *no_identifiers("welfare_posts"),
        steady_volume("welfare_posts"),
    )

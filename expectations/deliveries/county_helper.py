"""C7 帮扶责任人: one row per household and helper, with the days of the term."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    is_blank,
    is_day_after_period,
    is_disordered,
    is_unparsable_day,
    share,
)
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect, unparsable_day

HABITS = (
    Habit(
        "ended_term_share",
        "share",
        "the share of terms that have ended",
        "已结束的结对占比",
        share(f"{clean('ended_on')} is not null"),
    ),
)

PROFILE = profile_query(
    "county_helper",
    {
        **county_figures("household_no", "helper_name", "started_on"),
        "blank_helper_share": share(is_blank("helper_name")),
        "blank_unit_share": share(is_blank("helper_unit")),
        "undated_term_share": share(is_blank("started_on")),
        "unparsable_day_share": share(is_unparsable_day("started_on", "ended_on")),
        "future_day_share": share(is_day_after_period("started_on")),
        "reversed_term_share": share(is_disordered("started_on", "ended_on")),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C7 delivery."""
    return (
        *county_checks(),
        *defect(
            None,
            "blank_helper_share",
            "no helper",
            "帮扶责任人已填",
            "a household with an empty row seems to have somebody.",
        ),
        *defect(
            None,
            "blank_unit_share",
            "no unit of the helper",
            "帮扶单位已填",
            "marts name the unit, and nobody by name.",
        ),
        *defect(
            "D14",
            "undated_term_share",
            "no day on which the term began",
            "结对开始时间已填",
            "since when somebody helps is counted from it.",
        ),
        *unparsable_day(),
        *defect(
            "D22",
            "future_day_share",
            "a term that begins after the period",
            "结对开始不晚于报送期",
            "such rows belong to a later month: the file may be of another period.",
        ),
        *defect(
            "D22",
            "reversed_term_share",
            "a term that ends before it begins",
            "结对起止时间有序",
            "a term of negative length is never in force.",
        ),
        *usual_all(HABITS),
    )

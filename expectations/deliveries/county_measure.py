"""C5 帮扶措施: one row per household and measure."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    is_blank,
    is_future_month,
    is_unparsable_month,
    share,
)
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect

HABITS = (
    Habit(
        "in_place_share",
        "share",
        "the share of measures in place",
        "已实施措施占比",
        share(f"coalesce({clean('implementation')} = '已实施', false)"),
    ),
)

PROFILE = profile_query(
    "county_measure",
    {
        **county_figures("household_no", "measure_type"),
        "blank_measure_share": share(is_blank("measure_type")),
        "blank_implementation_share": share(is_blank("implementation")),
        "unparsable_month_share": share(is_unparsable_month("started_ym")),
        "future_month_share": share(is_future_month("started_ym")),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C5 delivery."""
    return (
        *county_checks(),
        *defect(
            "D21",
            "blank_measure_share",
            "no kind of measure",
            "措施类型已填",
            "help of no kind cannot be set against the household's risk.",
        ),
        *defect(
            "D21",
            "blank_implementation_share",
            "no state of implementation",
            "实施情况已填",
            "only measures in place count as help.",
        ),
        *defect(
            "D14",
            "unparsable_month_share",
            "a start that cannot be read as a month",
            "开始时间可识别",
            "the time from identification to help is measured from it.",
        ),
        *defect(
            "D22",
            "future_month_share",
            "a start after the period",
            "开始时间不晚于报送期",
            "such rows belong to a later month: the file may be of another period.",
        ),
        *usual_all(HABITS),
    )

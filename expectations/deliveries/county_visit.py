"""C6 走访记录: one row per visit of the month, with its answers."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    is_blank,
    is_day_after_period,
    is_unparsable_day,
    share,
)
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect, unparsable_day

_ANSWERS = (
    "food_ok",
    "clothing_ok",
    "housing_problem",
    "dropout_problem",
    "water_problem",
    "uninsured_problem",
)

HABITS = (
    Habit(
        "problem_share",
        "share",
        "the share of visits that found a problem",
        "发现问题的走访占比",
        share(" or ".join(f"coalesce(parse.flag(r.{a}), false)" for a in _ANSWERS[2:])),
    ),
)

PROFILE = profile_query(
    "county_visit",
    {
        **county_figures("household_no", "visited_on"),
        "undated_visit_share": share(is_blank("visited_on")),
        "unparsable_day_share": share(is_unparsable_day("visited_on")),
        "future_day_share": share(is_day_after_period("visited_on")),
        "unanswered_share": share(" or ".join(f"parse.flag(r.{a}) is null" for a in _ANSWERS)),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C6 delivery."""
    return (
        *county_checks(),
        *defect(
            "D14",
            "undated_visit_share",
            "no day of the visit",
            "走访日期已填",
            "a visit without its day counts in no month.",
        ),
        *unparsable_day(),
        *defect(
            "D22",
            "future_day_share",
            "a day after the period",
            "日期不晚于报送期",
            "such rows belong to a later month: the file may be of another period.",
        ),
        *defect(
            "D21",
            "unanswered_share",
            "a question that was not answered with yes or no",
            "走访问题均已回答",
            "a problem nobody asked about is not a problem that is not there.",
        ),
        *usual_all(HABITS),
    )

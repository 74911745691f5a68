"""C11 住房安全: one row per household, with the grade of its dwelling and its works."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    is_blank,
    is_day_after_period,
    is_unparsable_day,
    share,
)
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect, unparsable_day

_DAYS = ("assessed_on", "damaged_on", "works_done_on")

HABITS = (
    Habit(
        "unsafe_share",
        "share",
        "the share of dwellings graded C or D",
        "C级和D级住房占比",
        share(f"coalesce({clean('grade')} ~ '^[CD]', false)"),
    ),
)

PROFILE = profile_query(
    "county_dwelling",
    {
        **county_figures("household_no"),
        "houseless_unknown_share": share("parse.flag(r.has_house) is null"),
        "ungraded_share": share(f"coalesce(parse.flag(r.has_house), true) and {is_blank('grade')}"),
        "unparsable_day_share": share(is_unparsable_day(*_DAYS)),
        "future_day_share": share(is_day_after_period(*_DAYS)),
        "ungraded_works_share": share(
            f"parse.day(r.works_done_on) is not null and {is_blank('grade_after')}"
        ),
        "causeless_damage_share": share(
            f"parse.day(r.damaged_on) is not null and {is_blank('damage_cause')}"
        ),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C11 delivery."""
    return (
        *county_checks(),
        *defect(
            "D21",
            "houseless_unknown_share",
            "no word on whether there is a house",
            "是否有房已填",
            "a household without a house has no grade, and is not safe for it.",
        ),
        *defect(
            "D21",
            "ungraded_share",
            "a house without a grade",
            "鉴定等级已填",
            "an ungraded house is neither safe nor unsafe.",
        ),
        *unparsable_day(),
        *defect(
            "D22",
            "future_day_share",
            "a day after the period",
            "日期不晚于报送期",
            "works not yet finished would make an unsafe house safe.",
        ),
        *defect(
            "D21",
            "ungraded_works_share",
            "finished works without a grade",
            "竣工后有等级",
            "works that nobody graded prove nothing.",
        ),
        *defect(
            "D21",
            "causeless_damage_share",
            "damage without a cause",
            "受损原因已填",
            "damage by weather is compared with the reports of disasters.",
        ),
        *usual_all(HABITS),
    )

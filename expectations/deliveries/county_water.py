"""C12 饮水安全: one row per household, with the measures of T/CHES 18-2018."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    is_blank,
    is_outside,
    is_unparsable_amount,
    number,
    share,
)
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect, unparsable_amount

HABITS = (
    Habit(
        "unfit_water_share",
        "share",
        "the share of households whose water is unfit",
        "水质不达标占比",
        share("not coalesce(parse.flag(r.quality_ok), true)"),
    ),
    Habit(
        "outage_share",
        "share",
        "the share of households with days without water",
        "断水户占比",
        share("coalesce(parse.whole(r.outage_days), 0) > 0"),
    ),
)

PROFILE = profile_query(
    "county_water",
    {
        **county_figures("household_no"),
        "blank_supply_share": share(is_blank("supply_type")),
        "untested_share": share("parse.flag(r.quality_ok) is null"),
        "impossible_litres_share": share(is_outside("litres_per_day", 0, 1000)),
        "impossible_minutes_share": share(is_outside("fetch_minutes", 0, 600)),
        "unmeasured_share": share(
            " or ".join(is_blank(c) for c in ("litres_per_day", "fetch_minutes", "assurance_pct"))
        ),
        "unparsable_amount_share": share(is_unparsable_amount("assurance_pct")),
        "impossible_assurance_share": share(
            f"coalesce({number('assurance_pct')} not between 0 and 100, false)"
        ),
        "impossible_outage_share": share(is_outside("outage_days", 0, 31)),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C12 delivery."""
    return (
        *county_checks(),
        *defect(
            "D21",
            "blank_supply_share",
            "no way of supply",
            "供水方式已填",
            "fetching is asked of those who have no pipe.",
        ),
        *defect(
            "D21",
            "untested_share",
            "no word on the quality of the water",
            "水质是否达标已填",
            "untested water is not safe water.",
        ),
        *defect(
            "D13",
            "impossible_litres_share",
            "litres that are no number of litres a day",
            "日用水量合理",
            "a household with too little water is found by it.",
        ),
        *defect(
            "D13",
            "impossible_minutes_share",
            "minutes that are no time to fetch water",
            "取水时间合理",
            "a household that lives too far from its water is found by it.",
        ),
        *defect(
            "D13",
            "unmeasured_share",
            "an empty measure",
            "饮水指标已填",
            "a guarantee with an unknown measure is unknown.",
        ),
        *unparsable_amount(),
        *defect(
            "D13",
            "impossible_assurance_share",
            "an assurance beyond 0 to 100 percent",
            "供水保证率在0到100之间",
            "a share of 1 would be read as one percent, or as all.",
        ),
        *defect(
            "D13",
            "impossible_outage_share",
            "more days without water than a month has",
            "断水天数合理",
            "an alert would be raised on a typing error.",
        ),
        *usual_all(HABITS),
    )

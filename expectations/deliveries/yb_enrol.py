"""H1 参保登记: everyone enrolled in basic medical insurance."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    day,
    duplicate_share,
    is_blank,
    is_invalid_id,
    is_outside_city,
    is_unparsable_time,
    share,
)
from expectations.deliveries.habits import Habit, usual_all, usual_rows
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import (
    bad_id,
    defect,
    outside_city,
    register_checks,
    unparsable_time,
)

HABITS = (
    Habit(
        "active_share",
        "share",
        "the share of enrolments in force",
        "正常参保占比",
        share(f"coalesce({clean('psn_insu_stas')} = '1', false)"),
    ),
)

PROFILE = profile_query(
    "yb_enrol",
    {
        **register_figures("psn_no", "insutype", "begntime"),
        "bad_id_share": share(is_invalid_id("certno")),
        "outside_city_share": share(is_outside_city("insuplc_admdvs")),
        "unparsable_time_share": share(is_unparsable_time("begntime", "endtime")),
        "blank_status_share": share(is_blank("psn_insu_stas")),
        "reversed_period_share": share(f"coalesce({day('endtime')} < {day('begntime')}, false)"),
        "duplicate_share": duplicate_share("psn_no", "insutype", "begntime"),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H1 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *unparsable_time(),
        *defect(
            "D21",
            "blank_status_share",
            "no state of insurance",
            "参保状态已填",
            "a lapsed member would count as insured.",
        ),
        *defect(
            "D22",
            "reversed_period_share",
            "an end before its begin",
            "参保起止时间有序",
            "whether somebody is insured at month end is decided by the two.",
        ),
        *defect(
            "D24",
            "duplicate_share",
            "the key of another row",
            "主键不重复",
            "a page read twice shows as this.",
        ),
        *usual_rows(),
        *usual_all(HABITS),
    )

"""H1 参保登记: everyone enrolled in basic medical insurance."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    day,
    duplicate_share,
    is_blank,
    is_invalid_id,
    is_outside_city,
    is_unparsable_time,
    share,
)
from expectations.deliveries.profile import (
    bad_id,
    defect,
    outside_city,
    profile_query,
    register_checks,
    register_figures,
    unparsable_time,
    volume,
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
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H1 extract."""
    return (
        *register_checks(may_be_empty=False),
        *bad_id(),
        *outside_city(),
        *unparsable_time(),
        *defect(
            "blank_status_share",
            "no state of insurance",
            "参保状态已填",
            "a lapsed member would count as insured.",
        ),
        *defect(
            "reversed_period_share",
            "an end before its begin",
            "参保起止时间有序",
            "whether somebody is insured at month end is decided by the two.",
        ),
        *defect(
            "duplicate_share",
            "the key of another row",
            "主键不重复",
            "a page read twice shows as this.",
        ),
        volume(),
    )

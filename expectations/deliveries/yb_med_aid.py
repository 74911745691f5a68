"""H4 医疗救助: medical aid, with the settlement (1) or after it (2, 3)."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    duplicate_share,
    is_blank,
    is_day_after_period,
    is_invalid_id,
    is_outside_city,
    is_unparsable_amount,
    is_unparsable_day,
    number,
    share,
)
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import (
    bad_id,
    defect,
    outside_city,
    register_checks,
    unparsable_amount,
)

PROFILE = profile_query(
    "yb_med_aid",
    {
        **register_figures("aid_id"),
        "bad_id_share": share(is_invalid_id("certno")),
        "outside_city_share": share(is_outside_city("insuplc_admdvs")),
        "blank_kind_share": share(is_blank("aid_type")),
        "unparsable_amount_share": share(is_unparsable_amount("aid_amt")),
        "no_aid_share": share(f"coalesce({number('aid_amt')} <= 0, false)"),
        "unparsable_day_share": share(is_unparsable_day("aid_date")),
        "future_day_share": share(is_day_after_period("aid_date")),
        "duplicate_share": duplicate_share("aid_id"),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H4 delivery."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *defect(
            "D21",
            "blank_kind_share",
            "no kind of aid",
            "救助类型已填",
            "aid in the settlement and aid after it are told apart by the kind.",
        ),
        *unparsable_amount(),
        *defect(
            "D12",
            "no_aid_share",
            "no positive amount of aid",
            "救助金额为正",
            "aid of nothing, or less, lessens no burden.",
        ),
        *defect(
            "D14",
            "unparsable_day_share",
            "a day that cannot be read",
            "日期可识别",
            "a record without its day belongs to no month.",
        ),
        *defect(
            "D22",
            "future_day_share",
            "a day after the period",
            "日期不晚于报送期",
            "such rows belong to a later month: the extract may be of another period.",
        ),
        *defect(
            "D24",
            "duplicate_share",
            "the key of another row",
            "主键不重复",
            "of rows given twice only the last is used, and it may be the wrong one.",
        ),
    )

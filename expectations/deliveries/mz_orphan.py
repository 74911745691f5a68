"""M8 孤儿和事实无人抚养儿童: children without parents or without care."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    is_blank,
    is_invalid_id,
    is_outside_city,
    is_unparsable_amount,
    is_unparsable_month,
    is_unparsable_time,
    share,
)
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import (
    bad_id,
    defect,
    outside_city,
    register_checks,
    unparsable_amount,
    unparsable_month,
    unparsable_time,
)

_BORN = f"substr(vault.normalise_resident_id({clean('id_no')}), 7, 6)"

PROFILE = profile_query(
    "mz_orphan",
    {
        **register_figures("id_no", "start_ym"),
        "bad_id_share": share(is_invalid_id("id_no")),
        "outside_city_share": share(is_outside_city("county_code")),
        "unparsable_amount_share": share(is_unparsable_amount("amount_m")),
        "unparsable_month_share": share(is_unparsable_month("start_ym", "end_ym")),
        "unparsable_time_share": share(is_unparsable_time("updated_at")),
        "blank_kind_share": share(is_blank("orphan_kind")),
        "grown_up_share": share(
            rf"coalesce(case when {clean('start_ym')} ~ '^\d{{6}}$' and {_BORN} ~ '^\d{{6}}$'"
            f" then {clean('start_ym')}::integer - {_BORN}::integer > 1800 end, false)"
        ),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M8 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *unparsable_amount(),
        *unparsable_month(),
        *unparsable_time(),
        *defect(
            "D21",
            "blank_kind_share",
            "an empty kind",
            "类型已填",
            "an orphan and a child whom nobody cares for are helped differently.",
        ),
        *defect(
            "D22",
            "grown_up_share",
            "a start after the eighteenth birthday",
            "开始时未满18周岁",
            "the support is for children: the number or the month is another's.",
        ),
    )

"""M6 低收入人口: families recognised in a layer of the low-income population."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    day,
    is_blank,
    is_invalid_id,
    is_outside_city,
    is_undue_day,
    is_unparsable_time,
    share,
)
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import (
    bad_id,
    defect,
    outside_city,
    register_checks,
    undue,
    unparsable_time,
)

PROFILE = profile_query(
    "mz_low_income",
    {
        **register_figures("record_id"),
        "bad_id_share": share(is_invalid_id("head_id")),
        "outside_city_share": share(is_outside_city("county_code")),
        "unparsable_time_share": share(
            is_unparsable_time("recognised_on", "valid_to", "ended_on", "updated_at")
        ),
        "undue_share": share(is_undue_day("recognised_on")),
        "blank_layer_share": share(is_blank("layer")),
        "early_end_share": share(
            f"coalesce(least({day('ended_on')}, {day('valid_to')}) < {day('recognised_on')}, false)"
        ),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M6 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *unparsable_time(),
        *undue("a recognition"),
        *defect(
            "D21",
            "blank_layer_share",
            "no layer",
            "低收入类别已填",
            "without its layer a family cannot be told from those with allowance.",
        ),
        *defect(
            "D22",
            "early_end_share",
            "an end before the recognition",
            "终止日不早于认定日",
            "such a family would be in the layer in no month.",
        ),
    )

"""M4 特困人员: changes of persons in extreme hardship."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
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
    outside_city,
    register_checks,
    unparsable_amount,
    unparsable_month,
    unparsable_time,
)

PROFILE = profile_query(
    "mz_tekun",
    {
        **register_figures("id_no", "start_ym"),
        "bad_id_share": share(is_invalid_id("id_no")),
        "outside_city_share": share(is_outside_city("county_code")),
        "unparsable_amount_share": share(is_unparsable_amount("amount_m")),
        "unparsable_month_share": share(is_unparsable_month("start_ym", "end_ym")),
        "unparsable_time_share": share(is_unparsable_time("updated_at")),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M4 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *unparsable_amount(),
        *unparsable_month(),
        *unparsable_time(),
    )

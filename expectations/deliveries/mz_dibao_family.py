"""M1 低保家庭: changes of families on minimum living allowance."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    is_invalid_id,
    is_outside_city,
    is_unparsable_amount,
    is_unparsable_month,
    is_unparsable_time,
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
    unparsable_month,
    unparsable_time,
)

PROFILE = profile_query(
    "mz_dibao_family",
    {
        **register_figures("cert_no"),
        "bad_id_share": share(is_invalid_id("head_id")),
        "outside_city_share": share(is_outside_city("county_code")),
        "unparsable_amount_share": share(
            is_unparsable_amount("income_pp_m", "amount_m", "category_extra_m")
        ),
        "unparsable_month_share": share(is_unparsable_month("start_ym", "end_ym")),
        "unparsable_time_share": share(is_unparsable_time("updated_at")),
        "overcovered_share": share(f"coalesce({number('covered')} > {number('members')}, false)"),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M1 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *unparsable_amount(),
        *unparsable_month(),
        *unparsable_time(),
        *defect(
            "D23",
            "overcovered_share",
            "more covered members than members",
            "保障人数不大于家庭人口",
            "the department's own rule; where it fails the family's record is stale.",
        ),
    )

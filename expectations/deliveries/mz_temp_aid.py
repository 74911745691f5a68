"""M5 临时救助: temporary aid granted."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    day,
    is_invalid_id,
    is_outside_city,
    is_undue_day,
    is_unparsable_amount,
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
    undue,
    unparsable_amount,
    unparsable_time,
)

PROFILE = profile_query(
    "mz_temp_aid",
    {
        **register_figures("aid_id"),
        "bad_id_share": share(is_invalid_id("id_no")),
        "outside_city_share": share(is_outside_city("county_code")),
        "unparsable_amount_share": share(is_unparsable_amount("amount")),
        "unparsable_time_share": share(
            is_unparsable_time("applied_on", "approved_on", "updated_at")
        ),
        "undue_share": share(is_undue_day("approved_on")),
        "early_approval_share": share(
            f"coalesce({day('approved_on')} < {day('applied_on')}, false)"
        ),
        "no_aid_share": share(f"coalesce({number('amount')} <= 0, false)"),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M5 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *unparsable_amount(),
        *unparsable_time(),
        *undue("an approval"),
        *defect(
            "D22",
            "early_approval_share",
            "an approval before the application",
            "审批日不早于申请日",
            "the time from application to aid is measured between them.",
        ),
        *defect(
            "D12",
            "no_aid_share",
            "an amount of zero or less",
            "救助金额为正",
            "repeated aid counts as a sign of risk; a grant of nothing is none.",
        ),
    )

"""M9 殡葬火化: deaths known to the funeral services."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    day,
    is_invalid_id,
    is_undue_day,
    is_unparsable_time,
    share,
)
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import bad_id, defect, register_checks, undue, unparsable_time

PROFILE = profile_query(
    "mz_death",
    {
        **register_figures("death_id"),
        "bad_id_share": share(is_invalid_id("id_no")),
        "unparsable_time_share": share(is_unparsable_time("died_on", "cremated_on", "updated_at")),
        "undue_share": share(is_undue_day("died_on")),
        "early_cremation_share": share(f"coalesce({day('cremated_on')} < {day('died_on')}, false)"),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M9 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *unparsable_time(),
        *undue("a death"),
        *defect(
            "D22",
            "early_cremation_share",
            "a cremation before the death",
            "火化日期不早于死亡日期",
            "benefits paid after death are found by the date of death.",
        ),
    )

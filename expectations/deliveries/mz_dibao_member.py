"""M2 低保家庭成员: changes of members of families on minimum living allowance."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import is_blank, is_invalid_id, is_unparsable_time, share
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import bad_id, defect, register_checks, unparsable_time

PROFILE = profile_query(
    "mz_dibao_member",
    {
        **register_figures("cert_no", "id_no"),
        "bad_id_share": share(is_invalid_id("id_no")),
        "blank_covered_share": share(is_blank("covered")),
        "unparsable_time_share": share(is_unparsable_time("updated_at")),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M2 extract."""
    return (
        *register_checks(),
        *bad_id(),
        *defect(
            "D21",
            "blank_covered_share",
            "no word on whether the member is covered",
            "是否保障对象已填",
            "a member of the family is not yet a recipient.",
        ),
        *unparsable_time(),
    )

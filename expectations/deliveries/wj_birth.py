"""H9 出生医学证明: births, found by the mother's number."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    duplicate_share,
    is_day_after_period,
    is_invalid_id,
    is_none_of,
    is_outside_city,
    is_unparsable_day,
    share,
)
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import bad_id, defect, outside_city, register_checks

PROFILE = profile_query(
    "wj_birth",
    {
        **register_figures("record_id"),
        "bad_id_share": share(is_invalid_id("mother_certno")),
        "outside_city_share": share(is_outside_city("admdvs")),
        "unknown_sex_share": share(is_none_of("child_sex", "0", "1", "2", "9")),
        "unparsable_day_share": share(is_unparsable_day("birth_date")),
        "future_day_share": share(is_day_after_period("birth_date")),
        "duplicate_share": duplicate_share("record_id"),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H9 delivery."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *defect(
            "D21",
            "unknown_sex_share",
            "a sex that is no code of GB/T 2261.1",
            "性别代码合法",
            "the certificate is matched with the child by it.",
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

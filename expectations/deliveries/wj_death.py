"""H8 死亡医学证明: deaths with their underlying cause."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    duplicate_share,
    is_day_after_period,
    is_invalid_id,
    is_malformed_diagnosis,
    is_outside_city,
    is_unparsable_day,
    share,
)
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import bad_id, defect, outside_city, register_checks

PROFILE = profile_query(
    "wj_death",
    {
        **register_figures("record_id"),
        "bad_id_share": share(is_invalid_id("certno")),
        "outside_city_share": share(is_outside_city("admdvs")),
        "malformed_diagnosis_share": share(is_malformed_diagnosis("cause_code")),
        "unparsable_day_share": share(is_unparsable_day("died_on")),
        "future_day_share": share(is_day_after_period("died_on")),
        "duplicate_share": duplicate_share("record_id"),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H8 delivery."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
        *defect(
            "D21",
            "malformed_diagnosis_share",
            "a diagnosis that is no code of the insurance's ICD-10",
            "疾病编码符合医保版ICD-10",
            "an illness that no code names is counted under none.",
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

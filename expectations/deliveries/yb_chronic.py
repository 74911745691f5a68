"""H3 门诊慢特病备案: illnesses registered for outpatient benefits."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    duplicate_share,
    is_day_after_period,
    is_disordered,
    is_invalid_id,
    is_malformed_diagnosis,
    is_outside_city,
    is_unparsable_day,
    share,
)
from expectations.deliveries.profile import profile_query, register_figures
from expectations.deliveries.shared import bad_id, defect, outside_city, register_checks

PROFILE = profile_query(
    "yb_chronic",
    {
        **register_figures("psn_no", "dise_code", "begndate"),
        "bad_id_share": share(is_invalid_id("certno")),
        "outside_city_share": share(is_outside_city("insuplc_admdvs")),
        "unparsable_day_share": share(is_unparsable_day("begndate", "enddate")),
        "future_day_share": share(is_day_after_period("begndate")),
        "reversed_days_share": share(is_disordered("begndate", "enddate")),
        "malformed_diagnosis_share": share(is_malformed_diagnosis("dise_code")),
        "duplicate_share": duplicate_share("psn_no", "dise_code", "begndate"),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an H3 delivery."""
    return (
        *register_checks(),
        *bad_id(),
        *outside_city(),
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
            "D22",
            "reversed_days_share",
            "an end before its beginning",
            "终止日期不早于起始日期",
            "whether the benefit runs in the month is decided by the two days.",
        ),
        *defect(
            "D21",
            "malformed_diagnosis_share",
            "a diagnosis that is no code of the insurance's ICD-10",
            "疾病编码符合医保版ICD-10",
            "an illness that no code names is counted under none.",
        ),
        *defect(
            "D24",
            "duplicate_share",
            "the key of another row",
            "主键不重复",
            "of rows given twice only the last is used, and it may be the wrong one.",
        ),
    )

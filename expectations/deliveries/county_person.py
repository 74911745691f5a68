"""C2 家庭成员: one row per member of a household."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import clean, is_blank, is_invalid_id, share
from expectations.deliveries.habits import Habit, usual_all
from expectations.deliveries.profile import county_figures, profile_query
from expectations.deliveries.shared import county_checks, defect

HABITS = (
    Habit(
        "blank_id_share",
        "share",
        "the share of persons without an ID number",
        "证件号码空缺占比",
        share(is_blank("cert_no")),
    ),
    Habit(
        "uninsured_share",
        "share",
        "the share of persons in neither insurance",
        "未参加基本医保占比",
        share(
            "not coalesce(parse.flag(r.resident_insured), false)"
            " and not coalesce(parse.flag(r.employee_insured), false)"
        ),
    ),
)

PROFILE = profile_query(
    "county_person",
    {
        **county_figures("household_no", "cert_no"),
        # Officers' and other documents are legal here and simply cannot be checked.
        "bad_id_share": share(
            f"coalesce({clean('cert_type')} in ('01', '09', '居民身份证', '身份证', '残疾人证'),"
            f" true) and {is_invalid_id('cert_no')}"
        ),
        "blank_relation_share": share(is_blank("relation")),
    },
    HABITS,
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of a C2 delivery."""
    return (
        *county_checks(),
        *defect(
            "D04",
            "bad_id_share",
            "an ID number that fails length, date or check digit",
            "证件号码有效",
            "a person without a valid ID cannot be found in civil affairs or health insurance.",
        ),
        *defect(
            "D21",
            "blank_relation_share",
            "no relation to the head of household",
            "与户主关系已填",
            "the head is found by it.",
        ),
        *usual_all(HABITS),
    )

"""M7 残疾人两项补贴: disability certificates and their subsidies."""

from __future__ import annotations

from expectations.check import Check
from expectations.deliveries.cells import (
    clean,
    is_invalid_id,
    is_outside_city,
    is_undue_day,
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
    undue,
    unparsable_amount,
    unparsable_month,
    unparsable_time,
)

_CODE = f"coalesce({clean('disability_type')}, '') || coalesce({clean('disability_grade')}, '')"
_IN_NUMBER = f"substr({clean('cert_no')}, 19, 2)"

PROFILE = profile_query(
    "mz_disab_subsidy",
    {
        **register_figures("cert_no", "start_ym"),
        "bad_id_share": share(is_invalid_id("cert_no")),
        "outside_city_share": share(is_outside_city("county_code")),
        "unparsable_amount_share": share(
            is_unparsable_amount("living_subsidy_m", "care_subsidy_m")
        ),
        "unparsable_month_share": share(is_unparsable_month("start_ym", "end_ym")),
        "unparsable_time_share": share(is_unparsable_time("issued_on", "updated_at")),
        "undue_share": share(is_undue_day("issued_on")),
        "unknown_disability_share": share(f"{_CODE} !~ '^[1-7][1-4]$'"),
        "other_disability_share": share(
            f"coalesce({_IN_NUMBER} ~ '^[1-7][1-4]$' and {_IN_NUMBER} <> {_CODE}, false)"
        ),
        "undeserved_care_share": share(
            f"coalesce({number('care_subsidy_m')} > 0"
            f" and {clean('disability_grade')} in ('3', '4'), false)"
        ),
    },
)


def suite() -> tuple[Check, ...]:
    """The expectations on the profile of an M7 extract."""
    return (
        *register_checks(),
        *bad_id("a certificate number without a valid ID in it"),
        *outside_city(),
        *unparsable_amount(),
        *unparsable_month(),
        *unparsable_time(),
        *undue("an issue"),
        *defect(
            "D21",
            "unknown_disability_share",
            "a type that is not 1 to 7 or a grade that is not 1 to 4",
            "残疾类别和等级合法",
            "severe disability is told by the grade.",
        ),
        *defect(
            "D21",
            "other_disability_share",
            "another type or grade than the certificate number says",
            "残疾类别等级与证号一致",
            "one of the two is outdated, and the subsidies follow the grade.",
        ),
        *defect(
            "D21",
            "undeserved_care_share",
            "a care subsidy with grade 3 or 4",
            "护理补贴限重度残疾",
            "the care subsidy is for severe disability: the grade or the subsidy is wrong.",
        ),
    )

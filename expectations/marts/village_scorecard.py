"""candidate.village_scorecard: one row per month and village; a county's villages add up to it."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import (
    REBUILD,
    has_rows,
    identity,
    key,
    no_identifiers,
    one_period,
)

TABLE = "candidate.village_scorecard"
ROW_KEY = "village_code"

_SUMMED = (
    "households",
    "persons",
    "monitored_households",
    "new_monitored_households",
    "relapsed_monitored_households",
    "cleared_monitored_households",
    "households_below_line",
    "insured_persons",
    "out_of_pocket_ytd_amt",
    "high_burden_households",
)
_GRADES = ("grade_households", "grade_income", "grade_health", "grade_assistance")


def _adds_up() -> str:
    sums = ", ".join(f"sum({name}) as {name}" for name in _SUMMED)
    differs = " or ".join(
        f"abs(coalesce(v.{name}, 0) - coalesce(c.{name}, 0)) > 0.001" for name in _SUMMED
    )
    return (
        "select c.county_code as row_key from candidate.county_scorecard as c left join"
        f" (select county_code, {sums} from judged group by county_code) as v using (county_code)"
        f" where {differs}"
    )


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    other_grade = " or ".join(f"j.{name} is distinct from c.{name}" for name in _GRADES)
    return (
        has_rows("village"),
        *key("village_code"),
        one_period(period),
        no_rows(
            "villages_add_up_to_their_county",
            _adds_up(),
            description="the villages of a county add up to its row of county_scorecard",
            label_zh="各村之和等于全县",
            reason="a household in no village, or in two, is lost or counted twice on maps.",
            remedy=REBUILD,
        ),
        identity(
            "village_in_county",
            "left(village_code, 6) is distinct from county_code"
            " or (township_code is not null and left(township_code, 9) <> left(village_code, 9))",
            description="village, township and county are one place",
            label_zh="村乡县代码一致",
            reason="a village would be shown on two counties' maps.",
        ),
        identity(
            "parts_within_wholes",
            "greatest(monitored_households, households_below_line, high_burden_households,"
            " dibao_households, tekun_households, ex_poor_households) > households"
            " or insured_persons > persons"
            " or monitored_with_measure_households > monitored_households",
            description="no part is larger than its whole",
            label_zh="部分不大于整体",
            reason="every share a reader makes of them would exceed one.",
        ),
        identity(
            "insured_share_is_a_share",
            "insured_share not between 0 and 1",
            description="insured_share is between 0 and 1",
            label_zh="参保率在0到1之间",
            reason="a share above one says that numerator and denominator count different people.",
        ),
        no_rows(
            "grades_of_the_county",
            "select j.row_key from judged as j inner join candidate.county_scorecard as c"
            f" using (county_code) where {other_grade}",
            description="a village's figures have the grades of its county's inputs",
            label_zh="等级与所在县一致",
            reason="the same inputs cannot be worth more in one mart than in another.",
            remedy=REBUILD,
        ),
        no_rows(
            "only_published_counties",
            "select row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="villages are only of counties whose four files were accepted",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows no figure.",
            remedy="leave the county out of the month's build.",
        ),
        no_rows(
            "few_without_village",
            "select county_code as row_key from judged group by county_code"
            " having coalesce(sum(households) filter (where village_code = county_code"
            " || '000000'), 0) > 0.05 * sum(households)",
            severity="warning",
            description="at most 5 % of a county's households have a village nobody knows",
            label_zh="村名未匹配比例不超过5%",
            reason="those households are missing from every village's figures.",
            remedy="add the spelling to the area aliases.",
        ),
        *no_identifiers("village_scorecard"),
    )

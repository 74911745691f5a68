"""candidate.employment: a row per month, county, township, population group and place of work."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.county_status import status_checks
from expectations.marts.shared import (
    has_rows,
    identity,
    key,
    no_identifiers,
    one_period,
    steady_volume,
)

TABLE = "candidate.employment"
ROW_KEY = "county_code || '/' || township_code || '/' || household_group || '/' || work_place"

_FIGURES = (
    "listed_persons",
    "employed_persons",
    "planning_persons",
    "short_months_persons",
    "job_lost_persons",
    "arrears_persons",
    "arrears_amt",
    "organised_persons",
    "other_channel_persons",
)
_GROUPS = "('ex_poor', 'monitored', 'other', 'not_on_file')"


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    return (
        has_rows("row"),
        *key("row_key"),
        one_period(period),
        *status_checks("county_employment", period, known_at, _FIGURES),
        identity(
            "groups_known",
            f"listed_persons is not null and household_group not in {_GROUPS}",
            description="every person is in one of the population groups",
            label_zh="人群取值合法",
            reason="ex-poor workers are counted by group.",
        ),
        identity(
            "employed_have_a_place",
            "employed_persons <> case when work_place = 'not_working' then 0"
            " else listed_persons end",
            description="exactly those with a place of work, known or not, are employed",
            label_zh="已务工人员均有地点分类",
            reason="the in-county share divides by all who are employed.",
        ),
        identity(
            "channels_sum_to_employed",
            "employed_persons <> organised_persons + self_found_persons + relatives_persons"
            " + workshop_persons + other_channel_persons",
            description="the ways into a job add up to the employed persons",
            label_zh="就业渠道合计等于已务工人数",
            reason="a worker counted under two channels or none makes their shares wrong.",
        ),
        identity(
            "parts_within_wholes",
            "listed_persons < 1 or employed_persons + planning_persons > listed_persons"
            " or short_months_persons > employed_persons + planning_persons"
            " or job_lost_persons > listed_persons - employed_persons"
            " or arrears_persons > listed_persons or waged_persons > employed_persons"
            " or months_known_persons > listed_persons",
            description="no part is larger than its whole",
            label_zh="部分不大于整体",
            reason="every share of the mart is such a part.",
        ),
        identity(
            "counts_not_negative",
            "least(employed_persons, planning_persons, short_months_persons, job_lost_persons,"
            " arrears_persons, arrears_amt, other_channel_persons, wage_m_avg) < 0",
            description="no count and no amount is negative",
            label_zh="人数和金额不为负",
            reason="a negative part hides in a sum.",
        ),
        identity(
            "months_between_0_and_6",
            "months_last_6_avg not between 0 and 6 or months_last_6_sum > 6 * months_known_persons",
            description="nobody worked more than six of the last six months",
            label_zh="近6个月务工月数在0到6之间",
            reason="a larger number is of another window.",
        ),
        identity(
            "arrears_are_owed_to_somebody",
            "(arrears_persons = 0) <> (arrears_amt = 0)",
            description="wages are owed exactly where persons are owed wages",
            label_zh="欠薪金额与人数一致",
            reason="one without the other says that two different columns were read.",
        ),
        no_rows(
            "few_not_on_file",
            "select county_code as row_key from judged group by county_code"
            " having sum(listed_persons) filter (where household_group = 'not_on_file')"
            " > 0.05 * sum(listed_persons)",
            severity="warning",
            description="at most 5 % of a county's workers are on no file of persons",
            label_zh="务工人员在册率",
            reason="who is on no file is in no population group.",
            remedy="the county should bring its lists of workers and of members together.",
        ),
        *no_identifiers("employment"),
        steady_volume("employment"),
    )

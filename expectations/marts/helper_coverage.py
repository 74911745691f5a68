"""candidate.helper_coverage: who helps a household and when it was visited, a row per month."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import accepted_counties
from expectations.marts.shared import (
    REBUILD,
    has_rows,
    identity,
    key,
    keys_are_hashes,
    no_identifiers,
    one_period,
    steady_volume,
)

TABLE = "candidate.helper_coverage"
ROW_KEY = "household_key"

_POPULATION = (
    "case when h.monitor_status = 'in_force' then 'monitored'"
    " when left(h.household_type, 7) = 'ex_poor' then 'ex_poor' end"
)
_UNHELPED_SHARE = 0.1


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    end = f"(to_date('{period}', 'YYYY-MM') + interval '1 month - 1 day')::date"
    helpers = accepted_counties("county_helper", period, known_at)
    visits = accepted_counties("county_visit", period, known_at)
    return (
        has_rows("household"),
        *key("household_key"),
        one_period(period),
        no_rows(
            "every_household_to_be_helped",
            "select h.household_key as row_key from candidate.household_month as h"
            " left join judged as j using (household_key, county_code)"
            f" where {_POPULATION} is not null and j.household_key is null",
            description="every monitored and every ex-poor household of the month is listed",
            label_zh="监测户和脱贫户齐全",
            reason="a household nobody helps is the one that must not be missing.",
            remedy=REBUILD,
        ),
        no_rows(
            "population_as_in_household_month",
            "select j.row_key from judged as j left join candidate.household_month as h"
            " using (household_key, county_code) where h.household_key is null"
            f" or j.population is distinct from {_POPULATION}",
            description="monitored and ex-poor are who they are in household_month",
            label_zh="人群与户表一致",
            reason="who is to have a helper follows from it.",
            remedy=REBUILD,
        ),
        identity(
            "helpers_known_where_delivered",
            f"(helpers_in_force is not null) is distinct from (county_code in ({helpers}))",
            description="helpers are counted where the county sent its file, else unknown",
            label_zh="未报送帮扶人即未知",
            reason="no file is not the same as no helper.",
        ),
        identity(
            "visits_known_where_delivered",
            f"(visits_in_month is not null) is distinct from (county_code in ({visits}))",
            description="visits are counted where the county sent its file, else unknown",
            label_zh="未报送走访即未知",
            reason="no file is not the same as no visit.",
        ),
        identity(
            "helper_is_described",
            "(coalesce(helpers_in_force, 0) > 0) is distinct from (helper_since is not null)"
            f" or helper_since > {end}",
            description="a household with helpers says since when, in or before the month",
            label_zh="帮扶人有结对时间",
            reason="who helps since when is the question the mart answers.",
        ),
        identity(
            "missing_helper_follows",
            "is_helper_missing is distinct from case when helpers_in_force is not null"
            " then needs_helper and helpers_in_force = 0 end",
            description="missing is: to have a helper and to have none",
            label_zh="缺帮扶人可重算",
            reason="counties are asked to name helpers by it.",
        ),
        identity(
            "days_recompute",
            f"days_since_last_visit is distinct from {end} - last_visit_on"
            " or days_since_last_visit not between 0 and 61"
            " or (visits_in_month > 0) is distinct from case when visits_in_month is not null"
            f" then coalesce(to_char(last_visit_on, 'YYYY-MM') = '{period}', false) end",
            description="days since the last visit run to month-end; a visit counted is dated",
            label_zh="距上次走访天数可重算",
            reason="overdue visits are found by it.",
        ),
        identity(
            "overdue_follows",
            "is_visit_overdue is distinct from (days_since_last_visit > max_days_between_visits)"
            " and days_since_last_visit is not null and max_days_between_visits is not null",
            description="a visit is overdue where more days have passed than the standard allows",
            label_zh="走访逾期可重算",
            reason="visitors are sent by it.",
        ),
        no_rows(
            "most_have_a_helper",
            "select county_code as row_key from judged where is_helper_missing is not null"
            " and needs_helper group by county_code"
            f" having avg(is_helper_missing::integer) > {_UNHELPED_SHARE}",
            severity="warning",
            description=f"at most {_UNHELPED_SHARE:.0%} of a county's households lack their helper",
            label_zh="缺帮扶人比例",
            reason="more than that is rather a file cut short than helpers withdrawn.",
            remedy="compare the county's helper file with last month's.",
        ),
        keys_are_hashes("household_key"),
        *no_identifiers("helper_coverage"),
        steady_volume("helper_coverage"),
    )

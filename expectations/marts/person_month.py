"""candidate.person_month: one row per month and person of a published county's family lists."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import accepted_counties, published_counties
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

TABLE = "candidate.person_month"
ROW_KEY = "person_key"

_HOUSEHOLD_SUMS = {
    "persons_on_file": "count(*)",
    "insured_persons": "count(*) filter (where is_insured)",
    "out_of_pocket_ytd_amt": "sum(out_of_pocket_ytd_amt)",
    "temp_aid_12m_amt": "sum(temp_aid_12m_amt)",
    "deceased_members": "count(*) filter (where is_deceased)",
    "has_dibao::integer": "max(is_dibao_covered::integer)",
    "has_tekun::integer": "max(is_tekun::integer)",
}
"""household_month's figure -> the same from a household's persons."""


def _household_sums() -> str:
    ours = ", ".join(f"{sql} as ours_{n}" for n, sql in enumerate(_HOUSEHOLD_SUMS.values()))
    differs = " or ".join(
        f"abs(coalesce(h.{name}, 0) - coalesce(p.ours_{n}, 0)) > 0.01"
        for n, name in enumerate(_HOUSEHOLD_SUMS)
    )
    return (
        "select coalesce(h.county_code, p.county_code) as row_key"
        " from candidate.household_month as h full join"
        f" (select household_key, min(county_code) as county_code, {ours} from judged"
        " group by household_key) as p on h.household_key = p.household_key"
        f" where h.household_key is null or h.county_code <> p.county_code or {differs}"
    )


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    published = published_counties(period, known_at)
    return (
        has_rows("person"),
        *key("person_key"),
        one_period(period),
        keys_are_hashes("person_key", "household_key"),
        no_rows(
            "only_published_counties",
            "select distinct county_code as row_key from judged where county_code is null"
            f" or county_code not in ({published})",
            description="persons are only of counties whose four files were accepted",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows no figure.",
            remedy="leave the county out of the month's build.",
        ),
        no_rows(
            "persons_add_up_to_households",
            _household_sums(),
            description="a household's persons, insured, payments, aid and dead are its sums in"
            " household_month",
            label_zh="人员汇总与户表一致",
            reason="two marts that disagree discredit both.",
            remedy=REBUILD,
        ),
        no_rows(
            "state_of_the_household",
            "select j.row_key from judged as j inner join candidate.household_month as h"
            " on j.household_key = h.household_key where j.monitor_status <> h.monitor_status"
            " or j.monitor_category is distinct from h.monitor_category"
            " or j.village_code is distinct from h.village_code",
            description="a person is monitored as the household is, and lives where it does",
            label_zh="监测状态与户表一致",
            reason="all members of a monitored household are monitored.",
            remedy=REBUILD,
        ),
        no_rows(
            "alerts_as_raised",
            "select coalesce(j.row_key, a.person_key) as row_key from judged as j full join"
            " (select person_key, count(*) as n from candidate.risk_alert"
            " where subject = 'person' and state <> 'closed' group by person_key) as a"
            " on j.person_key = a.person_key"
            " where coalesce(j.open_alerts, 0) <> coalesce(a.n, 0)",
            description="the open alerts are those of risk_alert",
            label_zh="未办结预警数与预警表一致",
            reason="an alert that the list of persons does not show is not followed up.",
            remedy=REBUILD,
        ),
        no_rows(
            "work_as_in_employment",
            "select coalesce(j.county_code, e.county_code) as row_key from"
            " (select county_code, count(*) filter (where is_employed) as n from judged"
            " where is_on_work_list is not null group by county_code) as j full join"
            " (select county_code, sum(employed_persons)"
            " filter (where household_group <> 'not_on_file') as n from candidate.employment"
            " where data_status = 'published' group by county_code) as e"
            " on j.county_code = e.county_code where coalesce(j.n, 0) <> coalesce(e.n, 0)",
            description="as many persons on file work as employment counts",
            label_zh="务工人数与就业表一致",
            reason="two marts that disagree discredit both.",
            remedy=REBUILD,
        ),
        identity(
            "work_known_as_delivered",
            "(is_on_work_list is not null) <> (county_code in"
            f" ({accepted_counties('county_employment', period, known_at)}))"
            " or (has_welfare_post is not null) <> (county_code in"
            f" ({accepted_counties('county_welfare_post', period, known_at)}))"
            " or (is_employed is not null) <> coalesce(is_on_work_list, false)"
            " or (work_place is null) <> (is_employed is null)",
            description="work is told where the county delivered a list that has the person",
            label_zh="就业信息与接收情况一致",
            reason="who is on no list is not known to be out of work.",
        ),
        identity(
            "ages_in_a_band",
            "age_band not in (select age_band from seeds.ref_age_band)",
            description="every age band is one of the seed's",
            label_zh="年龄段取值合法",
            reason="an age in no band is counted in none.",
        ),
        identity(
            "certificate_has_a_grade",
            "has_disability_certificate is distinct from (disability_grade is not null)"
            " or disability_grade !~ '^[1-4]$'",
            description="who has a disability certificate has a grade from 1 to 4, else none",
            label_zh="残疾证与等级一致",
            reason="the severe grades are rules of help.",
        ),
        identity(
            "counts_not_negative",
            "least(temp_aid_12m_count, open_alerts, disability_subsidy_amt,"
            " work_months_last_6) < 0 or households_claiming < 1"
            " or work_months_last_6 > 6",
            description="no count is negative, and nobody worked more than six of six months",
            label_zh="计数合法",
            reason="a negative count hides in a sum.",
        ),
        identity(
            "link_has_a_way",
            "coalesce(link_method, '') not in"
            " ('resident_id', 'splink', 'decision', 'review', 'provisional')"
            " or link_score not between 0 and 1"
            " or (link_score is null and link_method not in ('provisional', 'decision'))",
            description="every person tells how the row was linked, with a score from 0 to 1",
            label_zh="匹配方法明确",
            reason="a figure of uncertain persons must be seen to be uncertain.",
        ),
        no_rows(
            "mostly_born_on_a_known_day",
            "select county_code as row_key from judged group by county_code"
            " having count(age_band) < 0.95 * count(*)",
            severity="warning",
            description="at least 95 % of a county's persons have a birth date",
            label_zh="出生日期匹配率",
            reason="persons without an age are in no age band.",
            remedy="the county should complete the certificate numbers of its family lists.",
        ),
        *no_identifiers("person_month"),
        steady_volume("person_month"),
    )

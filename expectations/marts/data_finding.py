"""candidate.data_finding: one row per month, rule, and person or household with a contradiction."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import REBUILD, identity, keys_are_hashes, no_identifiers, one_period

TABLE = "candidate.data_finding"
ROW_KEY = "rule_code || '/' || finding_key"


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    return (
        no_rows(
            "finding_once",
            "select row_key from judged group by row_key, household_key having count(*) > 1",
            description="no rule finds the same person or household twice",
            label_zh="问题不重复",
            reason="a sender asked twice for one correction stops reading.",
            remedy=REBUILD,
        ),
        one_period(period),
        identity(
            "subject_is_keyed",
            "coalesce(subject, '') not in ('person', 'household')"
            " or finding_key is distinct from case subject when 'person' then person_key"
            " else household_key end",
            description="the key is the person's or the household's, as the subject says",
            label_zh="问题对象完整",
            reason="a finding about nobody cannot be corrected.",
        ),
        keys_are_hashes("household_key", "person_key", "finding_key"),
        identity(
            "reason_is_complete",
            "coalesce(btrim(reason), '') = '' or reason ~ '[{{}}]'"
            " or coalesce(btrim(sender), '') = '' or coalesce(btrim(remedy_zh), '') = ''",
            description="every finding says what is contradictory, to whom, and what to do",
            label_zh="问题说明完整",
            reason="a sender who is not told what is wrong corrects nothing.",
            remedy="complete the rule's row in the seed ref_cross_rule.",
        ),
        identity(
            "rests_on_source_rows",
            "coalesce(cardinality(source_rows), 0) not between 1 and 10"
            " or array_position(source_rows, null) is not null",
            description="every finding names one to ten rows of deliveries",
            label_zh="问题有来源行",
            reason="the sender looks for the row in its own file.",
        ),
        no_rows(
            "household_on_file",
            "select j.row_key from judged as j left join candidate.household_month as h"
            " using (household_key, county_code) where h.household_key is null",
            description="findings are about households of household_month",
            label_zh="问题户在户表中",
            reason="a county held back would be shown by its faults.",
            remedy=REBUILD,
        ),
        no_rows(
            "only_published_counties",
            "select distinct county_code as row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="findings are only of counties whose four files were accepted",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows no figure.",
            remedy="leave the county out of the month's build.",
        ),
        no_rows(
            "few_per_rule",
            "select distinct j.rule_code as row_key from judged as j inner join (select"
            " county_code, count(*) as n from candidate.household_month group by county_code) as h"
            " using (county_code) group by j.rule_code, j.county_code, h.n"
            " having count(*) > 0.2 * h.n and h.n >= 30",
            severity="warning",
            description="no rule finds more than a fifth of a county's households",
            label_zh="单项问题数量合理",
            reason="a rule that finds everybody has met a column filled in another way.",
            remedy="look at some of the rows, and at the code list of the column.",
        ),
        *no_identifiers("data_finding"),
    )

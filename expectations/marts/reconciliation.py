"""candidate.reconciliation: one row per month and contradiction between records."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import (
    REBUILD,
    identity,
    key,
    keys_are_hashes,
    no_identifiers,
    one_period,
)

TABLE = "candidate.reconciliation"
ROW_KEY = "case_type || '/' || case_key"


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``; it may have no case."""
    return (
        *key("row_key"),
        one_period(period),
        identity(
            "case_type_in_the_seed",
            "case_type not in (select case_type from seeds.ref_reconciliation_case)"
            " or coalesce(severity, '') not in ('urgent', 'warning', 'notice')"
            " or coalesce(first_step_zh, '') = '' or coalesce(corrected_by_zh, '') = ''",
            description="every case is of a known kind, with its severity, and who begins where",
            label_zh="问题类型和责任明确",
            reason="a case that nobody is asked to look into stays open.",
        ),
        identity(
            "subject_is_keyed",
            "subject not in ('person', 'household')"
            " or (subject = 'person') is distinct from (person_key is not null)"
            " or (subject = 'household' and household_key is null)",
            description="a person's case has a person_key, a household's its household_key alone",
            label_zh="问题对象明确",
            reason="a case about nobody cannot be looked into.",
        ),
        identity(
            "both_sides_shown",
            "left_value is null or right_value is null"
            " or coalesce(left_source, '') = '' or coalesce(right_source, '') = ''",
            description="both sides of the contradiction are shown",
            label_zh="双方记录均已列出",
            reason="one side alone is an accusation and not a comparison.",
        ),
        identity(
            "evidence_is_named",
            "case_type !~ '^possible_' and cardinality(left_rows) = 0",
            description="every case but the derived ones names a source row",
            label_zh="来源行已列出",
            reason="a department can only correct a record it can find.",
        ),
        keys_are_hashes("person_key", "household_key", "case_key"),
        no_rows(
            "only_published_counties",
            "select row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="cases are only of counties that are published",
            label_zh="仅含已接收县的数据",
            reason="half of a county's records contradict the rest for being half.",
            remedy=REBUILD,
        ),
        no_rows(
            "missed_as_in_coverage",
            "select j.row_key from judged as j"
            " left join candidate.assistance_coverage as c on j.household_key = c.household_key"
            " where (j.case_type = 'possible_missed_dibao'"
            " and not coalesce(c.possible_missed_dibao, false))"
            " or (j.case_type = 'possible_missed_monitoring'"
            " and not coalesce(c.possible_missed_monitoring, false))",
            description="what may have been missed is as assistance_coverage has it",
            label_zh="疑似漏保漏测与覆盖表一致",
            reason="two lists for one visit make two visits, or none.",
            remedy=REBUILD,
        ),
        no_rows(
            "few_contradictions",
            "select j.county_code as row_key from judged as j"
            " where j.person_key is not null group by j.county_code having count(*) >"
            " 0.25 * (select sum(h.persons_on_file) from candidate.household_month as h"
            " where h.county_code = j.county_code)",
            severity="warning",
            description="cases about persons are at most a quarter of a county's persons",
            label_zh="矛盾记录比例不高",
            reason="that many contradictions are one wrong column or month, not that many errors.",
            remedy="look at the county's most frequent case type and at the two files behind it.",
        ),
        *no_identifiers("reconciliation"),
    )

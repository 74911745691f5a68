"""candidate.three_guarantees_gap: one row per month, household and guarantee."""

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

TABLE = "candidate.three_guarantees_gap"
ROW_KEY = "household_key || '/' || guarantee"

GUARANTEES = ("food", "clothing", "education", "medical", "housing", "water")
_OF_COUNTY_FILES = {"housing": "county_dwelling", "water": "county_water"}
"""Guarantees that one kind of county file decides alone."""


def _end(period: str) -> str:
    return f"(to_date('{period}', 'YYYY-MM') + interval '1 month - 1 day')::date"


def _standards(period: str) -> str:
    return (
        "select s.* from seeds.ref_guarantee_standard as s"
        f" where s.effective_from <= {_end(period)}"
        f" and (s.effective_to is null or s.effective_to >= {_end(period)})"
    )


def _beyond(bound: str) -> str:
    return (
        f"case s.operator when '<=' then j.measured_value > s.{bound}"
        f" else j.measured_value < s.{bound} end"
    )


def _undelivered(period: str, known_at: datetime) -> str:
    return " union all ".join(
        f"select row_key from judged where guarantee = '{guarantee}' and state <> 'unknown'"
        f" and county_code not in ({accepted_counties(kind, period, known_at)})"
        for guarantee, kind in _OF_COUNTY_FILES.items()
    )


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    return (
        has_rows("household and guarantee"),
        *key("row_key"),
        one_period(period),
        no_rows(
            "every_household_and_guarantee",
            "select h.household_key as row_key from candidate.household_month as h"
            " left join (select household_key, county_code, count(*) as n from judged"
            f" where guarantee in {GUARANTEES} group by household_key, county_code) as j"
            " using (household_key, county_code)"
            f" where j.n is distinct from {len(GUARANTEES)}",
            description="every household of the month has a row for each of the six guarantees",
            label_zh="户与保障项齐全",
            reason="the share covered divides by all households.",
            remedy=REBUILD,
        ),
        no_rows(
            "only_households_on_file",
            "select j.row_key from judged as j left join candidate.household_month as h"
            " using (household_key, county_code) where h.household_key is null",
            description="every row is of a household on file in the month",
            label_zh="仅含在册户",
            reason="a household that left, or whose county is held back, has no state.",
            remedy=REBUILD,
        ),
        no_rows(
            "standard_as_in_the_seed",
            f"select j.row_key from judged as j left join ({_standards(period)}) as s"
            " on s.guarantee = j.guarantee and s.criterion = j.criterion and s.unit = j.unit"
            " and s.meets_value = j.meets_value and s.basic_value = j.basic_value"
            " and s.verified = j.is_standard_verified where s.criterion is null",
            description="the standard beside each value is the seed's, in force at month-end",
            label_zh="判定标准与标准表一致",
            reason="a gap is disputed by its standard.",
            remedy=REBUILD,
        ),
        no_rows(
            "state_follows_from_value",
            f"select j.row_key from judged as j inner join ({_standards(period)}) as s"
            " on s.guarantee = j.guarantee and s.criterion = j.criterion"
            " where j.state is distinct from case when j.measured_value is null then 'unknown'"
            f" when {_beyond('basic_value')} then 'gap' else 'met' end"
            " or j.level is distinct from case when j.measured_value is null"
            f" or {_beyond('basic_value')} then null"
            f" when {_beyond('meets_value')} then 'basic' else 'full' end",
            description="gap, met and its level follow from value and standard; no value: unknown",
            label_zh="保障状态可由实测值重算",
            reason="unknown shown as met hides a household, a gap shown for none sends a visitor.",
            remedy=REBUILD,
        ),
        no_rows(
            "undelivered_is_unknown",
            _undelivered(period, known_at),
            description="a county that sent no dwelling or water file has no state there",
            label_zh="未报送即未知",
            reason="last month's state under this month's name misleads.",
            remedy=REBUILD,
        ),
        identity(
            "gap_is_dated",
            "(state = 'gap') is distinct from (gap_since is not null)"
            f" or gap_since > {_end(period)} or (is_gap_older and state <> 'gap')",
            description="exactly the gaps have a day they are known from, in or before the month",
            label_zh="缺口有起始日",
            reason="how long a gap stays open is counted from it.",
        ),
        identity(
            "gap_rests_on_source_rows",
            "state = 'gap' and coalesce(cardinality(source_rows), 0) = 0",
            description="every gap names the rows it rests on",
            label_zh="缺口有来源行",
            reason="a gap nobody can trace can not be disputed.",
        ),
        identity(
            "persons_affected_are_concerned",
            "persons_affected > persons_concerned or persons_affected < 0"
            " or (guarantee in ('education', 'medical')"
            " and (state = 'gap') is distinct from (coalesce(persons_affected, 0) > 0))",
            description="affected members are among those concerned, and a gap has at least one",
            label_zh="受影响人数合理",
            reason="dropouts and uninsured are counted from it.",
        ),
        identity(
            "contradiction_has_both_sides",
            "is_contradicted_by_visit is not null and (state = 'unknown' or last_visit_on is null"
            f" or to_char(last_visit_on, 'YYYY-MM') <> '{period}'"
            " or guarantee in ('food', 'clothing'))",
            description="a contradiction has a record of the department and a visit of the month",
            label_zh="矛盾两方齐备",
            reason="the county is asked to explain one against the other.",
        ),
        no_rows(
            "uninsured_as_in_household_month",
            "select j.row_key from judged as j inner join candidate.household_month as h"
            " using (household_key) where j.guarantee = 'medical' and j.persons_affected"
            " not between h.insurable_persons - h.insured_persons - h.deceased_members"
            " and h.insurable_persons - h.insured_persons",
            severity="warning",
            description="the uninsured are those of household_month, but for the deceased",
            label_zh="未参保人数与户表一致",
            reason="two marts that disagree discredit both.",
            remedy="compare the conditions on enrolments in household_health and this mart.",
        ),
        keys_are_hashes("household_key"),
        *no_identifiers("three_guarantees_gap"),
        steady_volume("three_guarantees_gap"),
    )

"""candidate.household_month: one row per month and household of a published county."""

from __future__ import annotations

from datetime import datetime

from expectations.check import Check, no_rows
from expectations.marts.scope import published_counties
from expectations.marts.shared import (
    has_rows,
    identity,
    key,
    keys_are_hashes,
    no_identifiers,
    one_period,
    steady_volume,
)

TABLE = "candidate.household_month"
ROW_KEY = "household_key"

_TOLERANCE = 0.01
"""Yuan: amounts are kept with two decimals."""
_GROSS = " + ".join(
    f"coalesce({name}, 0)"
    for name in ("wage_income", "business_income", "property_income", "transfer_income")
)
_COUNTS = ("members", "persons_on_file", "insured_persons", "insurable_persons")


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    return (
        has_rows("household"),
        *key("household_key"),
        one_period(period),
        identity(
            "gross_is_sum_of_classes",
            f"abs(coalesce(gross_income, 0) - ({_GROSS})) > {_TOLERANCE}",
            description="gross income is wage + business + property + transfer income",
            label_zh="总收入等于四类收入之和",
            reason="every income figure of the scorecard rests on this sum.",
        ),
        identity(
            "net_is_gross_less_expense",
            "abs(coalesce(net_income, 0) - (coalesce(gross_income, 0)"
            f" - coalesce(business_expense, 0))) > {_TOLERANCE}",
            description="net income is gross income less business expense",
            label_zh="纯收入等于总收入减经营支出",
            reason="the income line is compared with net income.",
        ),
        identity(
            "net_pp_is_net_by_members",
            "abs(coalesce(net_income_pp, 0) - coalesce(net_income, 0)"
            f" / greatest(coalesce(members, 0), 1)) > {_TOLERANCE}",
            description="net income per capita is net income by the number of members",
            label_zh="人均纯收入等于纯收入除以人口",
            reason="a household is below the line by this figure.",
        ),
        identity(
            "monitor_status_known",
            "coalesce(monitor_status, '') not in ('none', 'in_force', 'cleared')",
            description="monitor_status is none, in_force or cleared",
            label_zh="监测状态取值合法",
            reason="a state nobody knows is counted in no stock.",
        ),
        identity(
            "in_force_has_kind",
            "monitor_status = 'in_force' and coalesce(monitor_category, '') not in"
            " ('01', '02', '03')",
            description="every household in force is of one of the three monitored kinds",
            label_zh="监测对象类别完整",
            reason="the kinds of the scorecard add up to its monitored households.",
        ),
        identity(
            "flows_exclude_each_other",
            "is_new::integer + is_relapsed::integer + is_moved_in::integer > 1",
            description="no household is two of new, relapsed and moved in in one month",
            label_zh="新增、返贫、迁入互斥",
            reason="the stock would grow by two for one household.",
        ),
        identity(
            "counts_not_negative",
            " or ".join(f"{name} < 0" for name in _COUNTS),
            description="no count of persons is negative",
            label_zh="人数不为负",
            reason="a negative count hides in a sum.",
        ),
        identity(
            "insured_within_insurable",
            "insured_persons > insurable_persons",
            description="no more persons are insured than could be",
            label_zh="参保人数不大于应参保人数",
            reason="the insured share would exceed one.",
        ),
        keys_are_hashes("household_key"),
        identity(
            "village_in_county",
            "left(village_code, 6) <> county_code",
            description="the village lies in the household's county",
            label_zh="村码属于本县",
            reason="one household would be shown on two counties' maps.",
        ),
        Check(
            id="village_known",
            expectation="ExpectColumnValuesToNotBeNull",
            severity="warning",
            description="at least 95 % of the households have a village code",
            label_zh="村码匹配率",
            reason="households whose village name is not in the area list are missing from maps.",
            remedy="add the spelling to the area aliases.",
            arguments={"column": "village_code", "mostly": 0.95},
        ),
        identity(
            "members_on_file",
            "members <> persons_on_file",
            severity="warning",
            description="the number of members equals the persons on file",
            label_zh="人口数与成员行数一致",
            reason="per-capita figures use the one, insurance figures the other.",
            remedy="the county should bring household and person files together.",
        ),
        no_rows(
            "only_published_counties",
            f"select distinct county_code as row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="households are only of counties whose four files were accepted",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows no figure.",
            remedy="leave the county out of the month's build.",
        ),
        no_rows(
            "every_published_county",
            f"select c.county_code as row_key from ({published_counties(period, known_at)}) as c"
            " where c.county_code not in"
            " (select county_code from judged where county_code is not null)",
            description="every county whose four files were accepted has households",
            label_zh="已接收县均有数据",
            reason="a county lost on the way looks like a county without poor households.",
            remedy="look where the county's rows end: staging, quarantine or core.",
        ),
        *no_identifiers("household_month"),
        steady_volume("household_month"),
    )

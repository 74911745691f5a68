"""candidate.regime_comparison: one row per month and household in under a regime or monitored."""

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

TABLE = "candidate.regime_comparison"
ROW_KEY = "household_key"


def suite(period: str, known_at: datetime) -> tuple[Check, ...]:
    """The expectations on the month ``period`` as known at ``known_at``."""
    return (
        *key("household_key"),
        one_period(period),
        identity(
            "change_follows_from_both",
            "change is distinct from case when is_in_r1 and is_in_r2 then 'stays_in'"
            " when is_in_r2 then 'falls_in' when is_in_r1 then 'falls_out' else 'out' end",
            description="who falls in or out is who is in under one regime only",
            label_zh="两口径变化一致",
            reason="the cost of the new rules is read from it.",
        ),
        identity(
            "in_for_a_reason",
            "is_in_r1 is distinct from (r1_reasons is not null)"
            " or is_in_r2 is distinct from (r2_reasons is not null)",
            description="a household is in exactly if a reason is given",
            label_zh="纳入均有原因",
            reason="a household that asks why must be answered.",
        ),
        identity(
            "listed_for_a_reason",
            "not (is_in_r1 or is_in_r2 or is_monitored)",
            description="only households in under a regime, or monitored, are listed",
            label_zh="仅列涉及户",
            reason="the share of those who fall out would be diluted by everybody else.",
        ),
        no_rows(
            "monitored_as_in_household_month",
            "select h.household_key as row_key from candidate.household_month as h left join"
            " judged as j using (household_key) where (h.monitor_status = 'in_force')"
            " is distinct from coalesce(j.is_monitored, false)",
            description="exactly the households in force are listed as monitored",
            label_zh="现监测户与户表一致",
            reason="who would lose help under the new rules is one of these.",
            remedy=REBUILD,
        ),
        no_rows(
            "only_published_counties",
            "select distinct county_code as row_key from judged where county_code is null"
            f" or county_code not in ({published_counties(period, known_at)})",
            description="households are only of counties whose four files were accepted",
            label_zh="仅含已接收县的数据",
            reason="a county with a rejected file is held back and shows no figure.",
            remedy="leave the county out of the month's build.",
        ),
        keys_are_hashes("household_key"),
        *no_identifiers("regime_comparison"),
    )

"""The candidate's comparison of regimes, the monitored household of each county, and its breaks."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

_R = "candidate.regime_comparison"
_ONE = "county_code = '431026'"
BREAKS = {
    "household_key_filled": f"alter table {_R} drop constraint regime_comparison_pkey,"
    f" alter household_key drop not null; update {_R} set household_key = null where {_ONE}",
    "household_key_unique": f"alter table {_R} drop constraint regime_comparison_pkey;"
    f" insert into {_R} select * from {_R} where {_ONE}",
    "one_period": f"update {_R} set period = '2026-01' where {_ONE}",
    "change_follows_from_both": f"update {_R} set is_in_r1 = true, r1_reasons = 'low_income'"
    f" where {_ONE}",
    "in_for_a_reason": f"update {_R} set r2_reasons = null where {_ONE}",
    "listed_for_a_reason": f"update {_R} set is_monitored = false, is_in_r2 = false,"
    f" r2_reasons = null, change = 'out' where {_ONE}",
    "monitored_as_in_household_month": f"update {_R} set is_monitored = false where {_ONE}",
    "only_published_counties": f"update {_R} set county_code = '431081' where {_ONE}",
    "keys_are_hashes": f"update {_R} set household_key = '9900000000000017' where {_ONE}",
    "no_identifier_columns": f"alter table {_R} add column head_name text",
    "no_identifier_values": f"update {_R} set r2_reasons = '13800000000' where {_ONE}",
}
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""


def fill(db: psycopg.Connection, period: str, monitored: Sequence[tuple[str, str]]) -> None:
    """Each (county, key of a household in force) falls in under the second regime."""
    db.execute(
        f"drop table if exists {_R}; create table {_R} (period text, household_key text,"
        " county_code text, is_monitored boolean, is_in_r1 boolean, r1_reasons text,"
        " is_in_r2 boolean, r2_reasons text, change text, primary key (period, household_key));"
        f" comment on table {_R} is 'the table regime_comparison';"
        f" comment on column {_R}.period is 'month, YYYY-MM'"
    )
    for county_code, household_key in monitored:
        db.execute(
            f"insert into {_R} values"
            " (%s, %s, %s, true, false, null, true, 'low_income', 'falls_in')",
            [period, household_key, county_code],
        )

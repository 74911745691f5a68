"""The candidate's quarantine backlog: one defect open, one released, and what breaks each
expectation.
"""

from __future__ import annotations

import psycopg

_Q = "candidate.quarantine_backlog"
COLUMNS = {
    **dict.fromkeys(("period", "kind", "county_code", "defect_code", "defect_name"), "text"),
    **dict.fromkeys(("open_rows", "new_rows", "released_rows"), "bigint"),
    "oldest_period": "text",
    "oldest_age_months": "integer",
}
_OPEN = "defect_code = 'D02'"
BREAKS = {
    "row_key_filled": f"alter table {_Q} drop constraint quarantine_backlog_pkey,"
    f" alter county_code drop not null; update {_Q} set county_code = null where {_OPEN}",
    "row_key_unique": f"alter table {_Q} drop constraint quarantine_backlog_pkey;"
    f" insert into {_Q} select * from {_Q} where {_OPEN}",
    "one_period": f"update {_Q} set period = '2026-01' where {_OPEN}",
    "something_to_tell": f"update {_Q} set new_rows = 3 where {_OPEN}",
    "age_of_the_open": f"update {_Q} set oldest_age_months = null where {_OPEN}",
    "each_is_explained": "insert into staging.quarantine values"
    " (1, 99, 'county_household', '2026-02', '431026', 'D13')",
    "corrected_in_time": f"update {_Q} set oldest_age_months = 4 where {_OPEN}",
    "no_identifier_columns": f"alter table {_Q} add column head_name text",
    "no_identifier_values": f"update {_Q} set kind = '电话13800000000' where {_OPEN}",
}
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""


def fill(db: psycopg.Connection, period: str) -> None:
    """Two households whose number was damaged, three months old at most; an amount corrected."""
    listed = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    db.execute(
        f"drop table if exists {_Q}; create table {_Q} ({listed},"
        " primary key (period, kind, county_code, defect_code));"
        f" comment on table {_Q} is 'the table quarantine_backlog';"
        f" comment on column {_Q}.period is 'month, YYYY-MM';"
        " drop table if exists staging.quarantine; create table staging.quarantine"
        " (delivery_id bigint, row_no bigint, kind text, period text, county_code text,"
        " defect_code text); delete from ops.delivery_defect where row_no = 98;"
        " insert into staging.quarantine"
        " select min(delivery_id), 98, 'county_household', '2026-02', '431026', 'D02'"
        " from ops.delivery;"
        " insert into ops.delivery_defect (delivery_id, row_no, column_name, defect_code,"
        " treatment) select min(delivery_id), 98, 'household_no', 'D02', 'quarantined'"
        " from ops.delivery"
    )
    for row in (
        (period, "county_household", "431026", "D02", "截断", 2, 1, 0, "2025-11", 3),
        (period, "county_household", "431026", "D13", "金额", 0, 0, 1, None, None),
    ):
        db.execute(f"insert into {_Q} values ({', '.join(['%s'] * len(row))})", row)

"""The candidate's link quality, two kinds, and what breaks each of its expectations."""

from __future__ import annotations

import psycopg

_Q = "candidate.link_quality"
_ROWS = ("person", "resident_id", "splink", "decision", "review", "provisional", "unlinked")
COLUMNS = {
    **dict.fromkeys(("period", "kind", "county_code"), "text"),
    **{f"{way}_rows": "bigint" for way in _ROWS},
    "link_rate": "numeric",
}
_ONE = "kind = 'county_person'"
BREAKS = {
    "has_rows": f"delete from {_Q}",
    "row_key_filled": f"alter table {_Q} drop constraint link_quality_pkey,"
    f" alter county_code drop not null; update {_Q} set county_code = null where {_ONE}",
    "row_key_unique": f"alter table {_Q} drop constraint link_quality_pkey;"
    f" insert into {_Q} select * from {_Q} where {_ONE}",
    "one_period": f"update {_Q} set period = '2026-01' where {_ONE}",
    "ways_sum_to_rows": f"update {_Q} set splink_rows = splink_rows + 1 where {_ONE}",
    "counts_not_negative": f"update {_Q} set review_rows = -1 where {_ONE}",
    "rate_is_linked_by_rows": f"update {_Q} set link_rate = 0.999 where {_ONE}",
    "mostly_linked": f"update {_Q} set link_rate = 0.9499 where {_ONE}",
    "no_identifier_columns": f"alter table {_Q} add column head_name text",
    "no_identifier_values": f"update {_Q} set kind = '电话13800000000' where {_ONE}",
}
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""


def fill(db: psycopg.Connection, period: str) -> None:
    """A county's list with one row of each way, and a city-wide kind."""
    listed = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    db.execute(
        f"drop table if exists {_Q}; create table {_Q} ({listed},"
        " primary key (period, kind, county_code));"
        f" comment on table {_Q} is 'the table link_quality';"
        f" comment on column {_Q}.period is 'month, YYYY-MM'"
    )
    for row in (
        (period, "county_person", "431026", 100, 93, 3, 1, 1, 1, 1, 0.97),
        (period, "yb_enrol", "431000", 10, 10, 0, 0, 0, 0, 0, 1),
    ):
        db.execute(f"insert into {_Q} values ({', '.join(['%s'] * len(row))})", row)

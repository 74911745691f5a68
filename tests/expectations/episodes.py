"""The candidate's monitoring episodes, two per monitored household, and what breaks them."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

_M = "candidate.monitoring_episode"
COLUMNS = {
    "period": "text",
    "household_key": "text",
    "episode_no": "integer",
    "county_code": "text",
    "episodes": "integer",
    **dict.fromkeys(("is_latest", "is_relapse"), "boolean"),
    **dict.fromkeys(
        (
            "monitor_category", "monitored_ym", "start_basis", "state", "cleared_ym",
            "clear_method", "clue_status", "clue_no", "channel", "sla_regime",
        ),
        "text",
    ),
    **dict.fromkeys(
        ("received_on", "notice_end", "county_approved_on", "first_measure_on"), "date"
    ),
    **dict.fromkeys(
        ("notice_days", "procedure_days", "recognition_days", "first_measure_days"), "integer"
    ),
    **dict.fromkeys(
        (
            "is_notice_kept", "is_procedure_kept", "is_recognition_kept", "is_first_measure_kept",
            "meets_months", "meets_income", "meets_measures", "meets_guarantees", "meets_labour",
            "are_criteria_met",
        ),
        "boolean",
    ),
}  # fmt: skip

_FIRST = "county_code = '431026' and episode_no = 1"
_LAST = "county_code = '431026' and episode_no = 2"
BREAKS = {
    "has_rows": f"delete from {_M}",
    "episode_once": f"alter table {_M} drop constraint monitoring_episode_pkey;"
    f" insert into {_M} select * from {_M} where {_LAST}",
    "one_period": f"update {_M} set period = '2026-01' where {_LAST}",
    "episodes_are_numbered": f"delete from {_M} where {_FIRST}",
    "relapse_is_a_later_episode": f"update {_M} set is_relapse = false where {_LAST}",
    "state_known": f"update {_M} set cleared_ym = null where {_FIRST}",
    "only_the_latest_in_force": f"update {_M} set state = 'in_force' where {_FIRST}",
    "in_force_as_in_household_month": f"update {_M} set state = 'ended_unreported' where {_LAST}",
    "months_in_order": f"update {_M} set cleared_ym = '2022-12' where {_FIRST}",
    "finished_steps_are_judged": f"update {_M} set is_recognition_kept = null where {_LAST}",
    "criteria_follow_from_parts": f"update {_M} set meets_labour = false where {_LAST}",
    "clue_is_there_if_matched": f"update {_M} set clue_no = null where {_LAST}",
    "clue_found": f"update {_M} set clue_no = null, clue_status = 'missing' where {_LAST}",
    "only_published_counties": f"update {_M} set county_code = '431081' where {_LAST}",
    "keys_are_hashes": f"update {_M} set household_key = '9900000000000017' where {_LAST}",
    "no_identifier_columns": f"alter table {_M} add column head_name text",
    "no_identifier_values": f"update {_M} set clue_no = '13800000000' where {_LAST}",
}
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""


def fill(db: psycopg.Connection, period: str, monitored: Sequence[tuple[str, str]]) -> None:
    """A cleared and a current episode for each (county, key of a household in force)."""
    listed = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    db.execute(
        f"drop table if exists {_M}; create table {_M} ({listed},"
        " primary key (period, household_key, episode_no));"
        f" comment on table {_M} is 'the table monitoring_episode';"
        f" comment on column {_M}.period is 'month, YYYY-MM'"
    )
    for county_code, household_key in monitored:
        common = {
            "period": period, "household_key": household_key, "county_code": county_code,
            "episodes": 2,
        }  # fmt: skip
        first = {
            "episode_no": 1, "is_latest": False, "is_relapse": False, "monitored_ym": "2023-01",
            "start_basis": "household_file", "state": "cleared", "cleared_ym": "2024-01",
            "clue_status": "no_register",
        }  # fmt: skip
        last = {
            "episode_no": 2, "is_latest": True, "is_relapse": True, "monitored_ym": period,
            "start_basis": "household_file", "state": "in_force", "clue_status": "matched",
            "clue_no": "XS1", "sla_regime": "R2", "received_on": f"{period}-01",
            "notice_end": f"{period}-10", "county_approved_on": f"{period}-12",
            "notice_days": 5, "procedure_days": 8, "recognition_days": 11,
            "first_measure_days": 9, "is_notice_kept": True, "is_procedure_kept": True,
            "is_recognition_kept": True, "meets_months": True, "meets_income": True,
            "meets_measures": True, "meets_guarantees": True, "meets_labour": True,
            "are_criteria_met": True,
        }  # fmt: skip
        for row in (common | first, common | last):
            db.execute(
                f"insert into {_M} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
                list(row.values()),
            )

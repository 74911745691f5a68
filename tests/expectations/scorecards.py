"""The candidate's village scorecard, data health and key figures, and what breaks them."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from include.areas import counties
from include.contracts import contracts

V, D, K = "candidate.village_scorecard", "candidate.data_health", "candidate.county_kpi"
GRADES = ("grade_households", "grade_income", "grade_health", "grade_assistance")
"""Of a village's figures; a county shows those of other marts' figures too."""
COUNTY_GRADES = (*GRADES, "grade_living", "grade_work")

VILLAGE_SCORECARD = {
    **dict.fromkeys(
        ("period", "village_code", "county_code", "township_code", "county_name", "township_name",
         "village_name"),
        "text",
    ),
    **dict.fromkeys(
        ("households", "persons", "ex_poor_households", "monitored_households",
         "cleared_households_ever", "new_monitored_households", "relapsed_monitored_households",
         "cleared_monitored_households", "households_below_line", "insured_persons",
         "high_burden_households", "dibao_households", "tekun_households",
         "monitored_with_measure_households"),
        "integer",
    ),
    **dict.fromkeys(("net_income_pp", "insured_share", "out_of_pocket_ytd_amt"), "numeric"),
    **dict.fromkeys(GRADES, "text"),
}  # fmt: skip
DATA_HEALTH = {
    **dict.fromkeys(
        ("period", "source", "kind", "county_code", "delivery_state", "latest_accepted_period"),
        "text",
    ),
    **dict.fromkeys(("due_on", "first_sent_on", "last_sent_on"), "date"),
    "is_late": "boolean",
    **dict.fromkeys(
        ("arrivals", "versions", "resent", "days_late", "accepted_versions", "rejected_versions",
         "delivered_rows", "staged_rows", "quarantined_rows", "superseded_rows", "coded_cells",
         "unmapped_cells"),
        "integer",
    ),
    **dict.fromkeys(("quarantine_share", "unmapped_share"), "numeric"),
}  # fmt: skip
COUNTY_KPI = {
    **dict.fromkeys(("period", "county_code", "kpi", "data_status", "unit", "grade"), "text"),
    **dict.fromkeys(("value", "previous_value", "change", "target"), "numeric"),
    **dict.fromkeys(("trend", "direction"), "text"),
    "rank": "integer",
    "is_target_met": "boolean",
}  # fmt: skip

_V1 = "village_code = '431026108205'"
VILLAGE_BREAKS = {
    "has_rows": f"delete from {V}",
    "village_code_filled": f"alter table {V} drop constraint village_scorecard_pkey,"
    f" alter village_code drop not null; update {V} set village_code = null where {_V1}",
    "village_code_unique": f"alter table {V} drop constraint village_scorecard_pkey;"
    f" insert into {V} select * from {V} where {_V1}",
    "one_period": f"update {V} set period = '2026-01' where {_V1}",
    "villages_add_up_to_their_county": f"update {V} set persons = persons + 1 where {_V1}",
    "village_in_county": f"update {V} set township_code = '431026109000' where {_V1}",
    "parts_within_wholes": f"update {V} set monitored_with_measure_households = 3 where {_V1}",
    "insured_share_is_a_share": f"update {V} set insured_share = 1.000001 where {_V1}",
    "grades_of_the_county": f"update {V} set grade_income = 'A' where {_V1}",
    "only_published_counties": f"update {V} set county_code = '431081' where {_V1}",
    "few_without_village": f"update {V} set village_code = '431026000000' where {_V1}",
    "no_identifier_columns": f"alter table {V} add column head_name text",
    "no_identifier_values": f"update {V} set village_name = '电话13800000000' where {_V1}",
}
_D1 = "kind = 'county_income' and county_code = '431026'"
DATA_HEALTH_BREAKS = {
    "has_rows": f"delete from {D}",
    "delivery_once": f"alter table {D} drop constraint data_health_pkey;"
    f" insert into {D} select * from {D} where {_D1}",
    "one_period": f"update {D} set period = '2026-01' where {_D1}",
    "all_that_is_due": f"delete from {D} where {_D1}",
    "accepted_as_registered": f"update {D} set delivery_state = 'rejected' where {_D1}",
    "states_follow_from_counts": f"update {D} set resent = 1 where {_D1}",
    "late_by_the_due_day": f"update {D} set first_sent_on = due_on + 1 where {_D1}",
    "rows_add_up": f"update {D} set staged_rows = 2 where {_D1}",
    "few_unmapped_codes": f"update {D} set unmapped_share = 0.050001 where {_D1}",
    "in_time": f"update {D} set first_sent_on = due_on + 1, is_late = true, days_late = 1"
    f" where {_D1}",
    "no_identifier_columns": f"alter table {D} add column bank_no text",
    "no_identifier_values": f"update {D} set source = '电话13800000000' where {_D1}",
}
_K1 = "county_code = '431026' and kpi = 'insured_share'"
COUNTY_KPI_BREAKS = {
    "has_rows": f"delete from {K}",
    "figure_once": f"alter table {K} drop constraint county_kpi_pkey;"
    f" insert into {K} select * from {K} where {_K1}",
    "one_period": f"update {K} set period = '2026-01' where {_K1}",
    "every_county_has_every_figure": f"delete from {K} where {_K1}",
    "held_back_as_accepted": f"update {K} set data_status = 'held_back' where {_K1}",
    "held_back_without_figures": f"update {K} set grade = 'held_back' where {_K1}",
    "values_as_in_the_scorecard": f"update {K} set value = 0.999998 where {_K1}",
    "shares_are_shares": f"update {K} set previous_value = 1.000001 where {_K1}",
    "trend_follows_change": f"update {K} set trend = 'down' where {_K1}",
    "rank_recomputes": f"update {K} set rank = 2 where {_K1}",
    "target_is_judged": f"update {K} set is_target_met = false where {_K1}",
    "no_identifier_columns": f"alter table {K} add column phone text",
    "no_identifier_values": f"update {K} set unit = '电话13800000000' where {_K1}",
}
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""


def make_tables(db: psycopg.Connection) -> None:
    """The three tables, empty."""
    for name, columns, grain in (
        ("village_scorecard", VILLAGE_SCORECARD, "period, village_code"),
        ("data_health", DATA_HEALTH, "period, source, kind, county_code"),
        ("county_kpi", COUNTY_KPI, "period, county_code, kpi"),
    ):
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        db.execute(
            f"drop table if exists candidate.{name};"
            f" create table candidate.{name} ({listed}, primary key ({grain}));"
            f" comment on table candidate.{name} is 'the table {name}';"
            f" comment on column candidate.{name}.period is 'month, YYYY-MM'"
        )


def fill(db: psycopg.Connection, period: str, held_back: str) -> None:
    """Two villages per published county that add up to candidate.county_scorecard, an accepted
    delivery of every kind but one of the county held back, and a key figure per county."""
    make_tables(db)
    for code in counties():
        if code != held_back:
            township = "431026108" if code == "431026" else f"{code}100"
            _villages(db, period, code, township)
        _figure(db, period, code, is_published=code != held_back)
    for kind, contract in contracts().items():
        codes = counties() if contract.source == "county" else ["431000"]
        for code in codes:
            is_accepted = (code, kind) != (held_back, "county_income")
            _insert(
                db,
                "data_health",
                {
                    "period": period, "source": contract.source, "kind": kind,
                    "county_code": code, "due_on": "2026-03-05",
                    "delivery_state": "accepted" if is_accepted else "rejected",
                    "arrivals": 1, "versions": 1, "resent": 0, "accepted_versions": +is_accepted,
                    "rejected_versions": +(not is_accepted), "delivered_rows": 1,
                    "staged_rows": 1, "quarantined_rows": 0, "superseded_rows": 0,
                    "quarantine_share": 0, "coded_cells": 0, "unmapped_cells": 0,
                    "is_late": False, "days_late": 0, "first_sent_on": "2026-03-05",
                },
            )  # fmt: skip


def _villages(db: psycopg.Connection, period: str, code: str, township: str) -> None:
    none = dict.fromkeys(
        ("ex_poor_households", "cleared_households_ever", "relapsed_monitored_households",
         "households_below_line", "high_burden_households", "dibao_households",
         "tekun_households"), 0,
    )  # fmt: skip
    for village, households, monitored, cleared in (("205", 2, 1, 0), ("206", 1, 0, 1)):
        _insert(
            db,
            "village_scorecard",
            none | dict.fromkeys(GRADES, "B") | {
                "period": period, "village_code": f"{township}{village}", "county_code": code,
                "township_code": f"{township}000", "village_name": "村", "households": households,
                "persons": 3 * households, "monitored_households": monitored,
                "new_monitored_households": monitored, "cleared_monitored_households": cleared,
                "insured_persons": 3 * households, "insured_share": 1,
                "out_of_pocket_ytd_amt": 100 * households,
                "monitored_with_measure_households": monitored,
            },
        )  # fmt: skip


def _figure(db: psycopg.Connection, period: str, code: str, *, is_published: bool) -> None:
    row: dict[str, object] = {
        "period": period, "county_code": code, "kpi": "insured_share", "unit": "share of persons",
        "direction": "higher", "target": 0.95, "data_status": "held_back", "grade": "held_back",
    }  # fmt: skip
    if is_published:
        row |= {
            "data_status": "published", "grade": "B", "value": 1, "previous_value": 0.9,
            "change": 0.1, "trend": "up", "rank": 1, "is_target_met": True,
        }  # fmt: skip
    _insert(db, "county_kpi", row)


def _insert(db: psycopg.Connection, mart: str, row: Mapping[str, object]) -> None:
    db.execute(
        f"insert into candidate.{mart} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
        list(row.values()),
    )

"""The candidate's guarantees and helpers, for each household on file, and what breaks them."""

from __future__ import annotations

import csv
from typing import Any

import psycopg

from include.build import DBT_PROJECT

_G, _H = "candidate.three_guarantees_gap", "candidate.helper_coverage"
_SEED_TYPES = {
    "ordinal": "integer",
    "is_required": "boolean",
    "meets_value": "numeric",
    "basic_value": "numeric",
    "effective_from": "date",
    "effective_to": "date",
    "verified": "boolean",
}
GUARANTEE_COLUMNS = {
    **dict.fromkeys(
        (
            "period", "household_key", "guarantee", "county_code", "village_code", "state",
            "level", "criterion",
        ),
        "text",
    ),
    **dict.fromkeys(("measured_value", "meets_value", "basic_value"), "numeric"),
    **dict.fromkeys(("unit", "measured_zh"), "text"),
    "gap_since": "date",
    "is_gap_older": "boolean",
    "persons_concerned": "integer",
    "persons_affected": "integer",
    "source_kind": "text",
    "source_rows": "text[]",
    "is_contradicted_by_visit": "boolean",
    "last_visit_on": "date",
    "is_standard_verified": "boolean",
}  # fmt: skip
HELPER_COLUMNS = {
    **dict.fromkeys(
        ("period", "household_key", "county_code", "village_code", "population"), "text"
    ),
    "needs_helper": "boolean",
    "helpers_in_force": "integer",
    **dict.fromkeys(("helper_unit", "helper_position"), "text"),
    "helper_since": "date",
    "is_helper_missing": "boolean",
    "helper_source_rows": "text[]",
    "visits_in_month": "integer",
    "last_visit_on": "date",
    "days_since_last_visit": "integer",
    "max_days_between_visits": "integer",
    "is_visit_overdue": "boolean",
    "is_standard_verified": "boolean",
}

_C = "county_code = '431026'"
_ONE = f"household_key = (select min(household_key) from {_G} where {_C})"
_FOOD, _SCHOOL = f"{_ONE} and guarantee = 'food'", f"{_ONE} and guarantee = 'education'"
_WATER = f"{_ONE} and guarantee = 'water'"
GUARANTEE_BREAKS = {
    "has_rows": f"delete from {_G}",
    "row_key_filled": f"alter table {_G} drop constraint three_guarantees_gap_pkey,"
    f" alter household_key drop not null; update {_G} set household_key = null where {_FOOD}",
    "row_key_unique": f"alter table {_G} drop constraint three_guarantees_gap_pkey;"
    f" insert into {_G} select * from {_G} where {_FOOD}",
    "one_period": f"update {_G} set period = '2026-01' where {_FOOD}",
    "every_household_and_guarantee": f"delete from {_G} where {_FOOD}",
    "only_households_on_file": f"update {_G} set county_code = '431081' where {_FOOD}",
    "standard_as_in_the_seed": f"update {_G} set basic_value = 41 where {_WATER}",
    "state_follows_from_value": f"update {_G} set measured_value = 40 where {_WATER}",
    "undelivered_is_unknown": f"update {_G} set county_code = '439999' where {_WATER}",
    "gap_is_dated": f"update {_G} set gap_since = null where {_WATER}",
    "gap_rests_on_source_rows": f"update {_G} set source_rows = array[]::text[] where {_WATER}",
    "persons_affected_are_concerned": f"update {_G} set persons_affected = 1 where {_SCHOOL}",
    "contradiction_has_both_sides": f"update {_G} set is_contradicted_by_visit = false"
    f" where {_FOOD}",
    "uninsured_as_in_household_month": f"update {_G} set persons_affected = 1"
    f" where {_ONE} and guarantee = 'medical'",
    "keys_are_hashes": f"update {_G} set household_key = '9900000000000017' where {_FOOD}",
    "no_identifier_columns": f"alter table {_G} add column head_name text",
    "no_identifier_values": f"update {_G} set measured_zh = '电话13800000000' where {_WATER}",
    "steady_volume": f"delete from {_G} where {_C} and guarantee <> 'food'",
}
_ANY = f"household_key = (select min(household_key) from {_H} where {_C})"
HELPER_BREAKS = {
    "has_rows": f"delete from {_H}",
    "household_key_filled": f"alter table {_H} drop constraint helper_coverage_pkey,"
    f" alter household_key drop not null; update {_H} set household_key = null where {_ANY}",
    "household_key_unique": f"alter table {_H} drop constraint helper_coverage_pkey;"
    f" insert into {_H} select * from {_H} where {_ANY}",
    "one_period": f"update {_H} set period = '2026-01' where {_ANY}",
    "every_household_to_be_helped": f"delete from {_H} where {_ANY}",
    "population_as_in_household_month": f"update {_H} set population = 'ex_poor' where {_ANY}",
    "helpers_known_where_delivered": f"update {_H} set helpers_in_force = null where {_ANY}",
    "visits_known_where_delivered": f"update {_H} set visits_in_month = null where {_ANY}",
    "helper_is_described": f"update {_H} set helper_since = null where {_ANY}",
    "missing_helper_follows": f"update {_H} set is_helper_missing = true where {_ANY}",
    "days_recompute": f"update {_H} set days_since_last_visit = 9 where {_ANY}",
    "overdue_follows": f"update {_H} set is_visit_overdue = true where {_ANY}",
    "most_have_a_helper": f"update {_H} set is_helper_missing = true, helpers_in_force = 0"
    f" where {_ANY}",
    "keys_are_hashes": f"update {_H} set household_key = '9900000000000017' where {_ANY}",
    "no_identifier_columns": f"alter table {_H} add column helper_phone text",
    "no_identifier_values": f"update {_H} set helper_unit = '电话13800000000' where {_ANY}",
    "steady_volume": f"alter table {_H} drop constraint helper_coverage_pkey;"
    f" insert into {_H} select * from {_H} where {_ANY}",
}
"""expectation -> SQL that breaks exactly what it guards (and perhaps more)."""


def make_tables(db: psycopg.Connection) -> None:
    """The empty candidates, and the standards as dbt would load them."""
    db.execute("create schema if not exists seeds")
    if db.execute("select to_regclass('seeds.ref_guarantee_standard')").fetchone() == (None,):
        path = DBT_PROJECT / "seeds" / "ref_guarantee_standard.csv"
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
        columns = ", ".join(f"{name} {_SEED_TYPES.get(name, 'text')}" for name in header)
        db.execute(f"create table seeds.ref_guarantee_standard ({columns})")
        with db.cursor() as cursor:
            cursor.executemany(
                "insert into seeds.ref_guarantee_standard"
                f" values ({', '.join(['%s'] * len(header))})",
                [[cell or None for cell in row] for row in rows],
            )
    for table, columns_of, grain in (
        (_G, GUARANTEE_COLUMNS, "period, household_key, guarantee"),
        (_H, HELPER_COLUMNS, "period, household_key"),
    ):
        listed = ", ".join(f"{column} {kind}" for column, kind in columns_of.items())
        name = table.removeprefix("candidate.")
        db.execute(
            f"drop table if exists {table};"
            f" create table {table} ({listed}, primary key ({grain}));"
            f" comment on table {table} is 'the table {name}';"
            f" comment on column {table}.period is 'month, YYYY-MM'"
        )


def fill(db: psycopg.Connection, period: str) -> None:
    """Six guarantees for each household of the candidate, a helper for each in force."""
    make_tables(db)
    households = db.execute(
        "select household_key, county_code, monitor_status from candidate.household_month"
        " where period = %s order by household_key",
        [period],
    ).fetchall()
    day = f"{period}-20"
    for household_key, county_code, status in households:
        common = {"period": period, "household_key": household_key, "county_code": county_code}
        for row in _guarantees(day):
            _insert(db, _G, common | row)
        if status == "in_force":
            helper = {
                "population": "monitored", "needs_helper": True, "helpers_in_force": 1,
                "helper_unit": "教育局", "helper_since": "2024-01-01", "is_helper_missing": False,
                "visits_in_month": 1, "last_visit_on": day, "max_days_between_visits": 31,
                "is_visit_overdue": False,
            }  # fmt: skip
            _insert(db, _H, common | helper)
    db.execute(
        f"update {_H} set days_since_last_visit ="
        " (to_date(period, 'YYYY-MM') + interval '1 month - 1 day')::date - last_visit_on"
    )


def _guarantees(day: str) -> list[dict[str, Any]]:
    """Nobody hungry, one of the criteria of water not met, cold nobody asked about."""
    met = {"state": "met", "level": "full", "measured_value": 0, "meets_value": 0}
    met |= {"basic_value": 0, "unit": "人", "source_rows": None, "is_gap_older": False}
    met |= {"is_standard_verified": False, "persons_concerned": 3}
    seen = {"is_contradicted_by_visit": False, "last_visit_on": day}
    return [
        met | {"guarantee": "food", "criterion": "food_short", "unit": "flag"},
        met
        | {"guarantee": "clothing", "criterion": "clothing_short", "unit": "flag"}
        | {"state": "unknown", "level": None, "measured_value": None},
        met | seen | {"guarantee": "education", "criterion": "dropouts", "persons_affected": 0},
        met
        | seen
        | {"guarantee": "medical", "criterion": "uninsured_members", "persons_affected": 0},
        met | seen | {"guarantee": "housing", "criterion": "no_house", "unit": "flag"},
        met
        | seen
        | {"guarantee": "water", "criterion": "litres_per_day", "unit": "升/人·日"}
        | {"state": "gap", "level": None, "measured_value": 39, "meets_value": 60}
        | {"basic_value": 40, "gap_since": day, "source_rows": ["county_water/1/1"]},
    ]


def _insert(db: psycopg.Connection, table: str, row: dict[str, Any]) -> None:
    db.execute(
        f"insert into {table} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
        list(row.values()),
    )

"""Sound rows of employment, welfare_posts and fund_progress, and what breaks each expectation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import yaml

from include.build import DBT_PROJECT

MARTS = ("employment", "welfare_posts", "fund_progress")
ROWS = 3
"""Rows per county with figures."""

_WORKING = {
    "listed_persons": 3, "employed_persons": 3, "planning_persons": 0, "months_known_persons": 3,
    "months_last_6_sum": 12, "months_last_6_avg": 4, "short_months_persons": 1,
    "job_lost_persons": 0, "arrears_persons": 1, "arrears_amt": "0.01", "waged_persons": 3,
    "wage_m_avg": 3000, "organised_persons": 1, "self_found_persons": 1, "relatives_persons": 0,
    "workshop_persons": 0, "other_channel_persons": 1,
}  # fmt: skip
_IDLE = _WORKING | {
    "employed_persons": 0, "planning_persons": 2, "job_lost_persons": 1, "arrears_persons": 0,
    "arrears_amt": 0, "waged_persons": 0, "wage_m_avg": None, "organised_persons": 0,
    "self_found_persons": 0, "other_channel_persons": 0,
}  # fmt: skip
_RULE = {"short_months_threshold": 3, "threshold_verified": False}
_POSTS = {
    "posts": 3, "filled_posts": 2, "holders": 2, "due_posts": 2, "standard_amt": 2000,
    "paid_amt": 1900, "unpaid_posts": 1, "unpaid_amt": 100, "unreported_posts": 0,
    "duplicate_holders": 1, "deceased_holders": 0, "deceased_paid_amt": 0, "benefit_holders": 1,
    "not_on_file_holders": 0,
}  # fmt: skip
_PROJECTS = {
    "projects": 5, "not_begun_projects": 1, "under_way_projects": 1, "done_projects": 1,
    "halted_projects": 1, "failed_projects": 1, "unmoved_projects": 1, "overpaid_projects": 1,
    "budget_amt": 1000, "paid_amt": 400, "paid_share": "0.4", "target_share": "0.5",
    "behind_target_amt": 100, "is_behind_target": True, "target_verified": False,
    "benefit_households": 10, "paid_per_household_amt": 40,
}  # fmt: skip
_FUND_YEAR = {"fund_year": 2026, "fund_level": "central"}
SOUND: dict[str, tuple[dict[str, Any], ...]] = {
    "employment": (
        {"household_group": "ex_poor", "work_place": "in_county", "is_in_county": True} | _WORKING,
        {"household_group": "monitored", "work_place": "abroad", "is_in_county": False} | _WORKING,
        {"household_group": "other", "work_place": "not_working", "is_in_county": False} | _IDLE,
    ),
    "welfare_posts": tuple({"post_type": kind} | _POSTS for kind in ("cleaning", "care", "patrol")),
    "fund_progress": (
        _FUND_YEAR | {"project_type": "industry", "is_industry": True, "industry_share": "0.5"},
        _FUND_YEAR | {"project_type": "other", "is_industry": False, "industry_share": "0.5"},
        {"fund_year": 2025, "fund_level": "county", "project_type": "other", "is_industry": False}
        | {"industry_share": 0},
    ),
}
_SHARED: dict[str, dict[str, Any]] = {
    "employment": {"township_code": "431026100000"} | _RULE,
    "welfare_posts": {},
    "fund_progress": _PROJECTS,
}
_NOTHING: dict[str, dict[str, Any]] = {
    "employment": {"township_code": "all", "household_group": "all", "work_place": "all"} | _RULE,
    "welfare_posts": {"post_type": "all"},
    "fund_progress": {"fund_year": 2026, "fund_level": "all", "project_type": "all"}
    | {"target_verified": False},
}


def fill(db: psycopg.Connection, period: str, published: Iterable[str], held_back: str) -> None:
    """Make the three candidates: rows per published county, and one without figures."""
    for mart in MARTS:
        _make(db, mart)
        for code in published:
            for row in SOUND[mart]:
                status = {"county_code": code, "data_status": "published"}
                _insert(db, mart, {"period": period} | status | _SHARED[mart] | row)
        _insert(
            db,
            mart,
            {"period": period, "county_code": held_back, "data_status": "held_back"}
            | _NOTHING[mart],
        )


def _make(db: psycopg.Connection, mart: str) -> None:
    """An empty candidate with the columns and the key its contract states."""
    path = DBT_PROJECT / "models" / "marts" / f"{mart}.yml"
    (model,) = yaml.safe_load(path.read_text())["models"]
    listed = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
    grain = ", ".join(model["config"]["meta"]["grain"])
    db.execute(f"drop table if exists candidate.{mart}")
    db.execute(f"create table candidate.{mart} ({listed}, primary key ({grain}))")


def _insert(db: psycopg.Connection, mart: str, row: dict[str, Any]) -> None:
    db.execute(
        f"insert into candidate.{mart} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
        list(row.values()),
    )


def _breaks(mart: str, column: str, first: str, **own: str) -> dict[str, str]:
    """What breaks the expectations every such mart has, around its own in their order.

    ``column`` is one of its key, and ``first`` the value it has in one row of each county.
    """
    table = f"candidate.{mart}"
    one = f"county_code = '431026' and {column} = '{first}'"
    return {
        "has_rows": f"delete from {table}",
        "row_key_filled": f"alter table {table} drop constraint {mart}_pkey,"
        f" alter {column} drop not null; update {table} set {column} = null where {one}",
        "row_key_unique": f"alter table {table} drop constraint {mart}_pkey;"
        f" insert into {table} select * from {table} where {one}",
        "one_period": f"update {table} set period = '2026-01' where {one}",
        "all_counties": f"delete from {table} where county_code = '431026'",
        "status_as_accepted": f"update {table} set data_status = 'missing' where {one}",
        **{
            check: f"update {table} set {change}{'' if ' where ' in change else f' where {one}'}"
            for check, change in own.items()
        },
        "no_identifier_columns": f"alter table {table} add column bank_no text",
        "no_identifier_values": f"alter table {table} drop constraint {mart}_pkey;"
        f" update {table} set data_status = '电话13800000000' where {one}",
        "steady_volume": f"delete from {table} where county_code = '431026' and not ({one})",
    }


BREAKS = {
    "employment": _breaks(
        "employment",
        "work_place",
        "in_county",
        no_figures_without_data="arrears_amt = 0 where data_status = 'held_back'",
        published_with_figures="job_lost_persons = null",
        groups_known="household_group = 'all'",
        employed_have_a_place="work_place = 'not_working'",
        channels_sum_to_employed="relatives_persons = 1",
        parts_within_wholes="short_months_persons = 4",
        counts_not_negative="self_found_persons = 4, other_channel_persons = -2",
        months_between_0_and_6="months_last_6_avg = 6.01",
        arrears_are_owed_to_somebody="arrears_persons = 0",
        few_not_on_file="household_group = 'not_on_file'",
    ),
    "welfare_posts": _breaks(
        "welfare_posts",
        "post_type",
        "care",
        no_figures_without_data="posts = 0 where data_status = 'held_back'",
        published_with_figures="unpaid_amt = null",
        parts_within_wholes="deceased_holders = 3",
        counts_not_negative="paid_amt = -0.01",
        unpaid_is_owed_for_posts="unpaid_posts = 0",
        little_unpaid="unpaid_amt = 400.01",
        nobody_deceased="deceased_holders = 1",
    ),
    "fund_progress": _breaks(
        "fund_progress",
        "project_type",
        "industry",
        no_figures_without_data="projects = 0 where data_status = 'held_back'",
        published_with_figures="is_behind_target = null",
        states_sum_to_projects="done_projects = 2",
        counts_not_negative="benefit_households = -1",
        parts_within_wholes="unmoved_projects = 2",
        shares_between_0_and_1="target_share = 1.000001",
        paid_share_recomputes="paid_share = 0.41",
        behind_target_recomputes="behind_target_amt = 100.02",
        industry_share_recomputes="industry_share = 0.500002",
        paid_within_budget="paid_amt = 1000.01",
    ),
}
FAILS_ON_NOTHING = {mart: {"has_rows", "all_counties"} for mart in MARTS}

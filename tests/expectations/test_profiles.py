"""Each figure of each profile: a sound delivery, one with a defective row, and one without rows."""

from __future__ import annotations

import importlib
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from include.contracts import contracts
from tests.expectations.deliveries import (
    COUNTY_NAME,
    DEFECTS,
    SOUND,
    deliver,
    household_no,
)

KINDS = sorted(contracts())
SHARED = {
    "missing_headers",
    "unreadable_files",
    "rows_beyond_bounds",
    "other_period",
    "control_total_difference",
    "rows_not_loaded",
    "volume_ratio",
    "rounded_key_share",
    "duplicate_share",
    "median_gross_income",
}
"""Figures about more than one row; each has tests of its own below."""


def profile(db: psycopg.Connection, kind: str, *delivery_ids: int) -> dict[int, dict[str, Any]]:
    module = importlib.import_module(f"expectations.deliveries.{kind}")
    with db.transaction(), db.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "create temporary table judged (delivery_id bigint, county_name text) on commit drop"
        )
        cursor.executemany(
            "insert into judged values (%s, %s)", [(key, COUNTY_NAME) for key in delivery_ids]
        )
        return {row["delivery_id"]: row for row in cursor.execute(module.PROFILE)}


def suite_figures(kind: str) -> set[str]:
    """Figures judged by themselves; those beside the county's history are in test_habits.py."""
    module = importlib.import_module(f"expectations.deliveries.{kind}")
    return {check.figure for check in module.suite() if check.habit is None}


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_a_defective_row(kind: str) -> None:
    assert suite_figures(kind) - SHARED == set(DEFECTS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_counts_the_defective_row(db: psycopg.Connection, kind: str) -> None:
    sound = deliver(db, kind, [SOUND[kind]])
    empty = deliver(db, kind, [])
    defective = {
        figure: deliver(db, kind, [SOUND[kind], {**SOUND[kind], **cells}])
        for figure, cells in DEFECTS[kind].items()
    }
    profiles = profile(db, kind, sound, empty, *defective.values())
    for figure, delivery_id in defective.items():
        seen = [profiles[key][figure] for key in (sound, delivery_id, empty)]
        assert seen == [0, 0.5, None], figure


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_not_whole_has_no_other_figures(db: psycopg.Connection, kind: str) -> None:
    headless = deliver(db, kind, [], missing_headers=["户编号"], control_total=7)
    unreadable = deliver(db, kind, [], unreadable="not a workbook", control_total=7)
    for key, row in profile(db, kind, headless, unreadable).items():
        assert (row["missing_headers"], row["unreadable_files"]) == (
            (1, 0) if key == headless else (0, 1)
        )
        assert row["row_count"] is row["control_total_difference"] is row["rows_not_loaded"] is None
        assert row["rows_beyond_bounds"] is None


def test_totals_are_compared_with_name_and_raw_table(db: psycopg.Connection) -> None:
    rows = [SOUND["county_measure"]] * 3
    equal = deliver(db, "county_measure", rows, control_total=3)
    short = deliver(db, "county_measure", rows, control_total=4)
    unloaded = deliver(db, "county_measure", rows, row_count=4)
    seen = profile(db, "county_measure", equal, short, unloaded)
    assert [seen[key]["control_total_difference"] for key in (equal, short, unloaded)] == [
        0, -1, None
    ]  # fmt: skip
    assert [seen[key]["rows_not_loaded"] for key in (equal, short, unloaded)] == [0, 0, 1]


@pytest.mark.parametrize(("rows", "beyond"), [(0, -1), (1, 0), (200_000, 0), (200_001, 1)])
def test_the_number_of_rows_is_bounded_by_the_contract(
    db: psycopg.Connection, rows: int, beyond: int
) -> None:
    key = deliver(db, "county_household", [], row_count=rows)
    assert profile(db, "county_household", key)[key]["rows_beyond_bounds"] == beyond


def test_a_file_may_name_its_month_and_no_other(db: psycopg.Connection) -> None:
    row = [SOUND["county_household"]]
    silent = deliver(db, "county_household", row)
    right = deliver(db, "county_household", row, stated_period="2026-02")
    wrong = deliver(db, "county_household", row, stated_period="2026-01")
    seen = profile(db, "county_household", silent, right, wrong)
    assert [seen[key]["other_period"] for key in (silent, right, wrong)] == [None, 0, 1]


def test_volume_is_compared_with_the_last_accepted_delivery_of_the_month_before(
    db: psycopg.Connection,
) -> None:
    row = SOUND["county_household"]
    deliver(db, "county_household", [row] * 9, period="2025-11", accepted=True)
    deliver(db, "county_household", [row] * 4, period="2025-12", accepted=True)
    deliver(db, "county_household", [row] * 2, period="2025-12", accepted=True)
    deliver(db, "county_household", [row] * 8, period="2025-12")
    now = deliver(db, "county_household", [row], period="2026-01")
    assert profile(db, "county_household", now)[now]["volume_ratio"] == 0.5


@pytest.mark.parametrize("kind", [k for k in KINDS if "rounded_key_share" in suite_figures(k)])
def test_rounded_keys_are_seen_in_a_file_of_some_size(db: psycopg.Connection, kind: str) -> None:
    def rows(count: int, last_digit: str) -> list[dict[str, str | None]]:
        return [
            {**SOUND[kind], "household_no": household_no(n)[:-1] + last_digit} for n in range(count)
        ]

    sound, rounded, few = (
        deliver(db, kind, rows(30, "7")),
        deliver(db, kind, rows(30, "0")),
        deliver(db, kind, rows(29, "0")),
    )
    seen = profile(db, kind, sound, rounded, few)
    assert [seen[key]["rounded_key_share"] for key in (sound, rounded, few)] == [0, 1, None]


@pytest.mark.parametrize("kind", [k for k in KINDS if "duplicate_share" in suite_figures(k)])
def test_duplicates_are_counted(db: psycopg.Connection, kind: str) -> None:
    once, twice, empty = (deliver(db, kind, [SOUND[kind]] * n) for n in (1, 2, 0))
    seen = profile(db, kind, once, twice, empty)
    assert [seen[key]["duplicate_share"] for key in (once, twice, empty)] == [0, 0.5, None]


def test_the_median_tells_units_apart(db: psycopg.Connection) -> None:
    row = SOUND["county_income"]
    yuan = deliver(db, "county_income", [row] * 10)
    wan = deliver(db, "county_income", [{**row, "a_wage": "3", "d_transfer": "0.12"}] * 10)
    few = deliver(db, "county_income", [row] * 9)
    seen = profile(db, "county_income", yuan, wan, few)
    # 1200元 is an amount for staging; as a number for sums it has its unit taken off.
    assert [seen[key]["median_gross_income"] for key in (yuan, wan, few)] == [31200, 3.12, None]

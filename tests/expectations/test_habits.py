"""What is usual for a county: median and spread of its own months, and what chance may do."""

from __future__ import annotations

import importlib
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from expectations.deliveries.habits import MOST_MONTHS, Habit
from include.acceptance import judge
from include.contracts import contracts
from tests.expectations.deliveries import COUNTY, SOUND, deliver, household_no
from tests.expectations.test_profiles import profile

FOLLOWED: dict[str, tuple[Habit, ...]] = {
    kind: module.HABITS
    for kind in sorted(contracts())
    if hasattr(module := importlib.import_module(f"expectations.deliveries.{kind}"), "HABITS")
}
KIND = "county_household"


@pytest.fixture(autouse=True)
def _nothing_before(db: psycopg.Connection) -> None:
    """Each test has its own history."""
    db.execute("truncate ops.delivery cascade")
    db.execute("truncate raw.county_household, raw.county_measure, raw.yb_settle")


def months(before: str, count: int) -> list[str]:
    """The ``count`` months before a month, latest first."""
    index = int(before[:4]) * 12 + int(before[5:]) - 1
    return [f"{m // 12}-{m % 12 + 1:02}" for m in range(index - 1, index - 1 - count, -1)]


def remember(
    db: psycopg.Connection,
    figures: dict[str, Any],
    period: str,
    *,
    kind: str = KIND,
    accepted: bool = True,
    county_code: str | None = None,
) -> int:
    """An earlier delivery with these figures."""
    key = deliver(db, kind, [], period=period, accepted=accepted, county_code=county_code)
    db.execute("insert into ops.delivery_profile values (%s, %s)", [key, Jsonb(figures)])
    return key


def now(db: psycopg.Connection, rows: int, **cells: str) -> dict[str, Any]:
    """The profile of a delivery of 2026-06 with this many rows."""
    row = dict(SOUND[KIND]) | cells
    key = deliver(db, KIND, [row] * rows, period="2026-06")
    return profile(db, KIND, key)[key]


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ([], (0, None, None)),
        ([None, None], (0, None, None)),
        ([5], (1, 5, 0)),
        ([1, 2, 3, 4, 100], (5, 3, 1.4826)),
        ([1, None, 3], (2, 2, 1.4826)),
    ],
)
def test_median_and_spread(
    db: psycopg.Connection, figures: list[float | None], expected: tuple[Any, ...]
) -> None:
    found = db.execute("select (quality.usual(%s::numeric[])).*", [figures]).fetchone()
    assert found is not None
    assert (found[0], *(None if each is None else float(each) for each in found[1:])) == expected


@pytest.mark.parametrize(
    ("count", "ratio", "off"), [(0, None, None), (2, 0.5, None), (3, None, -1.25)]
)
def test_three_months_are_a_history(
    db: psycopg.Connection, count: int, ratio: float | None, off: float | None
) -> None:
    """Before that, the number of rows is compared with last month's."""
    for period in months("2026-06", count):
        remember(db, {"row_count": 100}, period)
    db.execute("update ops.delivery set row_count = 100")
    seen = now(db, 50)
    assert (seen["volume_ratio"], seen["row_count_off"]) == (ratio, off)


@pytest.mark.parametrize(("rows", "is_usual"), [(59, False), (60, True), (140, True), (141, False)])
def test_the_number_of_rows_may_change_by_what_chance_does(
    db: psycopg.Connection, rows: int, is_usual: bool
) -> None:
    """Around 100 rows: four times the root of 100, which is more than a quarter."""
    for period in months("2026-06", 3):
        remember(db, {"row_count": 100}, period)
    assert (abs(now(db, rows)["row_count_off"]) <= 1) == is_usual


@pytest.mark.parametrize("rows", [1, 14])
def test_a_tiny_county_alarms_nobody(db: psycopg.Connection, rows: int) -> None:
    for period in months("2026-06", 3):
        remember(db, {"row_count": 4}, period)
    assert abs(now(db, rows)["row_count_off"]) <= 1


def test_what_differs_from_month_to_month_may_differ_now(db: psycopg.Connection) -> None:
    for period, count in zip(months("2026-06", 5), (800, 900, 1000, 1100, 1200), strict=True):
        remember(db, {"row_count": count}, period)
    seen = now(db, 10)
    assert seen["row_count_middle"] == 1000
    assert float(seen["row_count_allowed"]) == pytest.approx(4 * 1.4826 * 100)


def test_one_odd_month_moves_nothing(db: psycopg.Connection) -> None:
    for period, count in zip(months("2026-06", 5), (1000, 1000, 7, 1000, 1000), strict=True):
        remember(db, {"row_count": count}, period)
    seen = now(db, 10)
    assert (seen["row_count_middle"], seen["row_count_allowed"]) == (1000, 250)


def test_only_the_countys_own_accepted_earlier_months_count(db: psycopg.Connection) -> None:
    for period in months("2026-06", MOST_MONTHS):
        remember(db, {"row_count": 100}, period)
    remember(db, {"row_count": 1}, months("2026-06", MOST_MONTHS + 1)[-1])
    remember(db, {"row_count": 1}, "2026-07")
    remember(db, {"row_count": 1}, "2026-05", accepted=False)
    remember(db, {"row_count": 1}, "2026-05", county_code="431027")
    remember(db, {"row_count": 1}, "2026-05", kind="county_person")
    seen = now(db, 10)
    assert (seen["row_count_months"], seen["row_count_middle"]) == (MOST_MONTHS, 100)
    assert seen["row_count_allowed"] == 40


def test_a_correction_counts_instead_of_what_it_corrects(db: psycopg.Connection) -> None:
    for period in months("2026-06", 3):
        remember(db, {"row_count": 1}, period)
    for period in months("2026-06", 3):
        remember(db, {"row_count": 100}, period)
    assert now(db, 10)["row_count_middle"] == 100


def test_a_share_may_change_by_what_chance_does(db: psycopg.Connection) -> None:
    """Half of 100 households: four standard errors are 20 points."""
    for period in months("2026-06", 3):
        remember(db, {"monitored_share": 0.5}, period)
    seen = now(db, 100)
    assert float(seen["monitored_share_allowed"]) == pytest.approx(0.2)
    assert seen["monitored_share_off"] == 2.5


def test_a_share_of_many_may_change_by_five_points(db: psycopg.Connection) -> None:
    for period in months("2026-06", 3):
        remember(db, {"monitored_share": 1}, period)
    assert float(now(db, 500)["monitored_share_allowed"]) == pytest.approx(0.05)


@pytest.mark.parametrize("usual", [0, 1])
def test_a_share_of_few_rows_alarms_nobody(db: psycopg.Connection, usual: int) -> None:
    """One post of two unpaid is half, and still one post."""
    for period in months("2026-06", 3):
        remember(db, {"monitored_share": usual}, period)
    assert float(now(db, 2)["monitored_share_allowed"]) > 1


def test_an_amount_may_change_by_a_quarter(db: psycopg.Connection) -> None:
    for period in months("2026-06", 3):
        remember(db, {"median_net_income_pp": 10000}, period)
    seen = now(db, 400, net_income_pp="12501")
    assert float(seen["median_net_income_pp_allowed"]) == pytest.approx(2500)
    assert seen["median_net_income_pp_off"] > 1
    assert now(db, 400, net_income_pp="12500")["median_net_income_pp_off"] == 1


ODD: dict[str, dict[str, str | None]] = {
    "monitored_share": {"monitor_category": "/"},
    "median_net_income_pp": {"net_income_pp": "1"},
    "mean_members": {"member_count": "9"},
    "blank_id_share": {"cert_no": None},
    "uninsured_share": {"resident_insured": "是"},
    "median_gross_income": {"a_wage": "3", "a1_migrant_work": "3", "a5_picking": None},
    "wage_share": {"a_wage": "0"},
    "in_place_share": {"implementation": "尚未实施"},
    "problem_share": {"housing_problem": "是"},
    "ended_term_share": {"ended_on": None},
    "employed_share": {"is_employed": "否"},
    "median_wage": {"wage_m": "1"},
    "median_allowance": {"allowance_m": "1"},
    "unpaid_share": {"paid_amt": "1000"},
    "unsafe_share": {"grade": "A级"},
    "unfit_water_share": {"quality_ok": "否"},
    "outage_share": {"outage_days": "0"},
    "median_payment": {"amount": "1"},
    "active_share": {"psn_insu_stas": "2"},
    "median_bill": {"medfee_sumamt": "1"},
    "refund_share": {"refd_setl_flag": "1"},
}
"""figure -> cells that move it."""


@pytest.mark.parametrize("kind", FOLLOWED)
def test_a_figure_sees_its_cells_and_is_unknown_without_rows(
    db: psycopg.Connection, kind: str
) -> None:
    for habit in FOLLOWED[kind]:
        sound = deliver(db, kind, [SOUND[kind]] * 10)
        odd = deliver(db, kind, [dict(SOUND[kind]) | ODD[habit.figure]] * 10)
        empty = deliver(db, kind, [])
        seen = profile(db, kind, sound, odd, empty)
        assert seen[sound][habit.figure] != seen[odd][habit.figure], habit.figure
        assert seen[empty][habit.figure] is None


def test_no_figure_lacks_its_odd_cells() -> None:
    assert {habit.figure for habits in FOLLOWED.values() for habit in habits} == set(ODD)


def test_a_warning_says_what_would_have_been_usual(db: psycopg.Connection) -> None:
    """Judged for real, month after month: the figures are kept by the judge itself."""
    rows = [dict(SOUND[KIND]) | {"household_no": household_no(n)} for n in range(100)]
    for period in reversed(months("2026-06", 4)):
        deliver(db, KIND, rows, period=period)
        assert [v.outcome for v in judge("county", period)] == ["accepted"]
    deliver(db, KIND, rows[:30], period="2026-06")
    (verdict,) = judge("county", "2026-06")
    assert verdict.outcome == "accepted"
    (warning,) = (w for w in verdict.warnings if w["expectation"] == "row_count_usual")
    assert warning["observed"] == 30
    assert warning["usual"] == {"months": 4, "low": 60, "high": 140}
    assert warning["defect"] == "D20"


def test_the_figures_kept_are_numbers(db: psycopg.Connection) -> None:
    key = deliver(db, KIND, [SOUND[KIND]], period="2026-06")
    judge("county", "2026-06")
    row = db.execute(
        "select figures from ops.delivery_profile where delivery_id = %s", [key]
    ).fetchone()
    assert row is not None
    assert row[0]["row_count"] == 1
    assert all(isinstance(value, int | float) for value in row[0].values())
    assert COUNTY not in map(str, row[0].values())

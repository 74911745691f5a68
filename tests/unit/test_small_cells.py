"""Attacks on hidden figures, each with a control in which the same attack succeeds."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from include.release.cube import CITY, Cube, Figure
from include.release.declared import Declared, ExtractRefused
from include.release.hide import Tables, demand, hide, interval
from include.release.record import Earlier, joined, month_before

LIMIT = 5
WIDE = (LIMIT, LIMIT - 1)


def tables_of(inner: Mapping[tuple[str, str], int], limit: int = LIMIT) -> Tables:
    """Rows by columns with all totals (``T``), and the small figures to protect."""
    rows, columns = (list(dict.fromkeys(place[n] for place in inner)) for n in (0, 1))
    figures: dict[Any, int] = dict(inner)
    for row in rows:
        figures[row, "T"] = sum(figures[row, column] for column in columns)
    for column in [*columns, "T"] if rows else []:
        figures["T", column] = sum(figures[row, column] for row in rows)
    equations: list[dict[Any, int]] = [
        {(row, "T"): -1, **{(row, column): 1 for column in columns}}
        for row in ([*rows, "T"] if rows else [])
    ]
    equations += [
        {("T", column): -1, **{(row, column): 1 for row in rows}}
        for column in ([*columns, "T"] if rows else [])
    ]
    return Tables(
        figures,
        equations,
        {name: WIDE for name, figure in figures.items() if 0 < figure < limit},
        cost={n: log2(2 + f) * (8 if "T" in n else 1) for n, f in figures.items()},
    )


def small(tables: Tables) -> set[Any]:
    return set(tables.wide)


def subtracted(tables: Tables, hidden: set[Any]) -> dict[Any, int]:
    """The attack by subtraction: an equation with one unknown gives it, again and again."""
    known = {name: figure for name, figure in tables.figures.items() if name not in hidden}
    found: dict[Any, int] = {}
    while True:
        step = {
            unknown[0]: -sum(c * known[n] for n, c in equation.items() if n in known)
            // equation[unknown[0]]
            for equation in tables.equations
            if len(unknown := [name for name in equation if name not in known]) == 1
        }
        if not step:
            return found
        found |= step
        known |= step


def bounded(tables: Tables, hidden: set[Any], name: Any) -> tuple[float, float]:
    """The attack by linear programming, on all that is shown at once."""
    names = sorted(hidden, key=repr)
    left = np.zeros((len(tables.equations), len(names)))
    right = np.zeros(len(tables.equations))
    for number, equation in enumerate(tables.equations):
        for each, coefficient in equation.items():
            if each in hidden:
                left[number, names.index(each)] = coefficient
            else:
                right[number] -= coefficient * tables.figures[each]
    goal = np.zeros(len(names))
    goal[names.index(name)] = 1
    ends = []
    for sign in (1, -1):
        solved = linprog(sign * goal, A_eq=left, b_eq=right, bounds=(1, 10_000), method="highs")
        assert solved.status == 0
        ends.append(sign * solved.fun)
    return ends[0], ends[1]


def assert_hidden(tables: Tables, hidden: set[Any]) -> None:
    """Neither attack tells a small figure, nor even that it is small."""
    assert small(tables) <= hidden
    assert not small(tables) & subtracted(tables, hidden).keys()
    for name in small(tables):
        low, high = bounded(tables, hidden, name)
        assert high >= LIMIT
        assert high - low >= LIMIT - 1


GRID = {
    ("r1", "a"): 3, ("r1", "b"): 40, ("r1", "c"): 10,
    ("r2", "a"): 20, ("r2", "b"): 30, ("r2", "c"): 25,
    ("r3", "a"): 12, ("r3", "b"): 9, ("r3", "c"): 0,
}  # fmt: skip


def test_subtraction_along_a_row() -> None:
    tables = tables_of(GRID)
    assert subtracted(tables, small(tables)) == {("r1", "a"): 3}  # the control
    with pytest.raises(ExtractRefused):
        demand(tables, small(tables))
    assert_hidden(tables, hide(tables))


def test_subtraction_along_columns_where_the_row_has_two_hidden() -> None:
    tables = tables_of(GRID | {("r1", "b"): 4})
    alone = small(tables)
    assert subtracted(tables, alone) == {("r1", "a"): 3, ("r1", "b"): 4}  # the control
    assert_hidden(tables, hide(tables))


def test_subtraction_between_villages_townships_and_the_county() -> None:
    villages = {
        "v1": ("t1", 2),
        "v2": ("t1", 11),
        "v3": ("t2", 8),
        "v4": ("t2", 9),
        "v5": ("t3", 7),
    }
    figures: dict[Any, int] = {village: count for village, (_, count) in villages.items()}
    tables = Tables(figures)
    for township in ("t1", "t2", "t3"):
        inside = [village for village, (lies_in, _) in villages.items() if lies_in == township]
        figures[township] = sum(figures[village] for village in inside)
        tables.equations.append({township: -1, **dict.fromkeys(inside, 1)})
    figures["county"] = 37
    tables.equations.append({"county": -1, "t1": 1, "t2": 1, "t3": 1})
    tables.wide = {"v1": WIDE}
    assert subtracted(tables, {"v1"}) == {"v1": 2}  # the control
    # The neighbour is hidden too, and the township with it: then the county gives the township.
    assert subtracted(tables, {"v1", "t1"}) == {"t1": 13, "v1": 2}
    assert_hidden(tables, hide(tables))


def test_subtraction_between_two_extracts_of_one_publication() -> None:
    figures: dict[Any, int] = {
        "monitored": 30, "unstable": 3, "marginal": 20, "sudden": 7,
        "illness": 18, "job": 12,
    }  # fmt: skip
    kinds = {"monitored": -1, "unstable": 1, "marginal": 1, "sudden": 1}
    causes = {"monitored": -1, "illness": 1, "job": 1}
    alone = Tables(figures, [kinds], {"unstable": WIDE}, cost=dict.fromkeys(figures, 1.0))
    alone.cost["monitored"] = 0.1
    hidden_in_one = hide(alone)
    assert "monitored" in hidden_in_one
    both = Tables(figures, [kinds, causes], alone.wide, cost=alone.cost)
    assert subtracted(both, hidden_in_one) == {"monitored": 30, "unstable": 3}  # the control
    assert_hidden(both, hide(both))


def test_bounds_by_linear_programming() -> None:
    """Two hidden figures that sum to 5 are 1 to 4 each: nothing to subtract, and yet told."""
    tables = tables_of({("r1", "a"): 3, ("r1", "b"): 2, ("r1", "c"): 10,
                        ("r2", "a"): 60, ("r2", "b"): 70, ("r2", "c"): 80})  # fmt: skip
    pairs = {("r1", "a"), ("r1", "b"), ("r2", "a"), ("r2", "b")}
    assert subtracted(tables, pairs) == {}
    assert bounded(tables, pairs, ("r1", "a")) == (1, 4)  # the control
    with pytest.raises(ExtractRefused):
        demand(tables, pairs)
    assert_hidden(tables, hide(tables))


# -- months and versions -----------------------------------------------------------------------

SAID = Declared.model_validate(
    {
        "categories": [
            {"name": name, "label_zh": name, "level": "county", "condition": "true"}
            for name in ("all", "monitored", "others", "new", "cleared")
        ]
        + [{"name": "previous", "label_zh": "previous", "level": "county", "condition": "true",
            "month_before": "monitored"}],
        "sums": [
            {"whole": "all", "parts": ["monitored", "others"]},
            {"whole": "monitored", "parts": ["previous", "new"], "less": ["cleared"]},
        ],
        "tables": [],
    }
)  # fmt: skip
COUNTIES = ("431002", "431003")


def month(period: str, *counts: tuple[int, int], **flows: tuple[int, ...]) -> Cube:
    """A cube of two counties: (monitored, others) of each, and the city's sums."""
    figures: dict[tuple[str, str], int] = {}
    for number, (county, (monitored, others)) in enumerate(zip(COUNTIES, counts, strict=True)):
        figures |= {(county, "monitored"): monitored, (county, "others"): others}
        figures[county, "all"] = monitored + others
        figures |= {(county, name): flow[number] for name, flow in flows.items()}
    for name in ("all", "monitored", "others"):
        figures[CITY, name] = sum(figures[county, name] for county in COUNTIES)
    return Cube(
        period,
        {p: Figure(n, WIDE if 0 < n < LIMIT else None) for p, n in figures.items()},
        dict.fromkeys(COUNTIES, CITY),
        {CITY: "city", **dict.fromkeys(COUNTIES, "county")},
    )


def released(cube: Cube, *earlier: Earlier) -> Earlier:
    """What is hidden of a month after the earlier ones, as it is put on record."""
    tables, names = joined(cube, list(earlier), SAID)
    hidden = hide(tables)
    places = {place for place, name in names.items() if name in hidden}
    return Earlier(cube.period, cube.figures, places)


def known_together(*releases: Earlier) -> tuple[Tables, set[Any]]:
    """What an outsider has who has all of them, and what is hidden in each that has it."""
    cube = Cube("2030-01", {}, {}, {})
    tables, _ = joined(cube, list(releases), SAID)
    return tables, {name for name in tables.figures if name not in tables.known}


FEBRUARY = month("2026-02", (3, 90), (40, 200))
MARCH = month("2026-03", (9, 84), (40, 200), previous=(3, 40), new=(6, 10), cleared=(0, 10))


def test_subtraction_between_months() -> None:
    """What is hidden in a month is the next one's figure less what came and plus what went."""
    first = released(FEBRUARY)
    alone = released(MARCH)  # as if nothing had left before
    assert ("431002", "previous") in alone.hidden
    naive = Earlier("2026-03", MARCH.figures, {("431002", "previous")})
    tables, hidden = known_together(first, naive)
    told = subtracted(tables, hidden)
    assert told["2026-02", "431002", "monitored", 3] == 3  # the control
    second = released(MARCH, first)
    assert_hidden(*known_together(first, second))


def test_subtraction_between_months_whichever_is_asked_for_first() -> None:
    second = released(MARCH)
    first = released(FEBRUARY, second)
    assert_hidden(*known_together(second, first))


def test_subtraction_between_versions_after_a_correction() -> None:
    """A county's 3 was hidden with its neighbours; corrected to 9, nothing of it need be hidden,
    and the neighbours, which are as they were, would tell what the first version hid."""
    first = released(FEBRUARY)
    corrected = month("2026-02", (9, 90), (40, 200))
    assert ("431002", "others") in first.hidden
    alone = released(corrected)
    assert alone.hidden == set()
    tables, hidden = known_together(first, alone)
    assert subtracted(tables, hidden)["2026-02", "431002", "monitored", 3] == 3  # the control
    second = released(corrected, first)
    assert_hidden(*known_together(first, second))


def test_a_correction_to_a_small_figure_hides_what_has_changed_with_it() -> None:
    """A county's 7 was shown; corrected to 4, the unchanged neighbour is known from before."""
    first = released(month("2026-02", (7, 90), (40, 200)))
    assert first.hidden == set()
    corrected = month("2026-02", (4, 90), (40, 200))
    naive = Earlier("2026-02", corrected.figures, {("431002", "monitored"), ("431002", "others")})
    tables, hidden = known_together(first, naive)
    assert subtracted(tables, hidden)["2026-02", "431002", "monitored", 4] == 4  # the control
    second = released(corrected, first)
    assert ("431002", "all") in second.hidden  # 94: nobody has seen it
    assert_hidden(*known_together(first, second))


def test_a_figure_that_follows_from_what_was_shown_before_is_refused() -> None:
    tables = Tables({"a": 4, "b": 91, "all": 95}, [{"all": -1, "a": 1, "b": 1}], {"a": WIDE})
    assert hide(tables) >= {"a"}
    tables.known = {"b", "all"}
    with pytest.raises(ExtractRefused, match="cannot be hidden"):
        hide(tables)


def test_the_same_version_again_is_the_same() -> None:
    first = released(FEBRUARY)
    assert released(FEBRUARY, first).hidden == first.hidden
    assert released(FEBRUARY).hidden == first.hidden


@pytest.mark.parametrize(
    ("period", "before"), [("2026-02", "2026-01"), ("2026-01", "2025-12"), ("2026-12", "2026-11")]
)
def test_the_month_before(period: str, before: str) -> None:
    assert month_before(period) == before


# -- limits ------------------------------------------------------------------------------------


def test_nothing_to_hide_hides_nothing() -> None:
    assert hide(Tables()) == set()
    zeros = tables_of({(r, c): 0 for r in "xy" for c in "ab"})
    assert hide(zeros) == set()


@pytest.mark.parametrize(
    ("count", "is_hidden"), [(0, False), (1, True), (4, True), (5, False), (6, False)]
)
def test_counts_under_on_and_over_the_limit(count: int, is_hidden: bool) -> None:
    tables = tables_of(GRID | {("r1", "a"): count})
    hidden = hide(tables)
    assert (("r1", "a") in hidden) is is_hidden
    assert bool(hidden) is is_hidden


def test_a_single_figure_under_the_limit_is_hidden_alone() -> None:
    tables = Tables({"only": 4}, [], {"only": WIDE})
    assert hide(tables) == {"only"}
    assert interval(tables, {"only"}, "only") == (1, np.inf)


def test_the_whole_table_of_one_small_figure_is_hidden() -> None:
    tables = tables_of({("r1", "a"): 1})
    assert hide(tables) == set(tables.figures)


def test_a_sum_of_small_figures_that_is_on_the_limit_is_not_shown_with_them() -> None:
    """2 + 3 = 5: shown, the sum would bound both under the limit."""
    tables = tables_of({("r1", "a"): 2, ("r1", "b"): 3})
    hidden = hide(tables)
    assert ("r1", "T") in hidden
    assert_hidden(tables, hidden)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=4))
def test_no_attack_on_any_table_succeeds(counts: list[list[int]]) -> None:
    tables = tables_of({(f"r{i}", f"c{j}"): n for i, row in enumerate(counts)
                        for j, n in enumerate(row)})  # fmt: skip
    hidden = hide(tables)
    assert hidden == hide(tables)
    assert all(tables.figures[name] for name in hidden)
    assert_hidden(tables, hidden)

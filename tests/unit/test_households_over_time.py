"""Households that change: as simulated, and the figures of what was found of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from include.evaluation.households import KINDS, Change, compare, meets_target
from include.simulator import household_changes, moves
from include.simulator.areas import villages
from include.simulator.monitoring import MonthState
from include.simulator.months import month
from include.simulator.moves import ACROSS, MERGED, RENUMBERED, SPLIT
from include.simulator.profiles import PROFILES
from include.simulator.roster import ADDED, GONE
from include.simulator.village import VillageLife, VillageMonth

TINY = PROFILES["tiny"]
SEED = 20260101
PERIODS = [month(period) for period in ("2026-01", "2026-02", "2026-03")]
ALL = [village for here in villages(TINY).values() for village in here]
CHANGES = [
    (VillageLife(SEED, TINY, village, month("2025-12")), change)
    for village in ALL
    for change in moves.build(SEED, TINY, village).changes
    if change.when in PERIODS
]


def _members(here: VillageMonth, number: str) -> set[int]:
    rows = zip(here.roster.rows.tolist(), here.roster.status, strict=True)
    return {
        i
        for i, status in rows
        if status not in GONE and here.people.household_no[int(here.people.household[i])] == number
    }


def test_each_month_of_the_smallest_city_has_each_change() -> None:
    seen = Counter((change.when, change.kind) for _, change in CHANGES)
    assert {kind for _, kind in seen} == set(moves.RATES)
    assert sum(not seen[when, kind] for when in PERIODS for kind in moves.RATES) <= 1


def test_monitored_households_are_among_those_who_move_to_another_county() -> None:
    assert any(change.is_monitored for _, change in CHANGES if change.kind == ACROSS)


@pytest.mark.parametrize("kind", [SPLIT, MERGED, moves.MARRIED, RENUMBERED, ACROSS])
def test_people_go_from_one_number_to_the_other(kind: int) -> None:
    life, change = next((life, one) for life, one in CHANGES if one.kind == kind)
    before, here = life.at(change.when - 1), life.at(change.when)
    told = [
        one
        for one in household_changes.household_changes(here)
        if one[0] == household_changes.KINDS[kind]
    ]
    _, old, new, persons = told[0]
    went = _members(before, old) & _members(here, new)
    assert old != new and len(went) == persons > 0
    status = dict(zip(here.roster.rows.tolist(), here.roster.status, strict=True))
    if kind == RENUMBERED:
        assert not here.roster.farewells
    else:
        assert went <= {i for i, number in here.roster.farewells if number == old}
        assert {status[i] for i in went} == {ADDED}


def test_another_head_is_named_in_the_month_of_the_change() -> None:
    life, change = next((life, one) for life, one in CHANGES if one.kind == moves.OTHER_HEAD)
    number = life.people.household_no[change.household]
    told = {
        when: [
            one for one in household_changes.household_changes(life.at(when)) if one[1] == number
        ]
        for when in (change.when, change.when + 1)
    }
    assert told[change.when] == [(household_changes.OTHER_HEAD, number, number, 1)]
    assert told[change.when + 1] == []


def test_a_move_keeps_the_monitoring() -> None:
    life, change = next((life, one) for life, one in CHANGES if one.is_monitored)
    before, here = life.at(change.when - 1).state, life.at(change.when).state

    def told(state: MonthState) -> tuple[bool, int]:
        return bool(state.known[change.household]), int(state.started[change.household])

    assert told(before) == told(here)
    assert before.in_force[change.household]
    assert not here.is_new[change.household] and not here.is_relapsed[change.household]


def test_the_other_county_lists_a_household_that_lives_there() -> None:
    for life, change in CHANGES:
        if change.kind == ACROSS:
            assert change.place is not None and change.place.county != life.village.county
            for when in (change.when - 1, change.when):
                here = life.at(when)
                number = here.people.household_no[change.household]
                county = change.place.county if change.is_away(when) else life.village.county
                assert here.county_of(number) == county


def test_months_do_not_depend_on_each_other() -> None:
    life, change = CHANGES[0]
    fresh = replace(life)
    later = fresh.at(change.when)
    fresh.at(change.when - 1)
    again = life.at(change.when)
    assert later.roster.status == again.roster.status
    assert np.array_equal(later.people.household, again.people.household)
    assert later.people.household_no == again.people.household_no


def test_everybody_lives_in_one_household_that_is_there() -> None:
    for life, change in CHANGES[:10]:
        here = life.at(change.when)
        vacant = life.moves.vacant(change.when)
        assert not set(here.people.household[here.roster.rows].tolist()) & vacant
        assert len(set(here.roster.rows.tolist())) == len(here.roster.rows)


def _change(kind: str, number: int) -> Change:
    return kind, "2026-02", f"old {number}", f"new {number}"


def test_figures_by_kind() -> None:
    true = {_change("split", 1), _change("split", 2), _change("moved", 1)}
    told = {_change("split", 1), _change("moved", 1), _change("merged", 1)}
    figures = {one.kind: one for one in compare(true, told)}
    assert tuple(figures) == KINDS
    split, merged, moved = (figures[kind] for kind in ("split", "merged", "moved"))
    assert (split.expected, split.found, split.missed, split.extra) == (2, 1, 1, 0)
    assert (merged.expected, merged.found, merged.missed, merged.extra) == (0, 1, 0, 1)
    assert (moved.expected, moved.found, moved.missed, moved.extra) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("missed", "extra", "is_met"), [(0, 0, True), (1, 1, True), (2, 0, False), (0, 2, False)]
)
def test_the_target_on_and_over(missed: int, extra: int, is_met: bool) -> None:
    true = {_change("split", n) for n in range(20)}
    told = {_change("split", n) for n in range(missed, 20)}
    told |= {_change("split", 100 + n) for n in range(extra)}
    assert meets_target(compare(true, told)) is is_met


def test_nothing_changed_and_nothing_found() -> None:
    assert meets_target(compare(set(), set()))

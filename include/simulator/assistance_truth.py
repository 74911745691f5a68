"""What is true of the civil-affairs rules' metrics, from the village's own state.

Persons and households are those the county lists in the month, whether or not it wrote their
numbers so that they can be found: what a number hides is for the evaluation to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from include.simulator import civil_affairs, disability, low_income, orphans
from include.simulator.low_income import EDGE, RIGID
from include.simulator.months import month_of
from include.simulator.roster import GONE
from include.simulator.village import VillageLife, VillageMonth

Metric = tuple[str, str, str, str]


def metrics(month: VillageMonth) -> Iterator[Metric]:
    """(subject, id, metric, value) of what is not nothing at the month's end."""
    yield from _of_households(month)
    yield from _of_persons(month)


def helped(month: VillageMonth) -> tuple[set[int], set[int]]:
    """Households, by position, of which somebody whom the county lists is covered by a certificate
    in force; and of which somebody is in full support. What the dead get is none of theirs.
    """
    before, now, welfare = month.life.people, month.people, month.life.welfare
    in_force = welfare.in_force(month.period)
    allowed, supported = set(), set()
    for i in _listed(month):
        granted = int(before.household[i])  # a certificate keeps its members
        if in_force[granted] and welfare.covered[i]:
            allowed.add(int(now.household[i]))
        first = int(np.flatnonzero(before.household == granted)[0])
        if i == first and welfare.tekun_start[granted] <= month.period:
            supported.add(int(now.household[i]))
    return allowed, supported


def _of_households(month: VillageMonth) -> Iterator[Metric]:
    life, period = month.life, month.period
    numbers, welfare = month.people.household_no, life.welfare
    for name, months in (
        ("dibao_started", welfare.dibao_start),
        ("dibao_ended", welfare.dibao_end),
    ):
        for h in np.flatnonzero(months == period).tolist():
            yield "household", numbers[h], name, "1"
    for one in low_income.recognitions(life):
        if month_of(one.recognised) == period and one.layer in (EDGE, RIGID):
            name = "low_income_edge_started" if one.layer == EDGE else "rigid_expense_started"
            yield "household", numbers[one.household], name, "1"
    for h, fen in civil_affairs.paid_to_the_dead(life, period):
        yield "household", numbers[h], "deceased_paid_amt", f"{fen / 100:.2f}"
    holders = Counter(
        int(month.people.household[i]) for i in _certified(life, period) if i in _listed(month)
    )
    for h, count in sorted(holders.items()):
        yield "household", numbers[h], "disabled_members", f"{count}"


def _of_persons(month: VillageMonth) -> Iterator[Metric]:
    life, period = month.life, month.period
    people, welfare, listed = life.people, life.welfare, _listed(month)
    for h in np.flatnonzero(welfare.tekun_start <= period).tolist():
        i = int(np.flatnonzero(people.household == h)[0])
        if i not in listed:
            continue
        if welfare.tekun_start[h] == period:
            yield "person", people.person_id[i], "tekun_started", "1"
        if welfare.in_force(period)[h] and i in civil_affairs.counted(life, h, i):
            yield "person", people.person_id[i], "dibao_and_tekun", "1"
    grants = Counter(
        i for when in range(period - 11, period + 1) for i in _granted(life, when) if i in listed
    )
    for i, count in sorted(grants.items()):
        yield "person", people.person_id[i], "temp_aid_12m_count", f"{count}"
    for support in orphans.supports(life):
        if support.start == period and support.child in listed:
            yield "person", people.person_id[support.child], "orphan_started", "1"
    for one in disability.certificates(life):
        if month_of(one.issued) == period and one.person in listed:
            yield "person", people.person_id[one.person], "new_disability_grade", one.grade


def _certified(life: VillageLife, period: int) -> list[int]:
    return [one.person for one in disability.certificates(life) if one.in_force(period)]


def _listed(month: VillageMonth) -> set[int]:
    """Whom the county lists as living in the household."""
    rows = zip(month.roster.rows.tolist(), month.roster.status, strict=True)
    return {i for i, status in rows if status not in GONE}


@lru_cache(maxsize=64)
def _granted(life: VillageLife, when: int) -> tuple[int, ...]:
    return tuple(i for i, _, _ in civil_affairs.aid(life, when))

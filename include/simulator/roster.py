"""A month's family lists: who is listed, in which state, and related to the head how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator.moves import ACROSS, OTHER_HEAD
from include.simulator.population import (
    CHILD,
    FATHER,
    GRANDCHILD,
    HEAD,
    MOTHER,
    SON,
    SONS_WIFE,
    SPOUSE,
    Population,
)
from include.simulator.randomness import Flags, Ints

NORMAL, ADDED, DIED, LESSENED, MOVED = "正常", "新增", "死亡", "自然减少", "迁出"
GONE = frozenset({DIED, LESSENED, MOVED})

_OTHER = "99"
_RELATIONS: dict[tuple[int, int], dict[int, tuple[str, str]]] = {
    # (role of the head, sex of the head) -> role of the other -> (code if male, code if female)
    (HEAD, 0): {
        HEAD: ("01", "01"), SPOUSE: ("02", "02"), FATHER: ("11", "11"), MOTHER: ("12", "12"),
        CHILD: ("03", "04"), SON: ("03", "03"), SONS_WIFE: ("05", "05"), GRANDCHILD: ("07", "08"),
    },
    (SPOUSE, 2): {
        HEAD: ("02", "02"), SPOUSE: ("01", "01"), FATHER: ("15", "15"), MOTHER: ("16", "16"),
        CHILD: ("03", "04"), SON: ("03", "03"), SONS_WIFE: ("05", "05"), GRANDCHILD: ("07", "08"),
    },
    (SPOUSE, 1): {
        HEAD: ("02", "02"), SPOUSE: ("01", "01"), FATHER: ("13", "13"), MOTHER: ("14", "14"),
        CHILD: ("03", "04"), SON: ("03", "03"), SONS_WIFE: ("05", "05"), GRANDCHILD: ("07", "08"),
    },
    (SON, 1): {
        HEAD: ("11", "12"), SPOUSE: ("11", "12"), FATHER: ("17", "17"), MOTHER: ("18", "18"),
        CHILD: (_OTHER, _OTHER), SON: ("01", "01"), SONS_WIFE: ("02", "02"),
        GRANDCHILD: ("03", "04"),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Roster:
    """One village in one month.

    ``rows`` are positions in the population's person arrays, in the order of the county's file;
    ``status`` and ``relation`` go with them; households are those of ``Population.at``.
    ``farewells`` are (person, household number) of those who live on elsewhere since this month:
    the household they left, or its former number, says so once. ``members`` counts, per household,
    listed people who are neither dead nor gone as far as the county knows.
    """

    period: int
    rows: Ints
    status: list[str]
    relation: list[str]
    farewells: list[tuple[int, str]]
    late_deaths: Flags
    """Per row: dead, but still listed as alive (D08)."""
    members: Ints
    head: Ints
    """Per household: the head's position in the person arrays."""


def roster(people: Population, period: int) -> Roster:
    """The family lists of the month ``period``."""
    before, people = people.at(period - 1), people.at(period)
    listed = (
        people.born(period)
        & (people.listed_from <= period)
        & (people.death_listed >= period)
        & (people.moved >= period)
    )
    gone = listed & ((people.death_listed == period) | (people.moved == period))
    present = listed & ~gone
    head = _heads(people, present, period)
    rows = np.flatnonzero(listed)
    farewells = _farewells(before, people, present, period)
    arrived = {i for i, _ in farewells}
    members = np.bincount(people.household[present], minlength=people.households)
    status, relation = [], []
    for i in rows.tolist():
        status.append(ADDED if i in arrived else _status(people, i, period))
        chief = int(head[people.household[i]])
        chief_role, chief_sex = int(people.role[chief]), int(people.sex[chief])
        table = _RELATIONS[chief_role, 0 if chief_role == HEAD else chief_sex]
        relation.append(table[int(people.role[i])][int(people.sex[i]) - 1])
    return Roster(
        period=period,
        rows=rows,
        status=status,
        relation=relation,
        farewells=farewells,
        late_deaths=people.dead(period)[rows] & (people.death_listed[rows] > period),
        members=members.astype(np.int64),
        head=head,
    )


def _heads(people: Population, present: Flags, period: int) -> Ints:
    head = np.full(people.households, -1, dtype=np.int64)
    for which in (SON, SPOUSE, HEAD):  # the last one present wins
        found = np.flatnonzero(present & (people.role == which))
        head[people.household[found]] = found
    for change in people.moves.of(OTHER_HEAD):
        here = present & (people.household == change.household) & (people.role == SPOUSE)
        if period >= change.when and here.any():
            head[change.household] = np.flatnonzero(here)[0]
    return head


def _farewells(
    before: Population, now: Population, present: Flags, period: int
) -> list[tuple[int, str]]:
    """(person, former household number) of those present who came from elsewhere this month."""
    leaves = before.household != now.household
    gone = [change.household for change in now.moves.of(ACROSS) if change.when == period]
    leaves |= np.isin(now.household, gone)
    was_listed = now.born(period - 1) & (now.listed_from < period)
    return [
        (i, before.household_no[int(before.household[i])])
        for i in np.flatnonzero(leaves & present & was_listed).tolist()
    ]


def _status(people: Population, i: int, period: int) -> str:
    if people.death_listed[i] == period:
        return LESSENED if i % 4 == 0 else DIED
    if people.moved[i] == period:
        return MOVED
    return ADDED if people.listed_from[i] == period else NORMAL

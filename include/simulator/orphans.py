"""M8 orphans (孤儿) and children whom in fact nobody cares for (事实无人抚养儿童)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from include.simulator import appointed, slips
from include.simulator.months import NEVER, epoch_day, first_day, month, month_of, ym
from include.simulator.population import CHILD, GRANDCHILD, HEAD, SON, SONS_WIFE, SPOUSE
from include.simulator.randomness import stream
from include.simulator.roster import roster
from include.simulator.spreadsheets import money
from include.simulator.village import VillageLife

ORPHAN, UNCARED = "孤儿", "事实无人抚养儿童"
_AMOUNT = 1_100_00
"""Fen per month."""
_SHARE = 0.004
_OVERLOOKED = month("2024-09")
"""First month of support that goes on after the child's death."""
_PARENTS = {CHILD: (HEAD, SPOUSE), GRANDCHILD: (SON, SONS_WIFE)}


@dataclass(frozen=True)
class Support:
    """A child's support. Months; ``end`` is the first without it."""

    child: int
    start: int
    end: int


def supports(life: VillageLife) -> list[Support]:
    """All children of a village who ever get support, by position."""
    people = life.people
    random = stream(life.seed, "orphans", life.village.index)
    draws, ages = random.random(len(people.role)), random.integers(8, 192, len(people.role))
    starts: dict[int, int] = {}
    for when in appointed.turns(life.village, appointed.ORPHAN):
        if pool := appointed.children(people, when, list(starts)):
            starts[pool[0]] = when
    is_child = np.isin(people.role, (CHILD, GRANDCHILD))
    for i in np.flatnonzero(is_child & (draws < _SHARE)).tolist():
        start = month_of(int(people.birth[i])) + int(ages[i])
        if i not in starts and month("2012-01") <= start < month("2028-01"):
            starts[i] = start
    overlooked = slips.overlooked_child(people)
    if overlooked is not None:
        starts[overlooked] = _OVERLOOKED
    found = []
    for i, start in sorted(starts.items()):
        adult = month_of(int(people.birth[i])) + 18 * 12
        is_known_dead = people.death[i] < NEVER and i != overlooked
        dead = month_of(int(people.death[i])) + 2 if is_known_dead else NEVER
        if start < min(adult, dead):
            found.append(Support(i, start, min(adult, dead)))
    return found


def records(life: VillageLife, last: int) -> Iterator[tuple[str, dict[str, str]]]:
    """(table, record) of what is known after the month ``last``."""
    people = life.people
    heads = roster(people, last).head
    for one in supports(life):
        if one.start > last:
            continue
        ended = one.end if one.end <= last else NEVER
        changed = ended if ended < NEVER else one.start
        yield (
            "mz_orphan",
            {
                "id_no": people.person_id[one.child],
                "name": people.name[one.child],
                "county_code": life.village.county.code,
                "orphan_kind": _kind(life, one),
                "guardian_name": people.name[int(heads[people.household[one.child]])],
                "amount_m": money(_AMOUNT),
                "start_ym": ym(one.start),
                "end_ym": ym(ended),
                "updated_at": f"{first_day(changed).replace(day=6)} 10:00:00+08",
            },
        )


def _kind(life: VillageLife, one: Support) -> str:
    """Without living parents an orphan; else the parents are there on paper only."""
    people = life.people
    home = people.household == people.household[one.child]
    parents = home & np.isin(people.role, _PARENTS[int(people.role[one.child])])
    living = parents & (people.death >= epoch_day(one.start))
    return UNCARED if living.any() else ORPHAN

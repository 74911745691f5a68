"""Who is appointed for what, so that each month of the city has each rare situation once.

By chance alone the smallest profile would have months without a child who loses his carers or an
allowance that outlives its only member. The counties take turns month by month, and within a county
its villages; a larger profile therefore has no more of these than a small one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator.areas import Village
from include.simulator.defects import UNUSABLE
from include.simulator.months import NEVER, epoch_day, month, month_of
from include.simulator.population import CHILD, GRANDCHILD, HEAD, Population
from include.simulator.randomness import Flags, stream

(
    DIBAO_STARTS, DIBAO_AND_TEKUN, TEKUN_STARTS, REPEATED_AID, EDGE, RIGID, SEVERE, MODERATE,
    ORPHAN,
) = range(9)  # fmt: skip
"""What a turn is for; each purpose is with another county in the same month."""

_FIRST, _LAST = month("2024-01"), month("2027-12")
_OUTLIVED_SHARE, _OUTLIVED_VILLAGES = 0.7, 4
"""Share of deaths, in a county of at most so many villages; more villages share as many cases."""


@dataclass(frozen=True)
class Allowances:
    """Appointments of one village: (household, month) each."""

    starts: list[tuple[int, int]]
    """Minimum living allowance from the month on, for all members."""
    doubled: list[tuple[int, int]]
    """Allowance for the month and the next, to one who has full support since three months."""
    converted: list[tuple[int, int]]
    """Full support from the month on, and the allowance ends as it should: the near-miss."""
    outlived: list[tuple[int, int]]
    """(person, month): the only covered member dies in the month, and payments go on."""


def turns(village: Village, purpose: int) -> list[int]:
    """The months in which a village is to have one case of ``purpose``."""
    shifted = ((when, when + 3 * purpose) for when in range(_FIRST, _LAST + 1))
    return [
        when
        for when, turn in shifted
        if turn % 11 == village.county.position
        and turn // 11 % village.neighbours == village.position
    ]


def on_file(people: Population) -> Flags:
    """Per person: stays all the time and has a number that leads to him."""
    lost = np.array([defect in UNUSABLE for defect in people.cert_defect])
    flags: Flags = (people.death == NEVER) & (people.moved == NEVER) & ~lost
    return flags


def allowances(seed: int, people: Population, free: Flags) -> Allowances:
    """Appointments among the households ``free`` of any allowance; no household has two."""
    village = people.village
    sizes = np.bincount(people.household, minlength=people.households)
    heads = people.household[(people.role == HEAD) & on_file(people)]
    steady = np.isin(np.arange(people.households), heads) & free
    alone = np.flatnonzero(steady & (sizes == 1)).tolist()
    families = np.flatnonzero(steady & (sizes > 1)).tolist()

    def take(pool: list[int], purpose: int) -> list[tuple[int, int]]:
        return [(pool.pop(0), when) for when in turns(village, purpose) if pool]

    doubled, converted = take(alone, DIBAO_AND_TEKUN), take(alone, TEKUN_STARTS)
    starts = take(families, DIBAO_STARTS)
    draws = stream(seed, "paid after death", village.index).random(len(people.role))
    share = _OUTLIVED_SHARE * min(1.0, _OUTLIVED_VILLAGES / village.neighbours)
    outlived, left = [], set(families)
    for i in np.flatnonzero((people.death < NEVER) & (draws < share)).tolist():
        home = int(people.household[i])
        if home in left:
            left.remove(home)
            outlived.append((i, month_of(int(people.death[i]))))
    return Allowances(starts, doubled, converted, outlived)


def aided(people: Population) -> dict[int, list[int]]:
    """Month -> persons who get temporary aid then, whatever chance gives others.

    Per turn one person has his second grant within twelve months, the first five months before;
    another's earlier grant is thirteen months old by the counting of months, so it counts no more.
    """
    adults = np.flatnonzero((people.role == HEAD) & on_file(people)).tolist()
    grants: dict[int, list[int]] = {}
    for when in turns(people.village, REPEATED_AID):
        for earlier in (when - 5, when - 12):
            if adults:
                person = adults.pop(0)
                grants.setdefault(earlier, []).append(person)
                grants.setdefault(when, []).append(person)
    return grants


def children(people: Population, when: int, taken: list[int]) -> list[int]:
    """Who is between six months and sixteen years old, on file, and not ``taken``."""
    fits = (people.birth < epoch_day(when - 6)) & (people.birth > epoch_day(when - 16 * 12))
    listed = (people.listed_from < when) & np.isin(people.role, (CHILD, GRANDCHILD))
    found = np.flatnonzero(fits & listed & on_file(people)).tolist()
    return [i for i in found if i not in taken]

"""Young women whom a household in another county lists as new members (D06, across counties).

They belong to their own county's household, which lists them still. In the second village of each
county one household claims somebody from the county before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from include.simulator import appointed
from include.simulator.areas import County, Village, counties, villages
from include.simulator.months import month
from include.simulator.population import CHILD, Population

if TYPE_CHECKING:
    from include.simulator.village import VillageLife

_POSITION = 1
"""Of the claiming village within its county."""
_TODAY, _OLDEST = month("2026-01"), 40
_YOUNGEST = 30
"""Who is younger may be claimed within her own village: nobody is listed three times."""


@dataclass(frozen=True)
class Claim:
    """A woman of another county; ``people`` and ``person`` say who, the rest where she lives."""

    people: Population
    person: int
    county: County
    claimed_by: int
    """The household here, by position."""

    @property
    def person_id(self) -> str:
        """Her number."""
        return self.people.person_id[self.person]

    @property
    def household_no(self) -> str:
        """Her own household's."""
        return self.people.household_no[int(self.people.household[self.person])]


@lru_cache(maxsize=2)
def claims(life: VillageLife) -> tuple[Claim, ...]:
    """Whom the village's households claim from another county, in every month."""
    if life.village.position != _POSITION or life.village.households < 2:
        return ()
    county = counties()[life.village.county.position - 1]
    found = (_out_of(life, village) for village in villages(life.profile)[county.code])
    return tuple(islice((claim for claim in found if claim), 1))


def _out_of(life: VillageLife, village: Village) -> Claim | None:
    people = type(life)(life.seed, life.profile, village, life.since).people
    is_daughter = (people.role == CHILD) & (people.sex == 2) & appointed.on_file(people)
    ages = people.age(_TODAY)
    fits = is_daughter & (ages >= _YOUNGEST) & (ages < _OLDEST)
    fits &= ~np.isin(people.household, people.moves.changed)
    return Claim(people, int(fits.argmax()), village.county, 1) if fits.any() else None

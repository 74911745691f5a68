"""Certificates of death (H8) and birth (H9): the people of ``population.py``, by the health side.

A child that dies within days of its birth has a certificate and is in no county's list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.simulator import burdens
from include.simulator.months import date_of, epoch_day
from include.simulator.population import CHILD, DEATHS_FROM, HEAD, SONS_WIFE, SPOUSE
from include.simulator.randomness import pick, stream

if TYPE_CHECKING:
    from include.simulator.village import VillageLife

Record = dict[str, str]
_CERTIFIED = 0.97
_LATE = 0.10
"""Share of certificates that come a month late."""
_DEFECTS = 0.05
_CAUSES = (
    ("I63.900", 20), ("I25.900", 18), ("J44.900", 14), ("C34.900", 8), ("I61.900", 8),
    ("I21.900", 8), ("I50.900", 6), ("C22.000", 5), ("C16.900", 4), ("J18.900", 4), ("R54.x00", 5),
)  # fmt: skip


@dataclass(frozen=True)
class Birth:
    """A birth. ``child`` is a position in the population, -1 for one that did not live."""

    child: int
    mother: int
    day: int
    sex: int
    has_defect: bool
    reported: int


def certified(life: VillageLife, when: int) -> list[tuple[int, int]]:
    """(person, month of report) of those who died in the month and have a certificate."""
    people = life.people
    here = np.flatnonzero((people.death >= epoch_day(when)) & people.dead(when))
    draws = stream(life.seed, "death certificates", life.village.index).random(
        (len(people.role), 2)
    )
    return [(i, when + int(draws[i, 1] < _LATE)) for i in here.tolist() if draws[i, 0] < _CERTIFIED]


def known_dead(life: VillageLife, when: int) -> set[int]:
    """Persons with a certificate that the sources have delivered by the month."""
    return {
        i
        for died in range(max(life.since - 1, DEATHS_FROM), when + 1)
        for i, reported in certified(life, died)
        if life.since <= reported <= when
    }


def deaths(life: VillageLife, when: int) -> Iterator[Record]:
    """H8 records of the month."""
    people = life.people
    causes = pick(
        stream(life.seed, "causes of death", life.village.index).random(len(people.role)),
        [weight for _, weight in _CAUSES],
    )
    for died in (when - 1, when):
        for i, reported in certified(life, died):
            if reported == when:
                yield {
                    "record_id": f"DC{life.village.index:04d}{i:06d}",
                    "certno": people.person_id[i],
                    "psn_name": people.name[i],
                    "admdvs": life.county_code(i, when),
                    "died_on": f"{date_of(int(people.death[i]))}",
                    "cause_code": _CAUSES[int(causes[i])][0],
                }


def births_reported(life: VillageLife, when: int) -> Iterator[Birth]:
    """Births whose certificate is reported in the month."""
    for born in (when - 1, when):
        yield from (birth for birth in _births(life, born) if birth.reported == when)


def births(life: VillageLife, when: int) -> Iterator[Record]:
    """H9 records of the month."""
    people = life.people
    for birth in births_reported(life, when):
        mother = birth.mother
        name = people.name[birth.child] if birth.child >= 0 else f"{people.name[mother]}之子女"
        yield {
            "record_id": f"BC{life.village.index:04d}{birth.day:06d}{mother:06d}{birth.sex}",
            "child_name": name,
            "child_sex": f"{birth.sex}",
            "birth_date": f"{date_of(birth.day)}",
            "mother_certno": people.person_id[mother],
            "admdvs": life.county_code(mother, when),
            "birth_defect": "1" if birth.has_defect else "0",
        }


def _births(life: VillageLife, born: int) -> Iterator[Birth]:
    people = life.people
    here = np.flatnonzero((people.birth >= epoch_day(born)) & people.born(born)).tolist()
    random = stream(life.seed, "births", life.village.index, born)
    draws = random.random((len(people.role), 2))
    for i in here:
        mother = _mother(life, i)
        if mother is not None:
            yield Birth(
                i, mother, int(people.birth[i]), int(people.sex[i]),
                bool(draws[i, 0] < _DEFECTS), born + int(draws[i, 1] < _LATE),
            )  # fmt: skip
    # The appointed villages: a child with a defect that lives some days, and one without.
    if burdens.appointed(life, born):
        ages, dead = people.age(born), people.dead(born)
        able = [
            i
            for i in np.flatnonzero((people.sex == 2) & (ages >= 20) & (ages <= 42)).tolist()
            if not dead[i] and people.role[i] in (HEAD, SPOUSE, SONS_WIFE)
        ]
        for n, mother in enumerate(able[:2]):
            yield Birth(-1, mother, epoch_day(born) + 5 + n, 1 + n, n == 0, born)


def _mother(life: VillageLife, child: int) -> int | None:
    """The mother in the same household; None where she is elsewhere."""
    people = life.people
    roles = (HEAD, SPOUSE) if people.role[child] == CHILD else (SONS_WIFE,)
    home = np.flatnonzero(
        (people.household == people.household[child])
        & (people.sex == 2)
        & np.isin(people.role, roles)
    ).tolist()
    return home[0] if home else None

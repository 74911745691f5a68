"""How identifiers are written, month by month, and who is listed twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from include.simulator.defects import RATES, departments_certificate, newborn_certificate
from include.simulator.population import CHILD, DEATHS_FROM, Population
from include.simulator.randomness import stream
from include.simulator.roster import NORMAL
from include.simulator.village import VillageLife, VillageMonth


def certificate(month: VillageMonth, i: int) -> tuple[str, str, str]:
    """(cert_type, cert_no, defect code or empty) of a person as the county writes it this month.

    A child is listed without its ID for one to six months after it was first listed, at times.
    """
    life = month.life
    people = life.people
    if DEATHS_FROM <= people.listed_from[i] <= month.period:
        draws = stream(life.seed, "newborn ID", life.village.index, i).random(2)
        waits = 1 + int(draws[1] * 6)
        if draws[0] < RATES["D04 newborn"] and month.period < people.listed_from[i] + waits:
            return *newborn_certificate(float(draws[0])), "D04"
    return people.cert_type[i], people.cert_no[i], people.cert_defect[i]


def claimed_twice(month: VillageMonth) -> Iterator[tuple[int, int]]:
    """(person, household) of young women whom the next household lists as new members (D06).

    Their own household lists them still and has reported no move: they belong there.
    """
    life, people = month.life, month.people
    draws = stream(life.seed, "claimed twice", life.village.index).random(len(people.role))
    ages = people.age(month.period)
    steady = set(range(people.households)) - set(life.moves.changed)
    for i, status in zip(month.roster.rows.tolist(), month.roster.status, strict=True):
        is_daughter = people.role[i] == CHILD and people.sex[i] == 2 and 20 <= ages[i] < 30
        home = int(people.household[i])
        following = (home + 1) % people.households
        if not is_daughter or status != NORMAL or following == home:
            continue
        if draws[i] < RATES["D06"] and {home, following} <= steady:
            yield i, following


def certificate_is_lost(people: Population, i: int) -> bool:
    """Whether the county knows a person by a number that the departments do not know (D07)."""
    return people.cert_defect[i] == "D07"


def insured_ids(life: VillageLife) -> list[str]:
    """Per person the ID as the health-insurance system has it, mistyped or blank at times."""
    return _as_kept("insurance", life.seed, life.village.index, tuple(life.people.person_id))


def assisted_ids(life: VillageLife) -> list[str]:
    """Per person the ID as civil affairs has it, mistyped at times, but no blank in a key."""
    return [
        kept or true_id
        for kept, true_id in zip(
            _as_kept("civil affairs", life.seed, life.village.index, tuple(life.people.person_id)),
            life.people.person_id,
            strict=True,
        )
    ]


@lru_cache(maxsize=4)
def _as_kept(system: str, seed: int, village: int, person_ids: tuple[str, ...]) -> list[str]:
    draws = stream(seed, f"IDs of {system}", village).random((len(person_ids), 2))
    return [
        departments_certificate(true_id, row)[0]
        for true_id, row in zip(person_ids, draws, strict=True)
    ]

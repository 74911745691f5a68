"""Appointed cases on and beside the thresholds of the medical rules.

By chance alone the smallest profile would have none of a rare case in most months. So in every
month some villages have people who pay exactly a threshold, just less, or just more, whose
insurance begins on the last day or ended the day before, or who fall ill on either side of what
still counts as new. Nobody appointed has other settlements that year until then.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from include.settings import PROJECT_ROOT
from include.simulator.areas import Village
from include.simulator.identity import insured_ids
from include.simulator.months import month
from include.simulator.roster import GONE, roster

if TYPE_CHECKING:
    from include.simulator.village import VillageLife

_EVERY = 4
"""A county has a turn every so many months; its villages take turns among themselves."""
_FIRST, _LAST = month("2024-01"), month("2027-12")
_ADULT = 18

BEGINS_TODAY, ENDED_YESTERDAY, PAUSED_BESIDE, FALLS_ILL, ILL_IN_MIND, LATE, TOO_LATE = range(7)
"""What befalls a person at the end of the appointed month: insurance begins on its last day; ended
the day before; is paused in one scheme and in force in another; illness confirmed in the month;
severe mental illness; confirmed on the first day that still counts; on the day before that."""


@dataclass(frozen=True)
class Bill:
    """One settlement to the cent (fen): what the patient pays, the bill, its part off the list."""

    own: int
    total: int
    outside: int
    med_type: str


@dataclass(frozen=True)
class Appointed:
    """Persons of a village (positions) with what is to happen to them in the month."""

    month: int
    bills: dict[int, Bill]
    events: dict[int, int]


def turns(village: Village) -> Iterator[int]:
    """The village's appointed months."""
    for when in range(_FIRST, _LAST + 1):
        is_county_turn = when % _EVERY == village.county.position % _EVERY
        if is_county_turn and when // _EVERY % village.neighbours == village.position:
            yield when


@lru_cache(maxsize=64)
def appointed(life: VillageLife, when: int) -> Appointed | None:
    """What is appointed for the village's month; None if it is not the village's turn."""
    if when not in turns(life.village):
        return None
    ex_poor, helped, other = _candidates(life, when)
    bills: dict[int, Bill] = {}
    events: dict[int, int] = {}

    def take(*groups: list[int]) -> int | None:
        for group in groups:
            for i in group:
                if i not in bills and i not in events:
                    return i
        return None

    half, whole = rural_income(when // 12 - 1) // 2, rural_income(when // 12 - 1)
    to_helped = (
        _inpatient(500_000), _inpatient(499_999),
        _outpatient(50_000, "14"), _outpatient(49_999, "11"),
    )  # fmt: skip
    to_other = (
        _inpatient(2_000_000), _inpatient(1_999_999), _inpatient(whole + 1), _inpatient(whole),
        Bill(240_000, 600_000, 180_001, "21"), Bill(240_000, 600_000, 180_000, "21"),
    )  # fmt: skip
    for groups, wanted in (
        ((ex_poor,), (_inpatient(half + 1), _inpatient(half))),
        ((helped, ex_poor), to_helped),
        ((other,), to_other),
    ):
        for bill in wanted:
            if (i := take(*groups)) is not None:
                bills[i] = bill
    for event in (ENDED_YESTERDAY, BEGINS_TODAY):
        if (i := take(helped, ex_poor)) is not None:
            events[i] = event
    for event in (PAUSED_BESIDE, FALLS_ILL, ILL_IN_MIND, LATE, TOO_LATE):
        if (i := take(other, helped)) is not None:
            events[i] = event
    return Appointed(when, bills, events)


def kept_apart(life: VillageLife, when: int) -> list[int]:
    """Persons who have no settlements in ``when`` but the appointed ones."""
    year = when // 12
    return sorted(
        i
        for turn in turns(life.village)
        if turn // 12 == year and turn >= when
        for case in [appointed(life, turn)]
        if case
        for i in case.bills
    )


def coverage(life: VillageLife, when: int) -> dict[int, tuple[int, int]]:
    """Person -> (event, its month) for the insurance of the year of ``when``."""
    return {
        i: (event, turn)
        for turn in turns(life.village)
        if turn // 12 == when // 12
        for case in [appointed(life, turn)]
        if case
        for i, event in case.events.items()
        if event in (BEGINS_TODAY, ENDED_YESTERDAY, PAUSED_BESIDE)
    }


@cache
def rural_income(year: int) -> int:
    """Rural disposable income per head in fen, of the last year on record up to ``year``."""
    path = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_rural_income.csv"
    with path.open(encoding="utf-8", newline="") as file:
        known = {int(r["year"]): int(float(r["yuan_pp"])) * 100 for r in csv.DictReader(file)}
    return known[max((y for y in known if y <= year), default=min(known))]


def _candidates(life: VillageLife, when: int) -> tuple[list[int], list[int], list[int]]:
    """Adults on file: of formerly poor households, of others that are monitored, of the rest."""
    people, ages = life.people.at(when), life.people.age(when)
    state, listed = life.monitoring.at(when), roster(life.people, when)
    groups: tuple[list[int], list[int], list[int]] = ([], [], [])
    dead = people.dead(when)
    for i, status in zip(listed.rows.tolist(), listed.status, strict=True):
        home = int(people.household[i])
        is_found = _is_known_to_both(life, i)
        if status in GONE or dead[i] or ages[i] < _ADULT or not is_found:
            continue
        if life.monitoring.ex_poor[home]:
            groups[0].append(i)
        else:
            groups[1 if state.in_force[home] else 2].append(i)
    return groups


def _is_known_to_both(life: VillageLife, i: int) -> bool:
    """Whether county and insurance both know the person by the same valid number."""
    people = life.people
    is_known = people.cert_defect[i] not in ("D04", "D07")
    return is_known and insured_ids(life)[i] == people.person_id[i]


def _inpatient(own: int) -> Bill:
    return Bill(own, 2 * own, own // 5, "21")


def _outpatient(own: int, med_type: str) -> Bill:
    return Bill(own, 2 * own, own // 10, med_type)

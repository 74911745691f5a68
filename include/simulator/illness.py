"""Registers of illness: chronic (H3), medical aid (H4), major (H5), contracts (H6), follow-up (H7).

Who is ill with what is drawn once per village; the registers of a month are read from it. What
the health commission reports (H5) may come months late, and comes again when treatment begins.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from include.simulator import burdens
from include.simulator.months import date_of, epoch_day, month
from include.simulator.naming import DATA
from include.simulator.randomness import Ints, pick, stream
from include.simulator.settlements import chronic_diagnoses, settled, uploaded
from include.simulator.spreadsheets import money

if TYPE_CHECKING:
    from include.simulator.village import VillageLife

Record = dict[str, str]
MENTAL = "29"
"""The one disease of the list that is a severe mental illness."""
LATE_NOTICE = 3
"""Months back of which a case still counts as new when it is reported."""
_KINDS = {"I10": "1", "E11": "2", "A16": "3", "F20": "4"}
"""Illnesses a family doctor follows up: hypertension, diabetes, tuberculosis, severe mental."""
_FIRST, _LAST = month("2015-01"), month("2027-12")
_MONTHLY_CASES = 0.0005
_LAGS = (85, 9, 4, 2)
_ONE_STOP, _TILTED = "1", "3"


@dataclass(frozen=True)
class Chronic:
    """Per person: position in the list of chronic diagnoses (-1 none), first and last day."""

    illness: Ints
    begins: Ints
    ends: Ints
    is_signed: Ints
    """1 where a family doctor has the person under contract."""


@dataclass(frozen=True)
class Case:
    """A confirmed major disease. Days; ``reported`` is the month of the first report."""

    person: int
    number: int
    category: str
    code: str
    name: str
    confirmed: int
    reported: int

    def first_delivered(self, since: int) -> int:
        """Month in which the warehouse can first know of it; deliveries begin with ``since``."""
        return self.reported if self.reported >= since else self.reported + 1


@lru_cache(maxsize=8)
def chronic(life: VillageLife) -> Chronic:
    """The village's chronically ill."""
    people = life.people
    random, count = stream(life.seed, "chronic", people.village.index), len(people.role)
    weights = [float(row["weight"]) for row in chronic_diagnoses()]
    illness = pick(random.random(count), weights)
    begins = random.integers(_FIRST, _LAST, count)
    days = np.array([epoch_day(int(m)) for m in begins]) + random.integers(0, 28, count)
    length = random.integers(400, 2_000, count)
    ends = random.random(count) < 0.08
    ill = np.isin(people.health, (2, 3)) & (people.age(_LAST) >= 25)
    return Chronic(
        illness=np.where(ill, illness, -1),
        begins=days,
        ends=np.where(ends, days + length, 10**6),
        is_signed=(random.random(count) < 0.9).astype(np.int64),
    )


def chronic_register(life: VillageLife, when: int) -> Iterator[Record]:
    """H3 records in force in the month."""
    register, people = chronic(life), life.people
    for i, row in _ill(life, when):
        ends = int(register.ends[i])
        yield {
            "psn_no": f"431000{life.village.index:04d}{i:06d}",
            "certno": people.person_id[i],
            "psn_name": people.name[i],
            "insuplc_admdvs": life.county_code(i, when),
            "dise_code": row["code"],
            "dise_name": row["name_zh"],
            "begndate": f"{date_of(int(register.begins[i]))}",
            "enddate": f"{date_of(ends)}" if ends < 10**6 else "",
        }


def contracts(life: VillageLife, when: int) -> Iterator[Record]:
    """H6 records: contracts of the service year, signed by the month's end."""
    for i, kind, signed in _signed(life, when):
        yield _commission(life, i, when) | {
            "team": f"{life.village.township_name}家庭医生{1 + i % 3}队",
            "signed_on": f"{date_of(signed)}",
            "service_year": f"{when // 12}",
            "chronic_kind": kind,
        }


def followups(life: VillageLife, when: int) -> Iterator[Record]:
    """H7 records: each person under contract is visited every third month."""
    draws = stream(life.seed, "follow-up", life.village.index, when).random(
        (len(life.people.role), 2)
    )
    for i, kind, signed in _signed(life, when):
        visited = epoch_day(when) + int(27 * draws[i, 0])
        if (i + when) % 3 == 0 and visited >= signed:
            yield _commission(life, i, when) | {
                "followup_id": f"F{life.village.index:04d}{when:05d}{i:06d}",
                "chronic_kind": kind,
                "visited_on": f"{date_of(visited)}",
                "is_controlled": "1" if draws[i, 1] < 0.72 else "0",
            }


def medical_aid(life: VillageLife, when: int) -> Iterator[Record]:
    """H4 records: aid paid with the settlements of the month, and later aid to the poor."""
    now = list(uploaded(life, when))
    undone = {one.record["init_setl_id"] for one in now if one.is_refund}
    for one in now:
        if one.fen["maf_pay"] > 0 and one.record["setl_id"] not in undone:
            day = one.record["setl_time"][:10]
            fen, setl_id = one.fen["maf_pay"], one.record["setl_id"]
            yield _aid(life, one.person, when, setl_id, _ONE_STOP, fen, day)
    for i, setl_id, fen in later_aid(life, when):
        yield _aid(life, i, when, setl_id, _TILTED, fen, f"{date_of(epoch_day(when) + 9)}")


def later_aid(life: VillageLife, when: int) -> Iterator[tuple[int, str, int]]:
    """(person, setl_id, fen) of aid on last month's large bills of households at risk."""
    in_force = life.monitoring.at(when).in_force | life.welfare.in_force(when)
    before = [one for one in settled(life, when - 1) if one.upload == when - 1]
    undone = {one.record["init_setl_id"] for one in before if one.is_refund}
    for one in before:
        own, setl_id = one.fen["psn_part_amt"], one.record["setl_id"]
        at_risk = in_force[life.people.household[one.person]]
        if own >= 500_000 and at_risk and setl_id not in undone:
            yield one.person, setl_id, own // 3


def cases_reported(life: VillageLife, when: int) -> Iterator[Case]:
    """Major diseases first reported in the month."""
    for made in range(when - LATE_NOTICE, when + 1):
        yield from (case for case in _cases(life, made) if case.reported == when)
    appointed = burdens.appointed(life, when)
    if not appointed:
        return
    bound = epoch_day(when - LATE_NOTICE)
    for i, event in sorted(appointed.events.items()):
        confirmed = {
            burdens.FALLS_ILL: epoch_day(when) + 14,
            burdens.ILL_IN_MIND: epoch_day(when) + 14,
            burdens.LATE: bound,
            burdens.TOO_LATE: bound - 1,
        }.get(event)
        if confirmed is not None:
            row = major_diseases()[28 if event == burdens.ILL_IN_MIND else 22]
            yield Case(
                i, 900_000 + i, row["category"], row["code"], row["name_zh"], confirmed, when
            )


def major_register(life: VillageLife, when: int) -> Iterator[Record]:
    """H5 records: the month's reports, and the last month's again now that treatment began."""
    for reported in (when - 1, when):
        for case in cases_reported(life, reported):
            is_treated = reported < when
            if is_treated and case.number % 4 == 0:
                continue  # not treated yet
            yield _commission(life, case.person, when) | {
                "record_id": f"MD{life.village.index:04d}{case.reported:05d}{case.number:06d}",
                "category": case.category,
                "dise_code": case.code,
                "dise_name": case.name,
                "confirmed_on": f"{date_of(case.confirmed)}",
                "hospital": f"{life.village.county.name}人民医院",
                "is_treated": "1" if is_treated else "0",
            }


@lru_cache(maxsize=64)
def _cases(life: VillageLife, made: int) -> tuple[Case, ...]:
    """Cases confirmed in the month by chance."""
    people, count = life.people, len(life.people.role)
    random = stream(life.seed, "major disease", life.village.index, made)
    hit = (random.random(count) < _MONTHLY_CASES) & people.born(made - 1) & ~people.dead(made)
    draws, lags = random.random(count), pick(random.random(count), _LAGS)
    days, ages = random.integers(0, 28, count), people.age(made)
    found = []
    for i in np.flatnonzero(hit).tolist():
        fitting = [
            row
            for row in major_diseases()
            if row["sex"] in ("", str(int(people.sex[i])))
            and int(row["min_age"]) <= ages[i] <= int(row["max_age"])
        ]
        weights = [float(row["weight"]) for row in fitting]
        row = fitting[int(pick(draws[i : i + 1], weights)[0])]
        found.append(
            Case(
                i, i, row["category"], row["code"], row["name_zh"],
                epoch_day(made) + int(days[i]), made + int(lags[i]),
            )
        )  # fmt: skip
    return tuple(found)


def _ill(life: VillageLife, when: int) -> Iterator[tuple[int, dict[str, str]]]:
    """(person, diagnosis) of those alive with an illness in force on the month's last day."""
    register, people = chronic(life), life.people
    last = epoch_day(when + 1) - 1
    here = (register.illness >= 0) & (register.begins <= last) & (register.ends >= last)
    for i in np.flatnonzero(here & people.born(when) & ~people.dead(when)).tolist():
        yield i, chronic_diagnoses()[int(register.illness[i])]


def _signed(life: VillageLife, when: int) -> Iterator[tuple[int, str, int]]:
    """(person, kind of illness, day of signature) of the contracts of the year."""
    register, last = chronic(life), epoch_day(when + 1) - 1
    for i, row in _ill(life, when):
        kind = _KINDS.get(row["code"][:3])
        signed = max(epoch_day(when // 12 * 12) + i % 75, int(register.begins[i]) + 20)
        if kind and register.is_signed[i] and signed <= last:
            yield i, kind, signed


def _commission(life: VillageLife, i: int, when: int) -> Record:
    return {
        "certno": life.people.person_id[i],
        "psn_name": life.people.name[i],
        "admdvs": life.county_code(i, when),
    }


def _aid(
    life: VillageLife, i: int, when: int, setl_id: str, kind: str, fen: int, day: str
) -> Record:
    return {
        "aid_id": f"Y{kind}{setl_id[1:]}",
        "certno": life.people.person_id[i],
        "psn_name": life.people.name[i],
        "insuplc_admdvs": life.county_code(i, when),
        "aid_type": kind,
        "setl_id": setl_id,
        "aid_amt": money(fen),
        "aid_date": day,
    }


@cache
def major_diseases() -> list[dict[str, str]]:
    """A diagnosis for each disease of the list, with sex, ages and weight."""
    with (DATA / "major_diseases.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

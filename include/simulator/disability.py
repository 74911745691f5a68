"""M7 disability certificates and the two subsidies (困难生活补贴, 重度护理补贴)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from include.simulator import appointed, slips
from include.simulator.months import NEVER, date_of, epoch_day, first_day, month, month_of, ym
from include.simulator.randomness import stream
from include.simulator.spreadsheets import money
from include.simulator.village import VillageLife

_SUBSIDY = 100_00
"""Fen per month, each of the two."""
_SEVERE = ("1", "2")
_EARLIEST, _RECENT, _LATEST = month("2012-01"), month("2024-01"), month("2028-01")
_OVERLOOKED, _OVERLOOKED_CODE = month("2022-03"), "43"
"""Of the certificate that nobody takes back after the holder's death."""


@dataclass(frozen=True)
class Certificate:
    """A person's certificate: day of issue, and the months of its subsidies' row."""

    person: int
    issued: int
    """Days since 1970-01-01."""
    start: int
    end: int
    """First month in which the register has it no more; NEVER while he lives."""
    living: int
    care: int
    """Fen per month."""
    code: str
    """Type and grade."""

    @property
    def grade(self) -> str:
        """1 (severe) to 4."""
        return self.code[1]

    def in_force(self, period: int) -> bool:
        """Whether the person holds it at the month's end."""
        return self.issued < epoch_day(period + 1) and self.end > period


def certificates(life: VillageLife) -> list[Certificate]:
    """Every certificate of a village by holder; who is recorded as disabled has one, or will."""
    people, welfare = life.people, life.welfare
    disabled = [i for i, code in enumerate(people.disability) if code]
    random = stream(life.seed, "certificates", life.village.index)
    count = len(people.role)
    recent = random.random(count) < 0.35
    drawn = np.where(
        recent,
        random.integers(_RECENT, _LATEST, count),
        random.integers(_EARLIEST, _RECENT, count),
    )
    days = random.integers(0, 28, count)
    chosen = _appointed(life, disabled)
    found = []
    for i in disabled:
        born = month_of(int(people.birth[i]))
        when = chosen.get(i, max(int(drawn[i]), born + 13))
        issued = epoch_day(when) + int(days[i])
        if issued >= people.death[i]:
            continue
        # The federation strikes the dead off after two months, for every fourth after four.
        death = int(people.death[i])
        end = month_of(death) + (4 if i % 4 == 0 else 2) if death < NEVER else NEVER
        needy = welfare.dibao_start[people.household[i]] < NEVER
        found.append(
            Certificate(
                person=i,
                issued=issued,
                start=when + 1,
                end=end,
                living=_SUBSIDY if needy else 0,
                care=_SUBSIDY if people.disability[i][1] in _SEVERE else 0,
                code=people.disability[i],
            )
        )
    overlooked = slips.supported_head(people)
    if overlooked is None:
        return found
    issued, start = epoch_day(_OVERLOOKED) + 5, _OVERLOOKED + 1
    paid_on = Certificate(overlooked, issued, start, NEVER, _SUBSIDY, 0, _OVERLOOKED_CODE)
    return sorted(
        [*(one for one in found if one.person != overlooked), paid_on], key=lambda one: one.person
    )


def _appointed(life: VillageLife, disabled: list[int]) -> dict[int, int]:
    """Person -> month: a severe certificate, and one a grade less, where the village has them."""
    steady = appointed.on_file(life.people)
    chosen: dict[int, int] = {}
    for purpose, grades in ((appointed.SEVERE, _SEVERE), (appointed.MODERATE, ("3",))):
        pool = [i for i in disabled if life.people.disability[i][1] in grades and steady[i]]
        for when in appointed.turns(life.village, purpose):
            if pool:
                chosen[pool.pop(0)] = when
    return chosen


def records(life: VillageLife, last: int) -> Iterator[tuple[str, dict[str, str]]]:
    """(table, record) of what is known after the month ``last``."""
    people = life.people
    for one in certificates(life):
        if month_of(one.issued) > last:
            continue
        i = one.person
        suffix = "B1" if i % 20 == 0 else ""
        ended = one.end if one.end <= last else NEVER
        changed = ended if ended < NEVER else month_of(one.issued)
        yield (
            "mz_disab_subsidy",
            {
                "cert_no": people.person_id[i] + one.code + suffix,
                "name": people.name[i],
                "county_code": life.village.county.code,
                "issued_on": f"{date_of(one.issued)}",
                "disability_type": one.code[0],
                "disability_grade": one.grade,
                "living_subsidy_m": money(one.living),
                "care_subsidy_m": money(one.care),
                "start_ym": ym(one.start),
                "end_ym": ym(ended),
                "updated_at": f"{first_day(changed).replace(day=28)} 18:00:00+08",
            },
        )

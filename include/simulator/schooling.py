"""Who is in which class (C2 在校生状况), who has left school too early, and who is excused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.simulator.appointed import on_file
from include.simulator.months import NEVER, date_of, month
from include.simulator.population import Population
from include.simulator.randomness import Flags, Floats, Ints, stream
from include.simulator.roster import GONE
from include.simulator.turns import turns

if TYPE_CHECKING:
    from include.simulator.village import VillageMonth

COMPULSORY = (6, 15)
"""Ages at the cut-off, both included."""
_AUGUST = 7
NOT_AT_SCHOOL, KINDERGARTEN, PRIMARY, JUNIOR_THIRD, COLLEGE = "01", "02", "03", "06", "16"
SUSPENDED, TAUGHT_AT_HOME = "97", "98"
"""休学 and 送教上门: not at school, with proof; codes of our own beside the national list."""
_DROPPED, _EXCUSED = 10, 11
_DROPOUT_SHARE, _EXCUSED_SHARE = 0.006, 0.012
"""Shares of all people, most of whom are not of school age when their turn comes."""


@dataclass(frozen=True)
class Schooling:
    """Per person. A spell away from school holds from its first month to before the last."""

    entry_year: Ints
    """Year whose 31 August is the first one the person has seen."""
    draw: Floats
    away_from: Ints
    away_until: Ints
    is_excused: Flags
    """The spell away is with proof."""

    def age(self, period: int) -> Ints:
        """Completed years at the last 31 August up to the month's end."""
        year, number = divmod(period, 12)
        return (year if number >= _AUGUST else year - 1) - self.entry_year

    def is_compulsory(self, period: int) -> Flags:
        """Who has to go to school."""
        age = self.age(period)
        flags: Flags = (age >= COMPULSORY[0]) & (age <= COMPULSORY[1])
        return flags

    def has_dropped_out(self, period: int) -> Flags:
        """Who has to go to school, does not, and has no proof why."""
        away = (self.away_from <= period) & (period < self.away_until)
        return self.is_compulsory(period) & away & ~self.is_excused

    def status(self, period: int) -> list[str]:
        """The code of each person."""
        away = (self.away_from <= period) & (period < self.away_until)
        return [
            _away(draw, bool(excused)) if age in _AGES and gone else _class(int(age), draw)
            for age, draw, gone, excused in zip(
                self.age(period).tolist(), self.draw.tolist(), away.tolist(),
                self.is_excused.tolist(), strict=True,
            )
        ]  # fmt: skip


_AGES = range(COMPULSORY[0], COMPULSORY[1] + 1)


def build(seed: int, people: Population) -> Schooling:
    """The school lives of a village's people."""
    random = stream(seed, "schooling", people.village.index)
    count = len(people.role)
    dates = [date_of(day) for day in people.birth.tolist()]
    entry_year = np.array([d.year + ((d.month, d.day) > (8, 31)) for d in dates], dtype=np.int64)
    draw = random.random(count)
    chance = random.random(count)
    away_from = month("2023-09") + random.integers(0, 52, count)
    away_until = away_from + random.integers(2, 14, count)
    away_from[chance >= _DROPOUT_SHARE + _EXCUSED_SHARE] = NEVER
    is_excused = chance >= _DROPOUT_SHARE
    taken: set[int] = set()
    schooling = Schooling(entry_year, draw, away_from, away_until, is_excused)
    for purpose in (_DROPPED, _EXCUSED):
        for when in turns(people.village, purpose):
            fits = schooling.is_compulsory(when) & on_file(people)
            free = [i for i in np.flatnonzero(fits).tolist() if i not in taken]
            if free:
                taken.add(free[0])
                away_from[free[0]], away_until[free[0]] = when, when + 5
                is_excused[free[0]] = purpose == _EXCUSED
    return schooling


def _away(draw: float, excused: bool) -> str:
    if not excused:
        return NOT_AT_SCHOOL
    return SUSPENDED if draw < 0.5 else TAUGHT_AT_HOME


def _class(age: int, draw: float) -> str:
    if age < 3 or age >= 23:
        return NOT_AT_SCHOOL
    if age < 6:
        return KINDERGARTEN if draw < 0.9 else NOT_AT_SCHOOL
    if age < 12:
        return PRIMARY
    if age < 15:
        return f"{age - 8:02d}"
    if age == 15:
        return JUNIOR_THIRD if draw < 0.1 else "07" if draw < 0.65 else "10"
    if age < 18:
        return NOT_AT_SCHOOL if draw > 0.88 else f"{age - 8 if draw < 0.65 else age - 5:02d}"
    if draw > 0.55 - 0.08 * (age - 18):
        return NOT_AT_SCHOOL
    return f"{age - 5:02d}" if draw < 0.2 and age < 21 else COLLEGE


def metrics(here: VillageMonth) -> Iterator[tuple[str, str, str, str]]:
    """``dropout_suspect`` of everybody on file who has dropped out."""
    dropped = here.life.schooling.has_dropped_out(here.period)
    for i, status in zip(here.roster.rows.tolist(), here.roster.status, strict=True):
        if dropped[i] and status not in GONE:
            yield "person", here.life.people.person_id[i], "dropout_suspect", "1"

"""The dwellings of a village: grade (JGJ/T 363-2014), damage and works (C11, and C1's grade)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.simulator.months import NEVER, date_of, epoch_day, month
from include.simulator.population import Population
from include.simulator.randomness import Flags, Ints, pick, stream
from include.simulator.turns import household_turns

if TYPE_CHECKING:
    from include.simulator.village import VillageMonth

A, B, C, D = range(4)
GRADES = ("A级", "B级", "C级", "D级")
CAUSES = ("洪涝", "山体滑坡", "火灾", "风雹", "其他")
_CAUSE_WEIGHTS = (40, 20, 20, 15, 5)
WORKS = ("", "修缮加固", "修缮加固", "拆除重建")
"""By the grade the house had before them; a house of grade A that was damaged is repaired."""
STYLES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d")
_FREE_TEXT, _FREE_TEXT_SHARE = "一般住房", 0.003
"""What some write in place of a grade (D21); only about houses that are safe."""

_EVENTS_FROM, _EVENTS_UNTIL = month("2023-01"), month("2027-12")
_REASSESSED_SHARE, _DAMAGED_SHARE = 0.03, 0.02
(
    UNSAFE, MADE_SAFE, STILL_UNSAFE, ONLY_DAMAGED, REPAIRED, OTHER_DAMAGED,
) = range(6)  # fmt: skip
"""What a turn is for: three houses the rules find, and beside each one they must not."""


@dataclass(frozen=True)
class Dwellings:
    """Per household. Days count from 1970-01-01, NEVER where an event does not happen.

    A dwelling has at most one event, a new assessment or a damage; works follow or do not.
    """

    has_house: Flags
    is_only: Flags
    grade: Ints
    """Grade until the event."""
    assessed: Ints
    event: Ints
    is_damage: Flags
    grade_then: Ints
    """Grade from the event on."""
    cause: Ints
    done: Ints
    """Day on which the works were finished."""
    grade_after: Ints
    is_free_text: Flags

    def grade_at(self, period: int) -> Ints:
        """The grade that counts at the month's end: -1 without a house."""
        end = epoch_day(period + 1)
        grade = np.where(self.event < end, self.grade_then, self.grade)
        grade = np.where(self.done < end, self.grade_after, grade)
        return np.where(self.has_house, grade, -1)

    def is_unsafe(self, period: int) -> Flags:
        """Grade C or D, and no works that made it better."""
        flags: Flags = self.grade_at(period) >= C
        return flags

    def is_only_damaged(self, period: int) -> Flags:
        """The only house was damaged in the month and is not repaired at its end."""
        start, end = epoch_day(period), epoch_day(period + 1)
        in_month = self.is_damage & (self.event >= start) & (self.event < end)
        return in_month & self.is_only & self.has_house & ~(self.done < end)


def build(seed: int, people: Population) -> Dwellings:
    """The dwellings of a village's households."""
    village, count = people.village, people.households
    random = stream(seed, "dwellings", village.index)
    chance = random.random(count)
    happens = chance < _REASSESSED_SHARE + _DAMAGED_SHARE
    is_damage = chance >= _REASSESSED_SHARE
    first, last = epoch_day(_EVENTS_FROM), epoch_day(_EVENTS_UNTIL + 1)
    event = np.where(happens, first + random.integers(0, last - first, count), NEVER)
    grade = pick(random.random(count), [68, 32])
    worse = pick(random.random(count), [70, 30]) + C
    # Damage leaves the grade as it was, or makes the house unsafe.
    grade_then = np.where(is_damage & (random.random(count) < 0.6), grade, worse)
    lag = np.where(is_damage, random.integers(5, 120, count), random.integers(40, 330, count))
    done = np.where(happens & (random.random(count) < 0.93), event + lag, NEVER)
    fails = random.random(count) < 0.05
    grade_after = np.where(fails & (grade_then >= C), C, np.where(grade_then == D, A, B))
    homes = Dwellings(
        has_house=random.random(count) >= 0.0015,
        is_only=random.random(count) < 0.94,
        grade=grade,
        assessed=epoch_day(month("2021-01")) + random.integers(0, 700, count),
        event=event,
        is_damage=is_damage & happens,
        grade_then=grade_then,
        cause=pick(random.random(count), _CAUSE_WEIGHTS),
        done=done,
        grade_after=grade_after,
        is_free_text=random.random(count) < _FREE_TEXT_SHARE,
    )
    for purpose in range(UNSAFE, OTHER_DAMAGED + 1):
        for h, when in household_turns(village, purpose):
            _appoint(homes, h, when, purpose)
    return homes


def _appoint(homes: Dwellings, h: int, when: int, purpose: int) -> None:
    """Give a household the event its turn is for, in the month ``when``."""
    start, end = epoch_day(when), epoch_day(when + 1)
    is_damage = purpose in (ONLY_DAMAGED, REPAIRED, OTHER_DAMAGED)
    homes.has_house[h], homes.is_only[h] = True, purpose != OTHER_DAMAGED
    homes.is_damage[h], homes.is_free_text[h] = is_damage, False
    homes.grade[h] = B
    homes.event[h] = start + 9
    homes.grade_then[h] = B if is_damage else C if purpose == UNSAFE else D
    homes.grade_after[h] = C if purpose == STILL_UNSAFE else B
    # The two that must not be found are finished on the month's last day.
    homes.done[h] = end - 1 if purpose in (MADE_SAFE, STILL_UNSAFE, REPAIRED) else end + 60


def rows(here: VillageMonth) -> Iterator[tuple[dict[str, str], tuple[tuple[str, str], ...]]]:
    """C11: a row per household."""
    homes, people = here.life.dwellings, here.people
    end = epoch_day(here.period + 1)
    style = STYLES[here.life.village.county.position % len(STYLES)]
    unsafe = homes.is_unsafe(here.period)

    def day(number: int) -> str:
        return date_of(number).strftime(style) if number < end else ""

    for h, number in enumerate(people.household_no):
        if not homes.has_house[h]:
            yield {"household_no": number, "has_house": "否", "is_only_house": "否"}, ()
            continue
        event, done = int(homes.event[h]), int(homes.done[h])
        happened, damaged = event < end, event < end and bool(homes.is_damage[h])
        grade = int(homes.grade_then[h] if happened else homes.grade[h])
        free_text = bool(homes.is_free_text[h] and not unsafe[h] and not damaged)
        yield (
            {
                "household_no": number,
                "has_house": "是",
                "is_only_house": "是" if homes.is_only[h] else "否",
                "grade": _FREE_TEXT if free_text else GRADES[grade],
                "assessed_on": day(event if happened else int(homes.assessed[h])),
                "damaged_on": day(event) if damaged else "",
                "damage_cause": CAUSES[int(homes.cause[h])] if damaged else "",
                "works": (WORKS[grade] or "修缮加固") if happened else "",
                "works_done_on": day(done) if happened else "",
                "grade_after": GRADES[int(homes.grade_after[h])] if done < end else "",
            },
            (("D21", "grade"),) if free_text else (),
        )


def metrics(here: VillageMonth) -> Iterator[tuple[str, str, str, str]]:
    """``dwelling_unsafe`` and ``only_dwelling_damaged``."""
    homes, numbers = here.life.dwellings, here.people.household_no
    for h in np.flatnonzero(homes.is_unsafe(here.period)).tolist():
        yield "household", numbers[h], "dwelling_unsafe", "1"
    for h in np.flatnonzero(homes.is_only_damaged(here.period)).tolist():
        yield "household", numbers[h], "only_dwelling_damaged", "1"

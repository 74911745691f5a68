"""Who works where and when, who is owed wages: the state behind C8 and the rules on employment.

Like everything that happens to people here, jobs are drawn once for all months; a month's file and
its truth follow by comparing days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator.areas import Village
from include.simulator.defects import UNUSABLE
from include.simulator.monitoring import Monitoring
from include.simulator.months import NEVER, epoch_day, month
from include.simulator.population import Population
from include.simulator.randomness import Flags, Ints, pick, stream

NO_USABLE_ID = UNUSABLE | {"D00"}
"""Defects with which a row leads to its person by other marks than the number, if at all."""
WORKING_AGE = (16, 64)
PLACES = ("县内", "省内县外", "省外", "境外")
_PLACE_WEIGHTS = (46, 19, 34.4, 0.6)
CHANNELS = ("有组织劳务输出", "自主就业", "亲友介绍", "帮扶车间", "其他")
_CHANNEL_WEIGHTS = (22, 41, 25, 8, 4)
INDUSTRIES = ("制造业", "建筑业", "批发和零售业", "住宿和餐饮业", "居民服务业", "农林牧渔业")
_INDUSTRY_WEIGHTS = (38, 22, 11, 12, 9, 8)
_SPELLS = 6
_FIRST, _FROM, _LAST = month("2022-01"), month("2024-01"), month("2028-01")
_HALF_A_MONTH = 15
"""Days of work from which on a calendar month counts as worked."""
_OTHERS_SHARE = 0.25
"""Share of the households neither ex-poor nor monitored that a county keeps in its list too."""
_ARREARS_SHARE = 0.05
_UNKNOWN_PLACE_SHARE = 0.006


@dataclass(frozen=True)
class Work:
    """Jobs of one village's people; ``start`` and ``end`` have shape (persons, spells).

    Days count from 1970-01-01, the end is the last day worked; NEVER for what does not happen.
    """

    people: Population
    start: Ints
    end: Ints
    place: Ints
    """Per spell a position in PLACES; ``channel`` and ``industry`` likewise."""
    channel: Ints
    industry: Ints
    wage: Ints
    """Fen a month, per spell."""
    plans: Flags
    """Per person: wants work while he has none."""
    is_followed: Flags
    """Per household: the county lists it although it is neither ex-poor nor monitored."""
    owed_from: Ints
    owed_until: Ints
    """Months between which (the last not included) wages are owed."""
    owed: Ints
    """Fen."""
    unknown_place: Flags
    """Per person: the office writes a place of work that no list knows (D21)."""

    def latest(self, period: int) -> Ints:
        """Per person: position of the last spell begun by the month's end, -1 for none."""
        begun = (self.start < epoch_day(period + 1)).sum(axis=1)
        return begun.astype(np.int64) - 1

    def months_worked(self, period: int, months: int) -> Ints:
        """Per person: of so many months up to ``period``, those worked by half at least."""
        count = np.zeros(len(self.start), dtype=np.int64)
        for when in range(period - months + 1, period + 1):
            first, last = epoch_day(when), epoch_day(when + 1) - 1
            days = np.minimum(self.end, last) - np.maximum(self.start, first) + 1
            count += np.clip(days, 0, None).sum(axis=1) >= _HALF_A_MONTH
        return count

    def works(self, period: int) -> Flags:
        """Per person: in a job that goes on beyond the month's last day."""
        day = epoch_day(period + 1) - 1
        flags: Flags = ((self.start <= day) & (self.end > day)).any(axis=1)
        return flags

    def loses_job(self, period: int) -> Flags:
        """Per person: the last job ended in the month, and none was begun after it."""
        latest = self.latest(period)
        end = self.end[np.arange(len(latest)), np.maximum(latest, 0)]
        ends_now = (end >= epoch_day(period)) & (end < epoch_day(period + 1))
        flags: Flags = (latest >= 0) & ends_now
        return flags

    def changes_job(self, period: int) -> Flags:
        """Per person: a job ended in the month, and one begun after it goes on."""
        ended = (self.end >= epoch_day(period)) & (self.end < epoch_day(period + 1))
        flags: Flags = ended.any(axis=1) & self.works(period)
        return flags

    def arrears(self, period: int) -> Ints:
        """Per person: fen owed at the month's end."""
        is_owed = (self.owed_from <= period) & (period < self.owed_until)
        return np.where(is_owed, self.owed, 0).astype(np.int64)

    def of_working_age(self, period: int) -> Flags:
        """Per person: alive and of working age at the month's end."""
        age = self.people.age(period)
        low, high = WORKING_AGE
        flags: Flags = (age >= low) & (age <= high) & ~self.people.dead(period)
        return flags


def build(seed: int, people: Population, monitoring: Monitoring) -> Work:
    """The jobs of a village's people."""
    random = stream(seed, "work", people.village.index)
    persons, shape = len(people.role), (len(people.role), _SPELLS)
    start, end = _spells(random, people)
    place = pick(random.random(shape).ravel(), _PLACE_WEIGHTS).reshape(shape)
    channel = pick(random.random(shape).ravel(), _CHANNEL_WEIGHTS).reshape(shape)
    industry = pick(random.random(shape).ravel(), _INDUSTRY_WEIGHTS).reshape(shape)
    wage = random.integers(18, 66, shape) * 10_000
    has_worked = start[:, 0] < NEVER
    plans = has_worked | (random.random(persons) < 0.05)
    owed_from = _FROM + random.integers(0, _LAST - _FROM, persons)
    owed_until = owed_from + random.integers(1, 5, persons)
    owed = wage[:, 0] * random.integers(1, 4, persons)
    is_owed = has_worked & (random.random(persons) < _ARREARS_SHARE)
    unknown_place = random.random(persons) < _UNKNOWN_PLACE_SHARE
    for i, part, turn in _appointed(people, monitoring):
        plans[i], is_owed[i], unknown_place[i] = True, False, False
        start[i], end[i] = _appointed_spells(part, turn)
        if part == 3:
            is_owed[i], owed[i] = True, 1
            owed_from[i] = month("2026-01") + (turn - month("2026-01")) % 12
            owed_until[i] = owed_from[i] + 1
    return Work(
        people=people,
        start=start,
        end=end,
        place=place,
        channel=channel,
        industry=industry,
        wage=wage,
        plans=plans,
        is_followed=random.random(people.households) < _OTHERS_SHARE,
        owed_from=np.where(is_owed, owed_from, NEVER),
        owed_until=np.where(is_owed, owed_until, NEVER),
        owed=owed,
        unknown_place=unknown_place,
    )


def listed(work: Work, monitoring: Monitoring, period: int) -> Flags:
    """Per person: of working age and in a household whose work the county follows."""
    followed = monitoring.ex_poor | (monitoring.identified <= period) | work.is_followed
    flags: Flags = work.of_working_age(period) & followed[work.people.at(period).household]
    return flags


def _spells(random: np.random.Generator, people: Population) -> tuple[Ints, Ints]:
    shape = (len(people.role), _SPELLS)
    age = people.age(month("2026-01"))
    chance = np.select(
        [(age < 18) | (age > 66), people.health >= 3, age >= 58], [0.0, 0.2, 0.3], default=0.72
    )
    works = random.random(shape[0]) < chance
    first = epoch_day(_FIRST) + random.integers(-700, 700, shape[0])
    lengths = 60 + random.gamma(2.0, 220.0, shape)
    gaps = 5 + random.gamma(1.2, 50.0, shape)
    steady = random.random(shape[0]) < 0.6
    begun = np.floor(np.cumsum(lengths + gaps, axis=1) - lengths - gaps).astype(np.int64)
    start = first[:, None] + begun
    end = start + np.floor(lengths).astype(np.int64)
    end[:, 0] = np.where(steady, NEVER, end[:, 0])
    start[steady, 1:], end[steady, 1:] = NEVER, NEVER
    start[~works], end[~works] = NEVER, NEVER
    return start, end


def _appointed(people: Population, monitoring: Monitoring) -> list[tuple[int, int, int]]:
    """(person, part, month): people whose year runs so that each rule is met and just missed.

    By chance alone the smallest profile would have months without such cases. The villages take
    turns by month; in its month of the year, a village's first ex-poor adults play the parts.
    """
    village = people.village
    turn = month("2026-01") + _number(village) % 12
    age = people.age(month("2026-01"))
    able = (
        monitoring.ex_poor[people.household]
        & (age >= 20)
        & (age <= 55)
        & (people.death == NEVER)
        & (people.moved == NEVER)
        & np.array([defect not in NO_USABLE_ID for defect in people.cert_defect], dtype=bool)
    )
    return [(i, part, turn) for part, i in enumerate(np.flatnonzero(able)[:4].tolist())]


def _number(village: Village) -> int:
    return village.county.position * village.neighbours + village.position


def _appointed_spells(part: int, turn: int) -> tuple[list[int], list[int]]:
    """Six spells, one a year from 2023 on, around the month ``turn`` of each year.

    0: works eight months and then four not, so that at ``turn`` two of the last six months were
    worked, the month before three, and the job ended on the last day of a month. 1: the job ends on
    the first day of ``turn``. 2: the job ends in ``turn`` and the next begins in it. 3: works
    throughout and is owed one fen.
    """
    years = [turn + 12 * year for year in range(-3, 3)]
    match part:
        case 0:
            start = [epoch_day(when - 11) for when in years]
            end = [epoch_day(when - 3) - 1 for when in years]
        case 1:
            start = [epoch_day(when - 9) for when in years]
            end = [epoch_day(when) for when in years]
        case 2:
            start = [epoch_day(when - 12) + 19 for when in years]
            end = [epoch_day(when) + 9 for when in years]
        case _:
            start, end = [epoch_day(years[0])] + [NEVER] * 5, [NEVER] * 6
    return start, end

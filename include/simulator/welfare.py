"""Who gets minimum living allowance (低保) or support for the destitute (特困), and how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator import appointed, slips
from include.simulator.monitoring import Monitoring
from include.simulator.months import NEVER, month, month_of
from include.simulator.population import Population
from include.simulator.randomness import Flags, Ints, pick, stream

CLASSES = "ABC"
_CLASS_SHARE = (1.0, 0.75, 0.5)
_EARLIEST, _RECENT, _LATEST = month("2018-01"), month("2025-01"), month("2027-12")
_LONG_SUPPORTED = month("2023-06")
CIVIL_AFFAIRS_LAG = 2
"""Months after a death until civil affairs strikes the member off."""


@dataclass(frozen=True)
class Welfare:
    """Allowances of one village. Months; NEVER where there is none. Amounts in fen per month."""

    people: Population
    dibao_start: Ints
    dibao_end: Ints
    """First month without allowance."""
    dibao_class: Ints
    """Position in CLASSES."""
    extra: Ints
    """Supplement for special categories, per household."""
    covered: Flags
    """Per person: whether the family's allowance counts them."""
    tekun_start: Ints
    """Per household; only people who live alone."""
    tekun_amount: Ints
    selfcare: Ints
    """1 able, 2 partly, 3 not able to care for oneself."""
    in_institution: Flags
    unheard: Flags
    """Per household: the county's list does not know of its full support."""

    def in_force(self, period: int) -> Flags:
        """Households with minimum living allowance in the month."""
        flags: Flags = (self.dibao_start <= period) & (self.dibao_end > period)
        return flags

    def as_county_knows(self, period: int) -> tuple[Flags, Flags]:
        """Households that the county's own file shows with allowance, and with full support.

        Every fifth household's change reaches the village a month late.
        """
        slow = np.arange(self.people.households) % 5 == 0
        dibao: Flags = np.where(slow, self.in_force(period - 1), self.in_force(period))
        tekun: Flags = (self.tekun_start <= period - slow) & ~self.unheard
        return dibao, tekun

    def reviewed(self, household: int, period: int) -> int:
        """The month of the family's last review: its start, or each January in force."""
        last = min(period, int(self.dibao_end[household]) - 1)
        return max(int(self.dibao_start[household]), last // 12 * 12)

    def known_dead(self, period: int) -> Flags:
        """Per person: dead, and civil affairs knows."""
        months = np.array([month_of(d) if d < NEVER else NEVER for d in self.people.death.tolist()])
        flags: Flags = months + CIVIL_AFFAIRS_LAG <= period
        return flags

    def covered_members(self, household: int, period: int) -> int:
        """How many members the allowance counted at the last review before ``period``'s end."""
        review = self.reviewed(household, period)
        here = np.flatnonzero((self.people.household == household) & self.covered)
        alive = ~self._gone_at(review)[here] & self.people.born(review)[here]
        return max(int(alive.sum()), 1)

    def amount(self, household: int, period: int) -> int:
        """Monthly allowance in fen, without the supplement."""
        review = self.reviewed(household, period)
        share = _CLASS_SHARE[int(self.dibao_class[household])]
        per_head = round(standard(review // 12) * share)
        return per_head * self.covered_members(household, period)

    def dibao_last_year(self, period: int) -> Ints:
        """Per household: allowance and supplement of the twelve months up to ``period``, in fen."""
        sums = np.zeros(self.people.households, dtype=np.int64)
        months = range(period - 11, period + 1)
        touched = (self.dibao_start <= period) & (self.dibao_end > period - 11)
        for household in np.flatnonzero(touched).tolist():
            paid: dict[int, int] = {}
            for when in months:
                if self.dibao_start[household] <= when < self.dibao_end[household]:
                    review = self.reviewed(household, when)
                    if review not in paid:
                        paid[review] = self.amount(household, when) + int(self.extra[household])
                    sums[household] += paid[review]
        return sums

    def tekun_last_year(self, period: int) -> Ints:
        """Per household: support of the twelve months up to ``period``, in fen."""
        months = np.clip(period + 1 - self.tekun_start, 0, 12)
        return (months * self.tekun_amount).astype(np.int64)

    def _gone_at(self, period: int) -> Flags:
        return self.known_dead(period) | (self.people.moved <= period)


def standard(year: int) -> int:
    """Rural allowance standard per head and month, in fen."""
    return (485 + 20 * (year - 2025)) * 100


def build(seed: int, people: Population, monitoring: Monitoring) -> Welfare:
    """The village's allowances."""
    random = stream(seed, "welfare", people.village.index)
    count = people.households
    chance = np.select([monitoring.kind > 0, monitoring.ex_poor], [0.42, 0.22], default=0.033)
    gets = random.random(count) < chance
    apart = np.ones(count, dtype=bool)
    apart[people.moves.shared] = False
    gets &= apart
    recent = random.random(count) < 0.25
    start = np.where(
        recent,
        random.integers(_RECENT, _LATEST, count),
        random.integers(_EARLIEST, _RECENT, count),
    )
    ends = random.random(count) < 0.5
    end = start + 12 + random.gamma(2.0, 24.0, count).astype(np.int64)
    alone = np.bincount(people.household, minlength=count) == 1
    age = people.age(month("2026-01"))
    old = np.zeros(count, dtype=bool)
    old[people.household[age >= 60]] = True
    tekun = alone & old & apart & ~gets & (random.random(count) < 0.12)
    selfcare = pick(random.random(count), [70, 20, 10]) + 1
    amount = (np.array([0, 735, 1035, 1435]) * 100)[selfcare]
    covered = gets[people.household] & (random.random(len(people.role)) < 0.93)
    dibao_start = np.where(gets, start, NEVER)
    dibao_end = np.where(gets & ends, end, NEVER)
    dibao_class = pick(random.random(count), [15, 35, 50])
    extra = np.where(random.random(count) < 0.2, 9700, 0)
    tekun_start = np.where(tekun, random.integers(_EARLIEST, month("2026-06"), count), NEVER)
    institution = random.random(count) < 0.15
    overlooked = slips.supported_head(people)
    if overlooked is not None:
        h = int(people.household[overlooked])
        gets[h], dibao_start[h], dibao_end[h] = False, NEVER, NEVER
        covered[people.household == h] = False
        tekun[h], tekun_start[h] = True, _LONG_SUPPORTED
    special = appointed.allowances(seed, people, apart & ~gets & ~tekun)
    for household, when in special.starts:
        dibao_start[household] = when
    for household, when in special.doubled:
        tekun_start[household], dibao_start[household] = when - 3, when
        dibao_end[household] = when + 2
    for household, when in special.converted:
        tekun_start[household], dibao_start[household] = when, when - 20
        dibao_end[household] = when
    for household, _ in (*special.starts, *special.doubled, *special.converted):
        covered[people.household == household] = True
    for person, died in special.outlived:
        household = int(people.household[person])
        dibao_start[household], dibao_end[household] = died - 30, died + 4
        covered[person] = True
    return Welfare(
        people=people,
        dibao_start=dibao_start,
        dibao_end=dibao_end,
        dibao_class=dibao_class,
        extra=extra,
        covered=covered,
        tekun_start=tekun_start,
        tekun_amount=amount,
        selfcare=selfcare,
        in_institution=institution,
        unheard=slips.unlisted_support(people.village, tekun_start),
    )

"""The drinking water of a village's households (C12, T/CHES 18-2018, and C1's safe_water)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.simulator.months import NEVER, month
from include.simulator.population import Population
from include.simulator.randomness import Flags, Ints, pick, stream
from include.simulator.turns import household_turns

if TYPE_CHECKING:
    from include.simulator.village import VillageMonth

SUPPLIES = ("城市管网延伸", "集中供水", "分散式供水", "自备水井", "山泉引水")
_SUPPLY_WEIGHTS = (12, 68, 6, 8, 6)
_PIPED = 2
LITRES, MINUTES, ASSURANCE = 40, 20, 90.0
"""Basic level in wet areas: at least, at most, at least."""
_ABOUT, _ABOUT_SHARE = "约80升", 0.003
"""What some write in place of a number (D13); only about water that is safe."""
_FAILS_FROM, _FAILS_UNTIL = month("2024-01"), month("2027-12")
(
    THREE_DAYS, FOUR_DAYS, IMPURE, PURE_AGAIN,
) = range(6, 10)  # fmt: skip
"""What a turn is for; the numbers go on from those of ``dwellings.py``."""


@dataclass(frozen=True)
class Water:
    """Per household; all months but the outages are read from it."""

    supply: Ints
    litres: Ints
    minutes: Ints
    tenths: Ints
    """Supply assurance in tenths of a percent."""
    impure_from: Ints
    impure_until: Ints
    """Months between which (the last not included) the water fails its tests."""
    appointed_outages: dict[tuple[int, int], int]
    """(household, month) -> days."""
    is_about: Flags

    def is_impure(self, period: int) -> Flags:
        """Whose water fails its tests."""
        flags: Flags = (self.impure_from <= period) & (period < self.impure_until)
        return flags

    def is_safe(self, period: int) -> Flags:
        """At least at the basic level in everything that does not change from day to day."""
        enough = (self.litres >= LITRES) & (self.minutes <= MINUTES)
        flags: Flags = enough & (self.tenths >= 10 * ASSURANCE) & ~self.is_impure(period)
        return flags

    def outages(self, seed: int, village: int, period: int) -> list[int]:
        """Days without water in the month."""
        random = stream(seed, "outages", village, period)
        draws = random.random(len(self.supply))
        days: list[int] = pick(draws, [955, 20, 12, 7, 3, 1, 1, 1]).tolist()
        for (household, when), appointed in self.appointed_outages.items():
            if when == period:
                days[household] = appointed
        return days


def build(seed: int, people: Population) -> Water:
    """The water of a village's households."""
    village, count = people.village, people.households
    random = stream(seed, "water", village.index)
    piped = pick(random.random(1), [88, 12])[0] == 0
    supply = pick(random.random(count), _SUPPLY_WEIGHTS)
    if piped:
        supply = np.where(random.random(count) < 0.9, int(supply[0]) % _PIPED, supply)
    fails = random.random(count) < 0.02
    span = _FAILS_UNTIL - _FAILS_FROM + 1
    impure_from = np.where(fails, _FAILS_FROM + random.integers(0, span, count), NEVER)
    water = Water(
        supply=supply,
        litres=_among(random, count, ((61, 151, 94.3), (60, 61, 1), (40, 60, 4.3), (25, 40, 0.4))),
        minutes=np.where(
            (supply < _PIPED) & (random.random(count) < 0.97),
            0,
            _among(
                random, count, ((0, 10, 80), (10, 11, 5), (11, 20, 12), (20, 21, 1), (21, 36, 2))
            ),
        ),
        tenths=_among(random, count, ((950, 1001, 95.6), (900, 950, 4), (800, 900, 0.4))),
        impure_from=impure_from,
        impure_until=impure_from + random.integers(1, 5, count),
        appointed_outages={
            at: days
            for purpose, days in ((THREE_DAYS, 3), (FOUR_DAYS, 4))
            for at in household_turns(village, purpose)
        },
        is_about=random.random(count) < _ABOUT_SHARE,
    )
    for purpose, late in ((IMPURE, 0), (PURE_AGAIN, 1)):
        for h, when in household_turns(village, purpose):
            # The near-miss failed until last month.
            water.impure_from[h], water.impure_until[h] = when - 1, when + 1 - late
            water.is_about[h] = False
    for h, _ in water.appointed_outages:
        water.is_about[h] = False
    return water


def _among(
    random: np.random.Generator, count: int, ranges: tuple[tuple[int, int, float], ...]
) -> Ints:
    """Numbers of the ranges (first, end, weight); ranges of one make the values on a threshold."""
    which = pick(random.random(count), [weight for _, _, weight in ranges])
    first = np.array([low for low, _, _ in ranges])[which]
    width = np.array([high - low for low, high, _ in ranges])[which]
    numbers: Ints = (first + np.floor(random.random(count) * width)).astype(np.int64)
    return numbers


def rows(here: VillageMonth) -> Iterator[tuple[dict[str, str], tuple[tuple[str, str], ...]]]:
    """C12: a row per household."""
    life, water = here.life, here.life.water
    impure, safe = water.is_impure(here.period), water.is_safe(here.period)
    outages = water.outages(life.seed, life.village.index, here.period)
    for h, number in enumerate(here.people.household_no):
        about = bool(water.is_about[h] and safe[h] and outages[h] == 0)
        yield (
            {
                "household_no": number,
                "supply_type": SUPPLIES[int(water.supply[h])],
                "quality_ok": "否" if impure[h] else "是",
                "litres_per_day": _ABOUT if about else str(int(water.litres[h])),
                "fetch_minutes": str(int(water.minutes[h])),
                "assurance_pct": f"{int(water.tenths[h]) / 10:.1f}",
                "outage_days": str(outages[h]),
            },
            (("D13", "litres_per_day"),) if about else (),
        )


def metrics(here: VillageMonth) -> Iterator[tuple[str, str, str, str]]:
    """``water_outage_days`` and ``water_quality_failed``."""
    life = here.life
    numbers = here.people.household_no
    for h, days in enumerate(life.water.outages(life.seed, life.village.index, here.period)):
        if days:
            yield "household", numbers[h], "water_outage_days", str(days)
    for h in np.flatnonzero(life.water.is_impure(here.period)).tolist():
        yield "household", numbers[h], "water_quality_failed", "1"

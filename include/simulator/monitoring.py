"""When each household was identified as at risk, cleared, and identified again.

A household's history is a short list of months drawn once (2021 to 2027). Each month's state is
read from it, so that the stock of a month is the stock before plus new plus relapsed less cleared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator.areas import FORMERLY_POOR, Village
from include.simulator.months import NEVER, month
from include.simulator.moves import Moves
from include.simulator.profiles import Profile
from include.simulator.randomness import Flags, Floats, Ints, pick, stream

_FIRST, _LAST = month("2021-05"), month("2027-12")
_UNTIL_2026 = month("2026-01") - _FIRST
UNSTABLE, MARGINAL, SUDDEN = 1, 2, 3
_KINDS = (35, 40, 25)

RISKS = (
    "因病", "因残", "因务工就业不稳", "缺劳动力", "因自然灾害", "因意外事故", "因学", "其他",
)  # fmt: skip
_RISK_WEIGHTS = (45, 15, 12, 10, 4, 4, 4, 6)


@dataclass(frozen=True)
class Monitoring:
    """Per household: its kind and the months of its history; NEVER where there is none."""

    kind: Ints
    """1 unstable ex-poor, 2 marginal, 3 sudden hardship, 0 never monitored."""
    identified: Ints
    cleared: Ints
    relapsed: Ints
    cleared_again: Ints
    ex_poor: Flags
    keeps_benefits: Flags
    no_labour: Flags
    risks: Ints
    """Shape (households, 3): positions in RISKS, -1 for none."""
    natural: Flags
    """Whether the risk ends by itself and not by help."""
    waits: Flags
    """Whether help comes in the second month after recognition only."""

    def at(self, period: int) -> MonthState:
        """The state at the end of a month."""
        known = self.identified <= period
        again = self.relapsed <= period
        cleared_ym = np.where(again, self.cleared_again, self.cleared)
        return MonthState(
            known=known,
            in_force=known & (cleared_ym > period),
            started=np.where(again, self.relapsed, np.where(known, self.identified, NEVER)),
            cleared_ym=np.where(cleared_ym <= period, cleared_ym, NEVER),
            is_new=self.identified == period,
            is_relapsed=self.relapsed == period,
            is_cleared=cleared_ym == period,
        )


@dataclass(frozen=True)
class MonthState:
    """Per household at a month's end. ``started`` is the month of the current or last episode."""

    known: Flags
    in_force: Flags
    started: Ints
    cleared_ym: Ints
    is_new: Flags
    is_relapsed: Flags
    is_cleared: Flags


def build(seed: int, profile: Profile, village: Village, moves: Moves) -> Monitoring:
    """The histories of a village's households."""
    random = stream(seed, "monitoring", village.index)
    count = village.households
    ever_until_2027 = profile.monitored_share * (_LAST - _FIRST + 1) / _UNTIL_2026
    kind = np.where(
        random.random(count) < ever_until_2027, pick(random.random(count), _KINDS) + 1, 0
    )
    identified = _FIRST + random.integers(0, _LAST - _FIRST + 1, count)
    cleared = identified + 6 + random.gamma(2.0, 6.0, count).astype(np.int64)
    relapses = random.random(count) < 0.12
    relapsed = cleared + 4 + random.gamma(2.0, 7.0, count).astype(np.int64)
    cleared_again = relapsed + 6 + random.gamma(2.0, 6.0, count).astype(np.int64)
    no_labour = random.random(count) < 0.08

    for position, when in _appointed_relapses(village):
        kind[position] = UNSTABLE if when % 2 else MARGINAL
        identified[position], cleared[position] = when - 30, when - 14
        relapsed[position], cleared_again[position] = when, when + 12
        relapses[position], no_labour[position] = True, False
    waits = np.zeros(count, dtype=bool)
    for position, when in _appointed_waits(village):
        kind[position] = UNSTABLE if when % 2 else MARGINAL
        identified[position], cleared[position] = when, when + 12
        relapses[position], no_labour[position], waits[position] = False, False, True

    kind[moves.shared] = 0
    for change in moves.changes:
        if change.is_monitored:
            h, when = change.household, change.when
            kind[h] = UNSTABLE if when % 3 else SUDDEN
            identified[h], cleared[h] = when - 5 - h % 4, when + h % 5
            relapses[h], no_labour[h] = False, False

    never = kind == 0
    no_labour &= ~never
    relapses &= ~never & ~no_labour
    hasty = _appointed_hasty(village, ~never & ~no_labour & ~relapses & ~waits, identified)
    for position, months in hasty:
        cleared[position] = identified[position] + months
    cleared[no_labour | never] = NEVER
    ex_poor = _ex_poor(random.random(count), profile, village, kind)
    ex_poor[moves.shared] = False
    keeps_benefits = ex_poor & (random.random(count) < 0.85)
    risks = _risks(random, count)
    natural = random.random(count) < 0.12
    natural[[position for position, _ in hasty]] = False
    return Monitoring(
        kind=kind,
        identified=np.where(never, NEVER, identified),
        cleared=cleared,
        relapsed=np.where(relapses, relapsed, NEVER),
        cleared_again=np.where(relapses, cleared_again, NEVER),
        ex_poor=ex_poor,
        keeps_benefits=keeps_benefits,
        no_labour=no_labour,
        risks=risks,
        natural=natural,
        waits=waits,
    )


def _appointed_relapses(village: Village) -> list[tuple[int, int]]:
    """(household, month): one household of the city relapses in each month at least.

    Relapses are rare; by chance alone the smallest profile would have months without any. The
    counties take turns, and within a county its villages.
    """
    turns = [
        when
        for when in range(month("2024-01"), _LAST + 1)
        if when % 11 == village.county.position
        and when // 11 % village.neighbours == village.position
    ]
    return [
        (position, when) for position, when in enumerate(turns) if position < village.households
    ]


def _appointed_waits(village: Village) -> list[tuple[int, int]]:
    """(household, month): one household of the city is identified and not helped within the next.

    Counties and villages take turns as for the relapses, from the other end of the village. A month
    later such a household has waited 28 to 31 days: at 31 too long, at 30 not yet.
    """
    turns = [
        when
        for when in range(month("2024-01"), _LAST + 1)
        if (when + 5) % 11 == village.county.position
        and (when + 5) // 11 % village.neighbours == village.position
    ]
    return [
        (village.households - 1 - number, when)
        for number, when in enumerate(turns)
        if number < village.households // 4
    ]


def _appointed_hasty(village: Village, eligible: Flags, identified: Ints) -> list[tuple[int, int]]:
    """(household, months until cleared): help is said to have worked within two months, or three.

    In every fourth village the first household in question; in the next village the near miss.
    """
    turn = village.turn % 4
    early = eligible & (identified < month("2025-10"))
    return [(int(np.flatnonzero(early)[0]), 2 + turn)] if turn < 2 and early.any() else []


def _ex_poor(draws: Floats, profile: Profile, village: Village, kind: Ints) -> Flags:
    # Formerly poor counties have about twice the share of the others; the city's share stays.
    tilt = 1.5 if village.county.code in FORMERLY_POOR else 0.72
    share = profile.ex_poor_share if profile.ex_poor_share > 0.5 else profile.ex_poor_share * tilt
    by_kind = np.array([share, 1.0, 0.0, 0.3])
    flags: Flags = draws < by_kind[kind]
    return flags


def _risks(random: np.random.Generator, count: int) -> Ints:
    risks = np.stack([pick(random.random(count), _RISK_WEIGHTS) for _ in range(3)], axis=1)
    shown = 1 + pick(random.random(count), [60, 30, 10])
    for second in (1, 2):
        repeated = (risks[:, :second] == risks[:, [second]]).any(axis=1)
        risks[repeated | (shown <= second), second] = -1
    risks[(risks[:, 1] == -1), 2] = -1
    return risks

"""Households that change: split, merge, marry in, move, get another number or another head.

A village's changes are drawn first, from nothing but its place in the profile, and the families
they need are made to fit (``population.py``). Everybody exists from the beginning: who founds a
household in some month lives with the parents until then, and who joins another is a household of
his own before. So a month's families follow from comparing months, as births and deaths do.

A household that lives in another county for part of the time stays in the hands of the village it
is drawn with, whose county comes first; its rows go into the other county's files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from include.simulator.areas import Village, villages
from include.simulator.identifiers import household_numbers
from include.simulator.months import month
from include.simulator.profiles import Profile
from include.simulator.randomness import stream
from include.simulator.turns import turns

SPLIT, MERGED, MARRIED, RENUMBERED, WITHIN, ACROSS, OTHER_HEAD = range(7)
"""An adult child founds a household; an old parent gives up his own; a daughter marries into
another; the same people get another number; a household moves within its county, or to another,
which gives it a number of its own; the spouse becomes the head."""
RATES = {
    SPLIT: 0.0003, MERGED: 0.0002, MARRIED: 0.0003, RENUMBERED: 0.0002, WITHIN: 0.0003,
    ACROSS: 0.0002, OTHER_HEAD: 0.0003,
}  # fmt: skip
"""Share of households per month."""
_PAIRED = frozenset({SPLIT, MERGED, MARRIED})
_MONITORED = frozenset({RENUMBERED, WITHIN, ACROSS})
"""Changes that every second household goes through while it is monitored."""
_FIRST_PURPOSE = 12
"""The number of the first turn (``turns.py``); two of them are for moves across counties."""
_PURPOSES = (ACROSS, SPLIT, RENUMBERED, MERGED, MARRIED, WITHIN, OTHER_HEAD, ACROSS)
_FIRST, _LAST = month("2025-10"), month("2027-12")
_START, _NEAR_LINES, _END = 4, 6, 13
"""Households at the village's beginning, middle and end that have another part to play."""


@dataclass(frozen=True)
class Change:
    """What happens to ``household`` in the month ``when``.

    ``partner`` is the household it lived with before (SPLIT) or lives with from then on (MERGED),
    or the one a daughter marries into; -1 for none. ``place`` is where a household that moves lives
    the other part of the time: from ``when`` on, or, if it ``arrives``, until then.
    """

    kind: int
    household: int
    when: int
    partner: int = -1
    place: Village | None = None
    arrives: bool = False
    is_monitored: bool = False

    def is_away(self, period: int) -> bool:
        """Whether the household lives at the other place at the month's end."""
        return self.place is not None and (period < self.when) == self.arrives


@dataclass(frozen=True)
class Moves:
    """A village's changes, one per household at most, and second numbers of all households."""

    village: Village
    changes: tuple[Change, ...]
    other_numbers: tuple[str, ...]

    def of(self, *kinds: int) -> list[Change]:
        """The changes of some kinds."""
        return [change for change in self.changes if change.kind in kinds]

    @property
    def changed(self) -> list[int]:
        """Households that have a part in a change."""
        return sorted({*self.shared, *(change.household for change in self.changes)})

    @property
    def shared(self) -> list[int]:
        """Households that gain or lose members by a change: ordinary ones, without any help."""
        paired = self.of(*_PAIRED)
        return sorted({h for change in paired for h in (change.household, change.partner)})

    def vacant(self, period: int) -> frozenset[int]:
        """Households of which nobody lives apart at the month's end."""
        return frozenset(
            change.household
            for change in self.of(SPLIT, MERGED)
            if (period < change.when) == (change.kind == SPLIT)
        )

    def places(self, period: int) -> dict[int, Village]:
        """Where those households live that are not in the village at the month's end."""
        return {
            change.household: change.place
            for change in self.of(WITHIN, ACROSS)
            if change.place is not None and change.is_away(period)
        }

    def numbers(self, own: list[str], period: int) -> list[str]:
        """The households' numbers at the month's end, from those of the beginning."""
        found = list(own)
        for change in self.of(RENUMBERED, ACROSS):
            if period >= change.when:
                found[change.household] = self.other_numbers[change.household]
        return found


@lru_cache(maxsize=64)
def build(seed: int, profile: Profile, village: Village) -> Moves:
    """The changes of a village's households."""
    random = stream(seed, "moves", village.index)
    count, middle = village.households, village.households // 2
    free = [*range(_START, middle), *range(middle + _NEAR_LINES, count - _END)]
    random.shuffle(free)
    wanted = sorted(
        (when, kind)
        for number, kind in enumerate(_PURPOSES)
        for when in turns(village, _FIRST_PURPOSE + number)
    )
    for kind, rate in RATES.items():
        times = int(random.poisson(rate * count * (_LAST - _FIRST + 1)))
        months = random.integers(_FIRST, _LAST + 1, times).tolist()
        wanted += [(when, kind) for when in months]
    near = [v for v in villages(profile)[village.county.code] if v.code != village.code]
    far = [
        v
        for here in villages(profile).values()
        for v in here
        if v.county.position > village.county.position
    ]
    changes: list[Change] = []
    for number, (when, kind) in enumerate(wanted):
        draw = float(random.random())
        if len(free) < 1 + (kind in _PAIRED):
            continue
        places = near if kind == WITHIN else far if kind == ACROSS else []
        if kind in (WITHIN, ACROSS) and not places:
            continue
        changes.append(
            Change(
                kind,
                free.pop(),
                when,
                partner=free.pop() if kind in _PAIRED else -1,
                place=places[int(draw * len(places))] if places else None,
                arrives=(number + when + village.turn) % 2 == 1 and kind == ACROSS,
                is_monitored=kind in _MONITORED and (when + village.turn) % 2 == 0,
            )
        )
    others = household_numbers(seed, village.index, count, 1)
    return Moves(village, tuple(changes), tuple(others))

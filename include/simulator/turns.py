"""Whose turn it is, so that each month of the city has each rare situation once.

By chance alone the smallest profile would have months without a house that falls, a well that fails
or a child who leaves school. The counties take turns month by month, and within a county its
villages; a larger profile therefore has no more of these than a small one.
"""

from __future__ import annotations

from include.simulator.areas import Village
from include.simulator.months import month

_FIRST, _LAST = month("2025-10"), month("2027-12")


def turns(village: Village, purpose: int) -> list[int]:
    """The months in which the village is to have one case of ``purpose``.

    Purposes are spread: in one month each is with another county.
    """
    shifted = ((when, when + 3 * purpose) for when in range(_FIRST, _LAST + 1))
    return [
        when
        for when, turn in shifted
        if turn % 11 == village.county.position
        and turn // 11 % village.neighbours == village.position
    ]


def household_turns(village: Village, purpose: int) -> list[tuple[int, int]]:
    """(household, month): the turns of a purpose, each with a household of its own.

    They are counted from the village's end; the relapses of ``monitoring.py`` begin at its start.
    """
    numbered = enumerate(turns(village, purpose))
    found = ((village.households - 1 - purpose - 12 * n, when) for n, when in numbered)
    return [(household, when) for household, when in found if household >= 0]

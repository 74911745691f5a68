"""Numbers of people and households that exist nowhere else.

Resident IDs lie in the area 431099, which is assigned to no county, so that a checksum-valid
number can belong to nobody.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from include.simulator.months import date_of
from include.simulator.randomness import Ints, stream

AREA = "431099"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_GROUPS = 5
"""Villages fall into groups; a group has every fifth day for births, a village one order number per
sex and day. So numbers are unique over all villages although each is generated alone."""
_ORDERS = 499


def check_digit(first17: str) -> str:
    """The GB 11643-1999 check digit of 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def is_resident_id(number: str) -> bool:
    """Whether 18 characters end in their check digit."""
    return len(number) == 18 and number[:17].isdecimal() and check_digit(number[:17]) == number[17]


def resident_ids(village: int, sex: Ints, birth: Ints) -> tuple[list[str], Ints]:
    """Unique IDs for one village's people, and the birth days they carry.

    ``sex`` is 1 male or 2 female, ``birth`` days since 1970-01-01. A day that this village may not
    use, or has used for the same sex, moves to the nearest later one, by a few weeks at most.
    """
    group, member = village % _GROUPS, village // _GROUPS
    taken: set[tuple[int, int]] = set()
    numbers: list[str] = []
    days = np.empty(len(birth), dtype=np.int64)
    for i, (person_sex, wanted) in enumerate(zip(sex.tolist(), birth.tolist(), strict=True)):
        slot = (wanted - group) // _GROUPS
        while (person_sex, slot) in taken:
            slot += 1
        taken.add((person_sex, slot))
        day = slot * _GROUPS + group
        order = 2 * ((member + 37 * slot) % _ORDERS) + person_sex
        first17 = f"{AREA}{_compact(date_of(day))}{order:03d}"
        numbers.append(first17 + check_digit(first17))
        days[i] = day
    return numbers, days


def former_id(village: int, person_id: str) -> str:
    """A valid number that the person had before and nobody else has.

    A village's order numbers are taken from the end that no village's current numbers reach.
    """
    group_slot = dt.date(*(int(person_id[a:b]) for a, b in ((6, 10), (10, 12), (12, 14))))
    slot = (group_slot - dt.date(1970, 1, 1)).days // _GROUPS
    member = _ORDERS - 1 - (village // _GROUPS) % 90
    order = 2 * ((member + 37 * slot) % _ORDERS) + (int(person_id[16]) % 2 or 2)
    first17 = f"{person_id[:14]}{order:03d}"
    return first17 + check_digit(first17)


def household_numbers(seed: int, village: int, count: int, series: int = 0) -> list[str]:
    """16 digits, unique over all villages. None ends in 0, so that a rounded one can be told.

    Numbers of another ``series`` are those that households get later.
    """
    random = stream(seed, "household_no", village, *([series] if series else []))
    tails = random.integers(0, (1000, 9), size=(count, 2)).tolist()
    return [
        f"570{series}{village:04d}{position:04d}{middle:03d}{last + 1}"
        for position, (middle, last) in enumerate(tails, start=1)
    ]


def person_numbers(village: int, count: int) -> list[str]:
    """16 digits per person, unique over all villages."""
    return [f"5800{village:04d}{position:07d}5" for position in range(1, count + 1)]


def _compact(date: dt.date) -> str:
    return f"{date.year:04d}{date.month:02d}{date.day:02d}"

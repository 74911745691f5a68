"""Incomes on, just under and just over the thresholds of the income rules, in every month.

In the first villages of each county one household in six kinds takes turns; which, follows from
the village and the month, so that a month can be made without the one before.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache

import numpy as np

from include.settings import PROJECT_ROOT
from include.simulator.areas import Village
from include.simulator.randomness import Ints

_LINES = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_income_line.csv"
_VILLAGES = 4
"""Villages per county with such households."""
_ON, _UNDER, _REFERENCE_ON, _REFERENCE_UNDER, _FALL, _LESSER_FALL = range(6)
_KINDS = 6
_BEFORE, _AFTER = 20_000_00, 14_000_00
"""Fen per head before and after a fall by exactly three tenths."""


def move(
    village: Village,
    period: int,
    members: Ints,
    amounts: dict[str, Ints],
    parts: dict[str, tuple[str, ...]],
) -> None:
    """Change ``amounts`` (fen per household, parents and children) of this month's households.

    Wages make up the difference; where the other classes are above the goal already, they go.
    ``parts`` names the children of each parent.
    """
    for household, net, self_pay in _appointed(village, period):
        heads = int(members[household])
        goal = net * heads
        if int(amounts["d_transfer"][household]) > goal:
            continue
        rest = _without_wage(amounts, household)
        if rest > goal:
            for parent in ("b_business", "c_property", "e_business_expense"):
                for name in (parent, *parts[parent]):
                    amounts[name][household] = 0
            rest = _without_wage(amounts, household)
        wage = goal - rest
        main, *others = parts["a_wage"]
        small = int(sum(amounts[name][household] for name in others))
        if small > wage:
            small = 0
            for name in others:
                amounts[name][household] = 0
        amounts["a_wage"][household], amounts[main][household] = wage, wage - small
        amounts["claims_income"][household] = 0
        amounts["compliant_self_pay"][household] = self_pay * heads


def line(year: int) -> int:
    """The income line in fen per head; of the last known year where the year's is not set yet."""
    lines = _lines()
    return lines.get(year, lines[max(lines)])


def _appointed(village: Village, period: int) -> Iterator[tuple[int, int, int]]:
    """(household, net income per head, own payments per head) of a village's month, in fen."""
    if village.position >= _VILLAGES:
        return
    here = village.county.position * _VILLAGES + village.position
    now, following = (here + period) % _KINDS, (here + period + 1) % _KINDS
    monitored = line(period // 12)
    net, self_pay = {
        _ON: (monitored, 0),
        _UNDER: (monitored - 1, 0),
        _REFERENCE_ON: (monitored + 100_000, 100_000),
        _REFERENCE_UNDER: (monitored + 100_000, 100_001),
        _FALL: (_AFTER, 0),
        _LESSER_FALL: (_AFTER + 1, 0),
    }[now]
    first = village.households // 2
    if first + _KINDS <= village.households:
        yield first + now, net, self_pay
        if following in (_FALL, _LESSER_FALL):
            yield first + following, _BEFORE, 0


def _without_wage(amounts: dict[str, Ints], household: int) -> int:
    earned = sum(int(amounts[name][household]) for name in ("b_business", "c_property"))
    transfer, expense = amounts["d_transfer"][household], amounts["e_business_expense"][household]
    return earned + int(transfer) - int(expense)


@cache
def _lines() -> dict[int, int]:
    with _LINES.open(encoding="utf-8", newline="") as file:
        return {
            int(row["year"]): int(np.round(float(row["yuan_pp"]) * 100))
            for row in csv.DictReader(file)
        }

"""A household's income of the last twelve months, by the national system's tree A to E."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator import near_lines
from include.simulator.monitoring import SUDDEN, Monitoring, MonthState
from include.simulator.population import Population
from include.simulator.randomness import Ints, pick, stream
from include.simulator.roster import Roster
from include.simulator.welfare import Welfare

CHILDREN = {
    "a_wage": ("a1_migrant_work", "a2_department_post", "a3_township_post", "a4_village_post",
               "a5_picking"),
    "b_business": ("b1_crops", "b2_livestock", "b3_forestry", "b4_other_business"),
    "c_property": ("c1_asset_dividend", "c2_land_transfer", "c3_finance", "c4_entrusted_farming",
                   "c5_other_property"),
    "d_transfer": ("d1_family_planning", "d2_dibao", "d3_tekun", "d4_pension", "d5_ecology",
                   "d6_other_transfer"),
    "e_business_expense": ("e1_crops_expense", "e2_livestock_expense", "e3_forestry_expense",
                           "e4_other_expense"),
}  # fmt: skip
_WEIGHTS = {
    "a_wage": (82, 4, 3, 8, 3),
    "b_business": (45, 30, 15, 10),
    "c_property": (35, 45, 8, 4, 8),
}
_PENSION = 2_640_00
"""Yearly rural pension in fen."""


@dataclass(frozen=True)
class Incomes:
    """Amounts in fen per household: parents, children, claims and self-payment."""

    amounts: dict[str, Ints]

    @property
    def gross(self) -> Ints:
        """A + B + C + D."""
        names = ("a_wage", "b_business", "c_property", "d_transfer")
        return np.sum([self.amounts[name] for name in names], axis=0, dtype=np.int64)

    @property
    def net(self) -> Ints:
        """A + B + C + D - E."""
        return self.gross - self.amounts["e_business_expense"]


def build(
    seed: int,
    people: Population,
    monitoring: Monitoring,
    state: MonthState,
    welfare: Welfare,
    listed: Roster,
) -> Incomes:
    """The incomes the county records for the month."""
    village, count = people.village.index, people.households
    random = stream(seed, "income", village)
    members = np.maximum(listed.members, 1)
    usual = _net_per_head(random, people, monitoring, state) * members
    drift = stream(seed, "income of a month", village, listed.period)
    target = usual * (1 + 0.01 * drift.standard_normal(count))

    amounts = _transfers(random, people, welfare, listed)
    transfer = np.sum([amounts[name] for name in CHILDREN["d_transfer"]], axis=0, dtype=np.int64)
    earned = np.maximum(target - transfer, 0.06 * target)
    shares = random.dirichlet((6.0, 2.4, 0.5), count)
    cost = 0.25 + 0.25 * random.random(count)
    wage, business, property_ = (
        np.round(earned * share).astype(np.int64)
        for share in (shares[:, 0], shares[:, 1] / (1 - cost), shares[:, 2])
    )
    expense = np.round(business * cost).astype(np.int64)
    for parent, total in (("a_wage", wage), ("b_business", business), ("c_property", property_)):
        amounts |= _split(random, parent, total, _WEIGHTS[parent])
    # Each line of business has the costs of its own sales, so the shares are the same.
    ratio = [amounts[name] / np.maximum(business, 1) for name in CHILDREN["b_business"]]
    parts = [np.floor(expense * share).astype(np.int64) for share in ratio]
    parts[0] += expense - np.sum(parts, axis=0, dtype=np.int64)
    amounts |= dict(zip(CHILDREN["e_business_expense"], parts, strict=True))
    amounts |= {"a_wage": wage, "b_business": business, "c_property": property_}
    amounts |= {"d_transfer": transfer, "e_business_expense": expense}
    amounts |= _illness(random, monitoring, state)
    near_lines.move(people.village, listed.period, members, amounts, CHILDREN)
    return Incomes(amounts)


def _net_per_head(
    random: np.random.Generator, people: Population, monitoring: Monitoring, state: MonthState
) -> Ints:
    """Target in fen; the households at risk are the poor ones, the cleared ones no longer."""
    normal = random.standard_normal(len(monitoring.kind))
    ordinary = 15_500 * np.exp(0.28 * normal)
    ex_poor = 14_000 * np.exp(0.24 * normal)
    at_risk = 8_300 * np.exp(0.18 * normal)
    cleared = 12_500 * np.exp(0.14 * normal)
    poor_kind = (monitoring.kind > 0) & (monitoring.kind != SUDDEN)
    net = np.select(
        [state.in_force & poor_kind, state.known & poor_kind, monitoring.ex_poor],
        [at_risk, cleared, ex_poor],
        default=ordinary,
    )
    # In every fourth village, of those cleared by help, one lies under the line, one just over it.
    if people.village.turn % 4 == 0:
        helped = state.known & ~state.in_force & poor_kind & ~monitoring.natural
        for target, position in zip((8_700, 9_150), np.flatnonzero(helped)[:2], strict=False):
            net[position] = target
    return np.round(net * 100).astype(np.int64)


def _transfers(
    random: np.random.Generator, people: Population, welfare: Welfare, listed: Roster
) -> dict[str, Ints]:
    count = people.households
    old = listed.rows[people.age(listed.period)[listed.rows] >= 60]
    pensioners = np.bincount(people.at(listed.period).household[old], minlength=count)

    def sometimes(share: float, low: int, high: int) -> Ints:
        hit = random.random(count) < share
        return np.where(hit, random.integers(low, high, count) * 100, 0).astype(np.int64)

    return {
        "d1_family_planning": sometimes(0.08, 960, 1921),
        "d2_dibao": welfare.dibao_last_year(listed.period),
        "d3_tekun": welfare.tekun_last_year(listed.period),
        "d4_pension": (pensioners * _PENSION).astype(np.int64),
        "d5_ecology": sometimes(0.5, 50, 900),
        "d6_other_transfer": sometimes(0.45, 100, 1800),
    }


def _split(
    random: np.random.Generator, parent: str, total: Ints, weights: tuple[int, ...]
) -> dict[str, Ints]:
    """Divide each total exactly; most households have one main source and perhaps a second."""
    count = len(total)
    main, second = pick(random.random(count), weights), pick(random.random(count), weights)
    part = np.where(random.random(count) < 0.6, 0, np.floor(total * 0.4 * random.random(count)))
    children = np.zeros((len(weights), count), dtype=np.int64)
    rows = np.arange(count)
    np.add.at(children, (second, rows), part.astype(np.int64))
    np.add.at(children, (main, rows), total - part.astype(np.int64))
    return dict(zip(CHILDREN[parent], children, strict=True))


def _illness(
    random: np.random.Generator, monitoring: Monitoring, state: MonthState
) -> dict[str, Ints]:
    count = len(monitoring.kind)
    hit = state.in_force & (monitoring.kind == SUDDEN)
    pay = np.where(
        hit, 20_000 * np.exp(0.5 * random.standard_normal(count)), 400 * random.random(count)
    )
    self_pay = np.where(hit | (random.random(count) < 0.3), np.round(pay * 100), 0)
    claims = np.round(self_pay * np.where(random.random(count) < 0.35, 0.4, 0.0))
    return {
        "claims_income": claims.astype(np.int64),
        "compliant_self_pay": self_pay.astype(np.int64),
    }

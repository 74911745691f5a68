"""The real villages the simulated households live in."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from include.settings import PROJECT_ROOT
from include.simulator.profiles import Profile

SEED = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_area.csv"

CITY = "431000"
POPULATION = {
    "431002": 555, "431003": 460, "431021": 690, "431022": 577, "431023": 540, "431024": 350,
    "431025": 332, "431026": 338, "431027": 157, "431028": 350, "431081": 318,
}  # fmt: skip
"""Thousands of residents per county: weights for spreading households, not statistics."""
FORMERLY_POOR = frozenset({"431022", "431026", "431027", "431028"})


@dataclass(frozen=True)
class County:
    """A county and its place in the list of counties, from which its office's habits follow."""

    code: str
    name: str
    position: int


@dataclass(frozen=True)
class Village:
    """An administrative village (村委会) with how many households the profile puts there.

    ``index`` counts all rural villages of the city (1..), whatever the profile: identifiers are
    made from it. ``position`` counts the profile's villages within the county (0..).
    """

    index: int
    position: int
    code: str
    name: str
    township_code: str
    township_name: str
    mca_township_code: str
    county: County
    households: int
    neighbours: int
    """How many villages the profile has in this county."""

    @property
    def turn(self) -> int:
        """The village's number in the profile: who takes turns by it spreads over the city."""
        return self.county.position * self.neighbours + self.position


@cache
def counties() -> tuple[County, ...]:
    """The eleven counties in the order of their codes."""
    listed = sorted((r["area_code"][:6], r["name_zh"]) for r in _areas() if r["level"] == "county")
    return tuple(County(code, name, i) for i, (code, name) in enumerate(listed))


@cache
def villages(profile: Profile) -> dict[str, tuple[Village, ...]]:
    """County code -> the profile's villages there, in the order of their codes."""
    townships = {r["area_code"]: r for r in _areas() if r["level"] == "township"}
    rural = [
        (index, row, townships[row["parent_code"]])
        for index, row in enumerate(_rural_villages(), start=1)
        if townships[row["parent_code"]]["statistical_only"] != "Y"
    ]
    chosen: dict[str, tuple[Village, ...]] = {}
    for county, households in zip(counties(), _households_per_county(profile), strict=True):
        here = [item for item in rural if item[1]["area_code"].startswith(county.code)]
        count = profile.villages_per_county or len(here)
        sample = [here[i * len(here) // count] for i in range(count)]
        chosen[county.code] = tuple(
            Village(
                index,
                position,
                row["area_code"],
                row["name_zh"],
                township["area_code"],
                township["name_zh"],
                township["mca_township_code"],
                county,
                households * (position + 1) // count - households * position // count,
                count,
            )
            for position, (index, row, township) in enumerate(sample)
        )
    return chosen


def _households_per_county(profile: Profile) -> list[int]:
    codes = [county.code for county in counties()]
    equal = profile.villages_per_county is not None
    weights = [1 if equal else POPULATION[code] for code in codes]
    edges, total = [0], sum(weights)
    for weight in weights:
        edges.append(edges[-1] + weight)
    cuts = [profile.households * edge // total for edge in edges]
    return [after - before for before, after in pairwise(cuts)]


def _rural_villages() -> list[dict[str, str]]:
    # NBS gives village committees the last three digits 200-399, residents' committees 001-199.
    return [
        row
        for row in _areas()
        if row["level"] == "village" and 200 <= int(row["area_code"][9:]) <= 399
    ]


@cache
def _areas() -> tuple[dict[str, str], ...]:
    with SEED.open(encoding="utf-8", newline="") as file:
        return tuple(sorted(csv.DictReader(file), key=lambda row: row["area_code"]))

"""Names of people: frequent ones mostly, and characters that only GB18030 can write."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np

from include.simulator.randomness import Ints, pick

DATA = Path(__file__).parent / "data"
RARE = "䶮𬭎㛃𠅤"
"""Not in GBK, or outside the basic plane: four bytes each in GB18030."""
_RARE_SHARE = 0.004


@cache
def _surnames() -> tuple[list[str], list[float]]:
    with (DATA / "surnames.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["surname"] for row in rows], [float(row["weight"]) for row in rows]


@cache
def _given_names(sex: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with (DATA / "given_names.csv").open(encoding="utf-8", newline="") as file:
        names = [row["given_name"] for row in csv.DictReader(file) if int(row["sex"]) == sex]
    return tuple(n for n in names if len(n) == 1), tuple(names)


def surnames(random: np.random.Generator, count: int) -> list[str]:
    """Surnames by their frequency."""
    listed, weights = _surnames()
    return [listed[i] for i in pick(random.random(count), weights).tolist()]


def given_names(random: np.random.Generator, sex: Ints) -> list[str]:
    """Given names by sex (1 male, 2 female): half from the list, half two of its characters."""
    draws = random.random((len(sex), 4)).tolist()
    names = []
    for person_sex, (way, first, second, rare) in zip(sex.tolist(), draws, strict=True):
        single, whole = _given_names(person_sex)
        if way < 0.5:
            name = whole[int(first * len(whole))]
        else:
            name = single[int(first * len(single))] + single[int(second * len(single))]
        if rare < _RARE_SHARE:
            name = name[:-1] + RARE[int(rare / _RARE_SHARE * len(RARE))]
        names.append(name)
    return names

"""Which figures to hide so that no subtraction gives a small one, and the proof of it.

A table is a set of equations over its figures. Whoever has it knows the figures shown, that all are
whole numbers, and that a hidden one is not 0, for zeros are shown; of a hidden one he knows the
interval of values that some solution has. A small figure is protected if this reaches the limit, so
that not even its being small can be told, and is as wide as the limit less one.

For each small figure, a mixed-integer programme (HiGHS, by scipy) looks for another table that has
a large enough value there and changes as little as it can besides (Kelly, Golden and Assad, Cell
suppression, Networks 22, 1992); what it changes is hidden too. Then ``demand`` asks for the least
and the greatest value of each protected figure that what is shown admits. Nothing is released that
this refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, hstack

from include.release.declared import ExtractRefused

Name = Any
"""Whatever tells a figure from others; hashable."""
_GAP = 1e-6
_SECONDS = 60
_ROUNDS = 4
"""Hiding more lowers the lower end too, so one round nearly always does."""


@dataclass
class Tables:
    """Figures by name, and equations (name -> coefficient) that sum to 0.

    ``wide`` are the figures to protect: (reach, width) of the interval that must stay possible, its
    upper end and its length at least. ``known`` were shown before and can be hidden no more.
    ``cost`` is the price of hiding a figure.
    """

    figures: dict[Name, int] = field(default_factory=dict)
    equations: list[dict[Name, int]] = field(default_factory=list)
    wide: dict[Name, tuple[int, int]] = field(default_factory=dict)
    known: set[Name] = field(default_factory=set)
    hidden: set[Name] = field(default_factory=set)
    cost: dict[Name, float] = field(default_factory=dict)


def hide(tables: Tables) -> set[Name]:
    """The figures to hide: ``hidden``, those of ``wide``, and what they need besides.

    The order is that of the figures, so the same tables give the same answer. Raises
    ExtractRefused where a figure cannot be protected.
    """
    hidden = {name for name in (*tables.hidden, *tables.wide) if name not in tables.known}
    part_of = _connected(tables)
    for name in tables.figures:
        if name not in tables.wide or name in tables.known:
            continue
        for _ in range(_ROUNDS):
            low, high = interval(tables, hidden, name)
            reach, width = tables.wide[name]
            if _covers((low, high), reach, width):
                break
            aim = max(reach, int(low) + width)
            hidden |= _alternative(tables, part_of[name], name, aim, hidden)
    demand(tables, hidden)
    return hidden


def demand(tables: Tables, hidden: set[Name]) -> None:
    """Raises ExtractRefused where what is shown tells more of a figure than it may."""
    open_ = [
        name
        for name, (low, high) in tables.wide.items()
        if name not in tables.known and not _covers(interval(tables, hidden, name), low, high)
    ]
    if open_:
        raise ExtractRefused(
            f"{len(open_)} small figures would follow from what is shown.",
            remedy="publish less: take a category or a level out of include/release/extracts.yml.",
        )


def interval(tables: Tables, hidden: set[Name], name: Name) -> tuple[float, float]:
    """The least and the greatest value of a figure that the others admit; infinite without end."""
    if name not in hidden:
        return tables.figures[name], tables.figures[name]
    names, matrix, right = _unknown(tables, hidden, name)
    at = names.index(name)
    ends = []
    for sign in (1, -1):
        goal = np.zeros(len(names))
        goal[at] = sign
        solved = milp(
            goal,
            integrality=np.ones(len(names)),
            bounds=Bounds([_least(tables.figures[each]) for each in names], np.inf),
            constraints=[LinearConstraint(matrix, right, right)] if matrix.shape[0] else [],
            options={"time_limit": _SECONDS},
        )
        if solved.status == 0:
            ends.append(float(sign * round(solved.fun)))
        elif "nbounded" in solved.message:  # the true figures are a solution: never infeasible
            ends.append(-sign * np.inf)
        else:
            ends.append(float(tables.figures[name]))  # not solved in time: counts as known
    return ends[0], ends[1]


def _least(figure: int) -> float:
    """What a hidden figure is at least: sums of money below 0 are there, and have no bound."""
    return 1.0 if figure > 0 else -np.inf


def _covers(found: tuple[float, float], reach: int, width: int) -> bool:
    low, high = found
    return high >= reach and high - low >= width


def _alternative(
    tables: Tables, part: list[int], name: Name, value: int, hidden: set[Name]
) -> set[Name]:
    """What differs in the cheapest other table in which a figure has a greater value."""
    equations = [tables.equations[number] for number in part]
    names = list(
        dict.fromkeys(
            [
                name,
                *(
                    each
                    for equation in equations
                    for each in equation
                    if each not in tables.known and tables.figures[each] != 0
                ),
            ]
        )
    )
    at = {each: place for place, each in enumerate(names)}
    size = len(names)
    figures = np.array([tables.figures[each] for each in names], dtype=float)
    # Figures may rise without end and fall to the least they can be: two variables each, from 0.
    matrix = _matrix(equations, at, size)
    both = hstack([matrix, -matrix]).tocsr()
    # What is hidden already costs next to nothing, and then the least change: ties are broken.
    price = np.array([1e-4 if each in hidden else tables.cost.get(each, 1.0) for each in names])
    upper = np.concatenate(
        [np.full(size, np.inf), figures - [_least(int(figure)) for figure in figures]]
    )
    lower = np.zeros(2 * size)
    lower[0] = upper[0] = value - tables.figures[name]
    upper[size] = 0
    solved = milp(
        np.concatenate([price, price]),
        integrality=np.ones(2 * size),
        bounds=Bounds(lower, upper),
        constraints=[LinearConstraint(both, 0, 0)] if both.shape[0] else [],
        options={"time_limit": _SECONDS, "mip_rel_gap": _GAP},
    )
    if solved.x is None:
        raise ExtractRefused(
            "a small figure cannot be hidden: it follows from what was shown before.",
            remedy="an earlier extract of this or a neighbouring month tells the rest; the figures "
            "of this version may not leave.",
        )
    moved = np.abs(solved.x[:size] - solved.x[size:]) > 0.5
    return {each for each, is_moved in zip(names, moved, strict=True) if is_moved}


def _unknown(
    tables: Tables, hidden: set[Name], name: Name
) -> tuple[list[Name], csr_matrix, np.ndarray]:
    """Hidden figures that hang together with one, their equations, and what these sum to."""
    holding: dict[Name, list[int]] = {}
    for number, equation in enumerate(tables.equations):
        for each in equation:
            if each in hidden:
                holding.setdefault(each, []).append(number)
    names, rows, todo = [name], dict.fromkeys(holding.get(name, ())), [name]
    seen = {name}
    while todo:
        for number in holding.get(todo.pop(), ()):
            rows[number] = None
            for each in tables.equations[number]:
                if each in hidden and each not in seen:
                    seen.add(each)
                    names.append(each)
                    todo.append(each)
    at = {each: place for place, each in enumerate(names)}
    equations = [tables.equations[number] for number in rows]
    right = np.array(
        [
            -sum(c * tables.figures[each] for each, c in equation.items() if each not in hidden)
            for equation in equations
        ],
        dtype=float,
    )
    return names, _matrix(equations, at, len(names)), right


def _matrix(
    equations: Iterable[Mapping[Name, int]], at: Mapping[Name, int], size: int
) -> csr_matrix:
    rows, columns, values = [], [], []
    count = 0
    for equation in equations:
        for each, coefficient in equation.items():
            if each in at:
                rows.append(count)
                columns.append(at[each])
                values.append(float(coefficient))
        count += 1
    return csr_matrix((values, (rows, columns)), shape=(count, size))


def _connected(tables: Tables) -> dict[Name, list[int]]:
    """For each figure the equations that hang together with it, through whatever figures."""
    holding: dict[Name, list[int]] = {}
    for number, equation in enumerate(tables.equations):
        for each in equation:
            holding.setdefault(each, []).append(number)
    found: dict[Name, list[int]] = {}
    for name in tables.figures:
        if name in found:
            continue
        seen, todo, rows = {name}, [name], set()
        while todo:
            for number in holding.get(todo.pop(), ()):
                if number not in rows:
                    rows.add(number)
                    fresh = [each for each in tables.equations[number] if each not in seen]
                    seen.update(fresh)
                    todo.extend(fresh)
        part = sorted(rows)
        found.update(dict.fromkeys(seen, part))
    return found

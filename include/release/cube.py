"""The figures of a published month by area and category, and the equations between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from typing import Any

import psycopg
from psycopg import sql

from include.areas.history import current
from include.release.declared import Category, Declared, Limits
from include.release.hide import Tables

CITY = "431000"
_PRICE = {"township": 1.0, "county": 8.0, "city": 64.0}
"""What hiding costs: rather figures of small areas than of large ones."""


@dataclass(frozen=True)
class Figure:
    """A figure; ``possible`` is what its interval must have, (reach, width), where it is small."""

    amount: int
    possible: tuple[int, int] | None = None


@dataclass(frozen=True)
class Cube:
    """``figures`` by (area, category); ``parents`` area -> the one above; ``names`` of areas."""

    period: str
    figures: dict[tuple[str, str], Figure]
    parents: dict[str, str]
    names: dict[str, str]

    def level(self, area: str) -> str:
        """city, county or township."""
        if area == CITY:
            return "city"
        return "county" if self.parents[area] == CITY else "township"

    def areas(self, level: str) -> list[str]:
        """The areas of a level and those above, each after the one it lies in."""
        shown = ("city", "county", *(("township",) if level == "township" else ()))
        # A township's code begins with its county's, so the codes' order is that of the tree.
        return [area for area in sorted(self.names) if self.level(area) in shown]


def read(connection: psycopg.Connection[Any], period: str, said: Declared, limits: Limits) -> Cube:
    """The cube of the month that marts show; empty where no county is published."""
    parents: dict[str, str] = {}
    figures: dict[tuple[str, str], Figure] = {}
    counts = [c for c in said.categories if c.condition is not None]
    for row in _grouped(connection, period, counts):
        county, township, *amounts = row
        parents[county], parents[township] = CITY, county
        for category, amount in zip(counts, amounts, strict=True):
            areas = (county, CITY) if category.level == "county" else (township, county, CITY)
            for area in areas:
                before = figures.get((area, category.name), Figure(0))
                figures[area, category.name] = Figure(before.amount + amount)
    figures = {place: _count(figure.amount, limits) for place, figure in figures.items()}
    figures |= _amounts(connection, period, said, limits)
    figures |= _scorecard(connection, period, said, limits)
    names = _area_names()
    known = {CITY, *parents} if parents else set()
    return Cube(period, figures, parents, {area: names.get(area, "未明") for area in sorted(known)})


def equations(
    places: set[tuple[str, str]], parents: dict[str, str], said: Declared
) -> Iterator[dict[tuple[str, str], int]]:
    """The equations that hold between figures: areas add up, and so do categories."""
    children: dict[str, list[str]] = {}
    for area, parent in parents.items():
        children.setdefault(parent, []).append(area)
    for category in said.categories:
        for parent, areas in children.items():
            parts = [(area, category.name) for area in areas if (area, category.name) in places]
            if (parent, category.name) in places and parts:
                yield {(parent, category.name): -1, **dict.fromkeys(parts, 1)}
    for area in (CITY, *parents):
        for one in said.sums:
            terms = {one.whole: -1, **dict.fromkeys(one.parts, 1), **dict.fromkeys(one.less, -1)}
            if all((area, name) in places for name in terms):
                yield {(area, name): sign for name, sign in terms.items()}


def price(cube: Cube, place: tuple[str, str], said: Declared) -> float:
    """What it costs to hide a figure, for each unit that it is blurred by."""
    area, name = place
    figure = cube.figures[place]
    scale = 1.0 / max(abs(figure.amount), 1) if said.category(name).amount else 1.0
    return _PRICE[cube.level(area)] * log2(2 + abs(figure.amount)) * scale


def add(
    tables: Tables,
    found: dict[tuple[str, str], Figure],
    name_of: dict[tuple[str, str], Any],
    parents: dict[str, str],
    said: Declared,
) -> None:
    """Put a month's figures and those of its equations that hold into the tables."""
    for place, figure in found.items():
        tables.figures[name_of[place]] = figure.amount
    for equation in equations(set(found), parents, said):
        if sum(sign * found[place].amount for place, sign in equation.items()) == 0:
            named: dict[Any, int] = {}
            for place, sign in equation.items():
                named[name_of[place]] = named.get(name_of[place], 0) + sign
            tables.equations.append({name: sign for name, sign in named.items() if sign})


def _area_names() -> dict[str, str]:
    """The names of today's areas, by six digits down to counties and by twelve below."""
    return {
        code[:6] if area.level in ("city", "county") else code: area.name
        for code, area in current().items()
    }


def _count(amount: int, limits: Limits) -> Figure:
    return Figure(amount, (limits.limit, limits.limit - 1) if 0 < amount < limits.limit else None)


def _grouped(
    connection: psycopg.Connection[Any], period: str, counts: list[Category]
) -> list[tuple[Any, ...]]:
    selected = ", ".join(f"count(*) filter (where {c.condition})::bigint" for c in counts)
    return connection.execute(
        (
            "select h.county_code, coalesce(h.township_code, h.county_code || '-'), "
            f"{selected} {_HOUSEHOLDS} group by 1, 2 order by 1, 2"
        ).encode(),
        {"period": period},
    ).fetchall()


def _amounts(
    connection: psycopg.Connection[Any], period: str, said: Declared, limits: Limits
) -> dict[tuple[str, str], Figure]:
    """Whole yuan by county, and of the city as the sum of these. A wholesale sum is that of its
    rounded parts, so that everything adds up."""
    found: dict[tuple[str, str], Figure] = {}
    wholes = {s.whole: s.parts for s in said.sums}
    money = [c for c in said.categories if c.amount is not None]
    amounts: dict[tuple[str, str], int] = {}
    closed: set[tuple[str, str]] = set()
    for category in money:
        rows = connection.execute(
            (
                "select county_code, round(sum(x))::bigint, count(*) filter (where x <> 0),"
                " coalesce((array_agg(x order by x desc))[1], 0),"
                " coalesce((array_agg(x order by x desc))[2], 0), sum(x)"
                f" from (select h.county_code, coalesce({category.amount}, 0) as x {_HOUSEHOLDS})"
                " as one group by grouping sets ((county_code), ()) order by 1"
            ).encode(),
            {"period": period},
        ).fetchall()
        for county, amount, contributors, first, second, total in rows:
            place = (county or CITY, category.name)
            if amount is None:
                continue
            amounts[place] = amount
            few = 0 < contributors < limits.money_contributors
            rest = total - first - second
            if amount != 0 and (few or rest * 100 < limits.money_p_percent * first):
                closed.add(place)
    for category in money:
        for area in {area for area, _ in amounts}:
            if parts := wholes.get(category.name):
                amounts[area, category.name] = sum(amounts[area, part] for part in parts)
    for category in money:
        counties = [a for (a, name) in amounts if name == category.name and a != CITY]
        if counties:
            amounts[CITY, category.name] = sum(amounts[a, category.name] for a in counties)
    for place, amount in amounts.items():
        width = max(abs(amount) * limits.money_width_percent // 100, 1)
        possible = (amount + width, 2 * width) if place in closed else None
        found[place] = Figure(amount, possible)
    return found


def _scorecard(
    connection: psycopg.Connection[Any], period: str, said: Declared, limits: Limits
) -> dict[tuple[str, str], Figure]:
    """Figures of counties that their scorecard alone has; none where it has none."""
    listed = [c for c in said.categories if c.scorecard is not None]
    rows = connection.execute(
        sql.SQL(
            "select county_code, {columns} from marts.county_scorecard"
            " where period = {period} and data_status = 'published' order by county_code"
        ).format(
            columns=sql.SQL(", ").join(sql.Identifier(str(c.scorecard)) for c in listed),
            period=sql.Literal(period),
        )
    ).fetchall()
    return {
        (county, category.name): _count(amount, limits)
        for county, *amounts in rows
        for category, amount in zip(listed, amounts, strict=True)
        if amount is not None
    }


_HOUSEHOLDS = """
from marts.household_month as h
inner join marts.assistance_coverage as a
    on h.period = a.period and h.household_key = a.household_key
inner join marts.medical_burden as m
    on h.period = m.period and h.household_key = m.household_key
left join (
    select distinct on (household_key) household_key, risk_1
    from marts.monitoring_episode
    where period = %(period)s and state = 'in_force'
    order by household_key, episode_no desc
) as e on h.household_key = e.household_key
where h.period = %(period)s
"""

"""What was hidden of a publication, on record: chosen once, with regard to all that left before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include.release import cube as cubes
from include.release.cube import Cube, Figure
from include.release.declared import Declared, Limits
from include.release.hide import Name, Tables, hide

_LOCK = 431026
Place = tuple[str, str]


@dataclass(frozen=True)
class Earlier:
    """A release on record: its figures, and the places of those hidden."""

    period: str
    figures: dict[Place, Figure]
    hidden: set[Place]


def hidden_of(
    connection: psycopg.Connection[Any],
    publication_id: int,
    cube: Cube,
    said: Declared,
    limits: Limits,
) -> set[Place]:
    """The places that all extracts of a publication hide; chosen and recorded the first time.

    All releases of the month's versions and of its neighbours are part of what an outsider knows.
    Raises ExtractRefused.
    """
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    if (known := _load(connection, publication_id)) is not None:
        return known.hidden
    tables, name_of = joined(cube, _earlier(connection, cube.period), said)
    hidden = hide(tables)
    places = {place for place, name in name_of.items() if name in hidden}
    _store(connection, publication_id, cube, places, limits)
    return places


def joined(cube: Cube, earlier: list[Earlier], said: Declared) -> tuple[Tables, dict[Place, Name]]:
    """The tables of a month together with those released before, and the names of its figures.

    What is the same figure has one name: a figure of a month that an earlier version had with the
    same amount (whoever has both takes it for unchanged), and one that repeats another month's.
    """
    tables = Tables()
    for release in earlier:
        names = _names(release.period, release.figures, said)
        # Areas lie in each other by their codes: a township's begins with its county's.
        parents = {a: _parent(a) for a, _ in release.figures if a != cubes.CITY}
        cubes.add(tables, release.figures, names, parents, said)
        for place, figure in release.figures.items():
            if place in release.hidden:
                tables.hidden.add(names[place])
                if figure.possible:
                    tables.wide[names[place]] = figure.possible
            else:
                tables.known.add(names[place])
    names = _names(cube.period, cube.figures, said)
    cubes.add(tables, cube.figures, names, cube.parents, said)
    for place, figure in cube.figures.items():
        tables.cost[names[place]] = cubes.price(cube, place, said)
        if figure.possible:
            tables.wide[names[place]] = figure.possible
    return tables, names


def _names(period: str, figures: dict[Place, Figure], said: Declared) -> dict[Place, Name]:
    repeats = {c.name: c.month_before for c in said.categories if c.month_before}
    return {
        (area, category): (
            (month_before(period), area, repeats[category], figure.amount)
            if category in repeats
            else (period, area, category, figure.amount)
        )
        for (area, category), figure in figures.items()
    }


def month_before(period: str) -> str:
    """The month before, YYYY-MM."""
    year, month = int(period[:4]), int(period[5:])
    return f"{year - (month == 1)}-{(month - 2) % 12 + 1:02d}"


def _parent(area: str) -> str:
    return cubes.CITY if len(area) == len(cubes.CITY) else area[: len(cubes.CITY)]


def _earlier(connection: psycopg.Connection[Any], period: str) -> list[Earlier]:
    rows = connection.execute(
        "select publication_id from ops.release"
        " where to_date(period, 'YYYY-MM') between to_date(%(p)s, 'YYYY-MM') - interval '1 month'"
        " and to_date(%(p)s, 'YYYY-MM') + interval '1 month' order by publication_id",
        {"p": period},
    ).fetchall()
    found = (_load(connection, publication_id) for (publication_id,) in rows)
    return [release for release in found if release is not None]


def _load(connection: psycopg.Connection[Any], publication_id: int) -> Earlier | None:
    period = connection.execute(
        "select period from ops.release where publication_id = %s", [publication_id]
    ).fetchone()
    if period is None:
        return None
    figures: dict[Place, Figure] = {}
    hidden: set[Place] = set()
    for area, category, amount, is_hidden, reach, width in connection.execute(
        "select area_code, category, amount, is_hidden, reach, width"
        " from ops.release_cell where publication_id = %s order by area_code, category",
        [publication_id],
    ):
        figures[area, category] = Figure(amount, None if reach is None else (reach, width))
        if is_hidden:
            hidden.add((area, category))
    return Earlier(period[0], figures, hidden)


def _store(
    connection: psycopg.Connection[Any],
    publication_id: int,
    cube: Cube,
    hidden: set[Place],
    limits: Limits,
) -> None:
    small = sum(cube.figures[place].possible is not None for place in hidden)
    connection.execute(
        "insert into ops.release (publication_id, period, limits, hidden_small, hidden_besides)"
        " values (%s, %s, %s, %s, %s)",
        [publication_id, cube.period, Jsonb(asdict(limits)), small, len(hidden) - small],
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.release_cell (publication_id, area_code, category, amount, is_hidden,"
            " reach, width) values (%s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    publication_id, area, category, figure.amount, (area, category) in hidden,
                    *(
                        figure.possible
                        if figure.possible and (area, category) in hidden
                        else (None, None)
                    ),
                )
                for (area, category), figure in sorted(cube.figures.items())
            ],
        )  # fmt: skip

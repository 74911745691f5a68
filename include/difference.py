"""What a publication changes against the version it replaces: counts by mart, county and column.

Set-based: one full join per mart whose hash differs, of which only rows that differ are looked
into. Counts only: what a row held is in ``archive`` and ``marts``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.marts import Mart

_NO_CHANGE = (0, 0, 0)


@dataclass(frozen=True)
class Change:
    """Rows of a mart's county added, removed and changed; with a column, rows whose value changed.

    ``added`` of a column counts values in a column that the replaced version did not have.
    """

    mart: str
    county_code: str | None
    column_name: str | None
    added: int
    removed: int
    changed: int


def rows_of(
    schema: str, mart: Mart, period: str, publication_id: int | None = None
) -> sql.Composed:
    """The mart's rows of a month as a subquery; of one publication where it lies in the archive."""
    only = sql.SQL("" if publication_id is None else " and publication_id = {}").format(
        sql.Literal(publication_id)
    )
    return sql.SQL("(select {columns} from {table} where period = {period}{only})").format(
        columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in mart.columns),
        table=sql.Identifier(schema, mart.name),
        period=sql.Literal(period),
        only=only,
    )


def compare(
    connection: psycopg.Connection[Any],
    mart: Mart,
    old: sql.Composed,
    new: sql.Composed,
    unfilled: Iterable[str] = (),
) -> list[Change]:
    """How ``new`` differs from ``old``, both ``rows_of`` one mart and month.

    ``unfilled`` are columns that the old version did not have yet: to fill them changes no row.
    """
    names = mart.content_columns
    filled = sorted(set(names).intersection(unfilled))
    compared = [name for name in names if name not in {*filled, *mart.grain}]
    differs = sql.SQL(" or ").join(
        sql.SQL("o.{0} is distinct from n.{0}").format(sql.Identifier(name))
        for name in [*compared, *filled]
    )
    changed = sql.SQL(", ").join(
        sql.SQL("case when o.{0} is distinct from n.{0} then {1} end").format(
            sql.Identifier(name), sql.Literal(name)
        )
        for name in compared
    )
    gained = sql.SQL(", ").join(
        sql.SQL("case when n.{0} is not null then {1} end").format(
            sql.Identifier(name), sql.Literal(name)
        )
        for name in filled
    )
    county = (
        sql.SQL("coalesce(n.county_code, o.county_code)")
        if "county_code" in names
        else sql.SQL("null::text")
    )
    statement = sql.SQL(
        "with pair as materialized ("
        " select {county} as county_code, o.period is null as is_added,"
        " n.period is null as is_removed,"
        " array_remove(array[{changed}]::text[], null) as changed,"
        " array_remove(array[{gained}]::text[], null) as gained"
        " from {old} as o full join {new} as n on {key}"
        " where o.period is null or n.period is null or {differs})"
        " select {mart}, county_code, null, count(*) filter (where is_added),"
        " count(*) filter (where is_removed),"
        " count(*) filter (where not is_added and not is_removed and changed <> '{{}}')"
        " from pair group by county_code"
        " union all select {mart}, county_code, name, 0, 0, count(*)"
        " from pair cross join lateral unnest(changed) as name"
        " where not is_added and not is_removed group by county_code, name"
        " union all select {mart}, county_code, name, count(*), 0, 0"
        " from pair cross join lateral unnest(gained) as name"
        " where not is_added and not is_removed group by county_code, name"
    ).format(
        county=county,
        changed=changed,
        gained=gained,
        old=old,
        new=new,
        # The grain is a primary key: no null, so that the join can be hashed.
        key=sql.SQL(" and ").join(
            sql.SQL("o.{0} = n.{0}").format(sql.Identifier(name)) for name in mart.grain
        ),
        differs=differs if compared or filled else sql.SQL("false"),
        mart=sql.Literal(mart.name),
    )
    found = [Change(*row) for row in connection.execute(statement)]
    return [c for c in found if (c.added, c.removed, c.changed) != _NO_CHANGE]


def first(connection: psycopg.Connection[Any], mart: Mart, new: sql.Composed) -> list[Change]:
    """The difference of a first version: all its rows are added."""
    county = "county_code" if "county_code" in {name for name, _ in mart.columns} else "null::text"
    statement = sql.SQL(
        f"select {{}}, {county} as county_code, null, count(*), 0, 0 from {{}} as n group by 2"
    ).format(sql.Literal(mart.name), new)
    return [Change(*row) for row in connection.execute(statement)]


def store(
    connection: psycopg.Connection[Any], publication_id: int, changes: Iterable[Change]
) -> None:
    """Put a publication's difference on record."""
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "copy ops.publication_change (publication_id, mart, county_code, column_name,"
            " added, removed, changed) from stdin"
        ) as copy,
    ):
        for change in changes:
            copy.write_row((publication_id, *vars(change).values()))


def stored(connection: psycopg.Connection[Any], publication_id: int) -> list[Change]:
    """The difference on record, by mart and county; each county's rows before its columns."""
    return [
        Change(*row)
        for row in connection.execute(
            "select mart, county_code, column_name, added, removed, changed"
            " from ops.publication_change where publication_id = %s"
            " order by mart, county_code, column_name nulls first",
            [publication_id],
        )
    ]


def rows(changes: Iterable[Change]) -> dict[str, tuple[int, int, int]]:
    """Mart -> rows added, removed and changed, of all counties together."""
    sums: dict[str, tuple[int, int, int]] = {}
    for change in changes:
        if change.column_name is None:
            added, removed, changed = sums.get(change.mart, _NO_CHANGE)
            sums[change.mart] = (
                added + change.added,
                removed + change.removed,
                changed + change.changed,
            )
    return sums

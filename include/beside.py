"""What is rebuilt of a month beside a published version of it, mart by mart and row by row.

Differences are told by row key and column: no value is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from include.marts import Mart, columns_of, content
from include.rebuild import CANDIDATE, Inputs

_SHOWN_KEYS = 20
_OF_ALL_COUNTIES = {"county_kpi": ("rank",)}
"""Mart -> columns that compare counties: one figure moves those of others."""


@dataclass(frozen=True)
class Version:
    """A published version by its entry in ``ops.publication`` and ``ops.build``.

    ``is_shown``: its rows are in marts, not in archive. ``contents`` are {mart: {rows, sha256}}.
    ``are_keys_old``: they were hashed under keys of before a rotation, since rows that retention
    dropped cannot be hashed anew.
    """

    publication_id: int
    period: str
    version: int
    published_at: datetime
    is_shown: bool
    inputs: Inputs
    linkage_sha256: str | None
    functions_sha256: str | None
    deliveries: tuple[int, ...]
    contents: dict[str, dict[str, Any]]
    are_keys_old: bool


@dataclass(frozen=True)
class MartDifference:
    """What is rebuilt beside what is stored. ``columns`` counts the changed rows by column.

    ``keys`` are some rows that differ, by the mart's grain. ``not_compared`` are columns that only
    one side has, since a migration added or dropped them later. Where the stored rows are gone by
    retention, ``by_hash``: the counts of rows and whether the hashes are equal is all there is.
    """

    mart: str
    rebuilt: int
    stored: int
    only_rebuilt: int = 0
    only_stored: int = 0
    changed: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    by_hash: bool = False
    unexplained: int = 0
    """Of the differing rows those that the erasure of a person does not explain: where there was
    one, rows of counties that he was not in. Without one, all."""

    @property
    def is_equal(self) -> bool:
        return not (self.only_rebuilt or self.only_stored or self.changed)

    @property
    def differences(self) -> int:
        return self.only_rebuilt + self.only_stored + self.changed


def versions_of(connection: psycopg.Connection[Any], period: str | None = None) -> list[Version]:
    """All published versions, of a month or of all, by month and version."""
    found = connection.execute(
        "select p.publication_id, p.period, p.version, p.published_at,"
        " p.publication_id = last_value(p.publication_id) over (partition by p.period"
        " order by p.version rows between unbounded preceding and unbounded following),"
        " b.known_at, b.code_sha256, b.seeds_sha256, b.build_id, b.linkage_sha256,"
        " b.functions_sha256, p.deliveries, p.marts, p.key_version < ops.key_version()"
        " from ops.publication as p inner join ops.build as b using (build_id)"
        " where p.state = 'published' and (%(period)s::text is null or p.period = %(period)s)"
        " order by p.period, p.version",
        {"period": period},
    ).fetchall()
    return [
        Version(
            publication_id,
            period,
            version,
            published_at,
            is_shown,
            Inputs(period, known_at, code, seeds, build_id),
            linkage,
            functions,
            tuple(deliveries),
            contents,
            are_keys_old,
        )
        for (
            publication_id, period, version, published_at, is_shown, known_at, code, seeds,
            build_id, linkage, functions, deliveries, contents, are_keys_old,
        ) in found
    ]  # fmt: skip


def compare(
    connection: psycopg.Connection[Any],
    version: Version,
    built: tuple[Mart, ...],
    erased_in: Collection[str] | None = None,
) -> tuple[MartDifference, ...]:
    """What is in ``rebuild_candidate`` beside a stored version: each mart, by name.

    ``erased_in`` are the counties of persons who were erased since; None: nobody was.
    """
    by_name = {mart.name: mart for mart in built}
    return tuple(
        _compare(connection, version, by_name[name], erased_in)
        if name in by_name
        else MartDifference(
            name,
            0,
            version.contents[name]["rows"],
            only_stored=version.contents[name]["rows"],
            unexplained=version.contents[name]["rows"],
        )
        for name in sorted(by_name.keys() | version.contents.keys())
    )


def _compare(
    connection: psycopg.Connection[Any],
    version: Version,
    mart: Mart,
    erased_in: Collection[str] | None,
) -> MartDifference:
    said = version.contents.get(mart.name, {"rows": 0, "sha256": ""})
    schema = "marts" if version.is_shown else "archive"
    stored = dict(columns_of(connection, schema, mart.name))
    of_version = (
        sql.SQL("period = {}").format(version.period)
        if version.is_shown
        else sql.SQL("publication_id = {}").format(version.publication_id)
    )
    found = _count(connection, schema, mart.name, of_version) if stored else 0
    if not found and said["rows"]:
        return _by_hash(connection, version, mart, said, erased_in is not None)
    shared = [name for name in mart.content_columns if name in stored]
    others = sorted({name for name, _ in mart.columns} ^ stored.keys() - {"publication_id"})
    if not stored:
        rows = _count(connection, CANDIDATE, mart.name, sql.SQL("true"))
        return MartDifference(mart.name, rows, 0, only_rebuilt=rows, unexplained=rows)
    values = [name for name in shared if name not in mart.grain]
    grain = sql.SQL(", ").join(map(sql.Identifier, mart.grain))
    pinned = sql.SQL(
        "set local datestyle = 'ISO, YMD'; set local timezone = 'UTC';"
        " set local extra_float_digits = 1; set local intervalstyle = 'iso_8601'"
    )
    connection.execute(pinned)

    def texts(alias: str) -> sql.Composed:
        # As the stored column has it: a migration may have made its type wider.
        return sql.SQL(", ").join(
            sql.SQL("{}::{}::text").format(sql.Identifier(alias, name), sql.SQL(stored[name]))
            for name in values
        )

    joined = sql.SQL(
        "with rebuilt as (select true as is_here, * from {candidate}),"
        " stored as (select true as is_here, * from {store} where {of_version}),"
        " joined as (select {grain}, rebuilt.is_here as is_rebuilt, stored.is_here as is_stored,"
        " {county} as of_county,"
        " array[{rebuilt}]::text[] as now, array[{stored}]::text[] as before"
        " from rebuilt full join stored using ({grain}))"
    ).format(
        candidate=sql.Identifier(CANDIDATE, mart.name),
        store=sql.Identifier(schema, mart.name),
        of_version=of_version,
        grain=grain,
        county=_county(mart, stored),
        rebuilt=texts("rebuilt"),
        stored=texts("stored"),
    )
    counts = connection.execute(
        joined
        + sql.SQL(
            " select count(is_rebuilt), count(is_stored),"
            " count(*) filter (where is_stored is null),"
            " count(*) filter (where is_rebuilt is null),"
            " count(*) filter (where is_rebuilt and is_stored and now <> before),"
            " count(*) filter (where {unexplained}) from joined"
        ).format(unexplained=_unexplained(mart, values, erased_in))
    ).fetchone()
    assert counts is not None
    if not any(counts[2:5]):
        return MartDifference(mart.name, counts[0], counts[1], not_compared=tuple(others))
    columns = connection.execute(
        joined
        + sql.SQL(
            " select c.name, count(*) from joined cross join unnest(%s::text[], now, before)"
            " as c (name, now, before) where is_rebuilt and is_stored"
            " and c.now is distinct from c.before group by c.name order by c.name"
        ),
        [values],
    ).fetchall()
    keys = connection.execute(
        joined
        + sql.SQL(
            " select key from (select concat_ws(' ', {}) as key from joined where"
            " is_rebuilt is null or is_stored is null or now <> before) as differing"
            ' order by key collate "C" limit {}'
        ).format(grain, _SHOWN_KEYS)
    ).fetchall()
    return MartDifference(
        *(mart.name, counts[0], counts[1], counts[2], counts[3], counts[4]),
        columns=dict(columns),
        keys=tuple(key for (key,) in keys),
        not_compared=tuple(others),
        unexplained=counts[5],
    )


def _county(mart: Mart, stored: dict[str, str]) -> sql.Composable:
    """The county of a joined row; null where the mart is not of counties."""
    if "county_code" in mart.grain:
        return sql.Identifier("county_code")
    if "county_code" in stored and "county_code" in dict(mart.columns):
        return sql.SQL("coalesce(rebuilt.county_code, stored.county_code)")
    return sql.SQL("null::text")


def _unexplained(
    mart: Mart, values: list[str], erased_in: Collection[str] | None
) -> sql.Composable:
    """Whether a joined row differs, and not for want of a person who was erased."""
    differs = sql.SQL("(is_rebuilt is null or is_stored is null or now <> before)")
    if erased_in is None:
        return differs
    if "county_code" not in dict(mart.columns):
        return sql.SQL("false")
    own = [n for n, name in enumerate(values, 1) if name not in _OF_ALL_COUNTIES.get(mart.name, ())]
    is_changed = sql.SQL("array[{}]::text[] is distinct from array[{}]::text[]").format(
        *(sql.SQL(", ").join(sql.SQL(f"{side}[{n}]") for n in own) for side in ("now", "before"))
    )
    return sql.SQL(
        "(is_rebuilt is null or is_stored is null or {}) and of_county <> all({}::text[])"
    ).format(is_changed, sql.Literal(sorted(erased_in)))


def _by_hash(
    connection: psycopg.Connection[Any],
    version: Version,
    mart: Mart,
    said: dict[str, Any],
    is_explained: bool,
) -> MartDifference:
    """The stored rows are gone: the log's hash is what there is to compare with; their number alone
    where keys were rotated since."""
    built = content(connection, CANDIDATE, mart, version.period)
    name = "rows" if version.are_keys_old else "sha256"
    changed = 0 if built[name] == said[name] else max(built["rows"], said["rows"])
    return MartDifference(
        *(mart.name, built["rows"], said["rows"]),
        changed=changed,
        by_hash=True,
        unexplained=0 if is_explained else changed,
    )


def _count(
    connection: psycopg.Connection[Any], schema: str, mart: str, condition: sql.Composable
) -> int:
    row = connection.execute(
        sql.SQL("select count(*) from {} where {}").format(sql.Identifier(schema, mart), condition)
    ).fetchone()
    assert row is not None
    return int(row[0])

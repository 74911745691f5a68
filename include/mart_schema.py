"""The tables marts.<mart> and archive.<mart>: made on first use, and changed with their model.

What loses nothing is done by the publisher, in the transaction of the publication: a new column
(older months are null there, ops.unfilled_column names them) and a type that holds all that the
old one held. All else is refused by name; docs/marts-change.md says the ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.access.enforce import unprotect
from include.errors import GateBlocked
from include.marts import Mart, columns_of, grain_of

_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_WAYS = (
    "keep the old columns as a version of the model, or change marts and archive by a migration:"
    " docs/marts-change.md."
)


@dataclass(frozen=True)
class ColumnChange:
    """A column that was added (``from_type`` None) or got a wider type."""

    mart: str
    column_name: str
    from_type: str | None
    to_type: str


def prepare(connection: psycopg.Connection[Any], mart: Mart) -> list[ColumnChange]:
    """Have marts.<mart> and archive.<mart> hold the candidate's columns; what was changed.

    Raises GateBlocked where a column is gone or narrowed, the grain is another, or something such
    as a view depends on a column whose type would change.
    """
    published = dict(columns_of(connection, "marts", mart.name))
    changes: list[ColumnChange] = []
    if not published:
        _create(connection, mart)
    else:
        changes = _steps(connection, mart, published)
        if changes:
            unprotect(connection, "marts", mart.name)
        for change in changes:
            _apply(connection, change)
        _comment(connection, mart)
    return changes


def remember(
    connection: psycopg.Connection[Any], publication_id: int, changes: list[ColumnChange]
) -> None:
    """Put what ``prepare`` changed on record under the publication that needed it."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.mart_change"
            " (publication_id, mart, column_name, change, from_type, to_type)"
            " values (%s, %s, %s, %s, %s, %s)",
            [
                (
                    publication_id,
                    change.mart,
                    change.column_name,
                    "widened" if change.from_type else "added",
                    change.from_type,
                    change.to_type,
                )
                for change in changes
            ],
        )


def is_wider(old: str, new: str) -> bool:
    """Whether every value of type ``old`` (as PostgreSQL writes it) is one of ``new``, unchanged.

    Only pairs that are known to lose nothing: integers, numerics, texts and floats.
    """
    if old == new:
        return True
    was, now = _parsed(old), _parsed(new)
    match was[0], now[0]:
        case (("smallint" | "integer" | "bigint"), ("smallint" | "integer" | "bigint")):
            return _DIGITS[was[0]] < _DIGITS[now[0]]
        case (("smallint" | "integer" | "bigint"), "numeric"):
            return not now[1] or now[1][0] - now[1][1] >= _DIGITS[was[0]]
        case "numeric", "numeric":
            if not now[1]:
                return True
            if not was[1]:
                return False
            return now[1][1] >= was[1][1] and now[1][0] - now[1][1] >= was[1][0] - was[1][1]
        case "character varying", "character varying":
            return not now[1] or (bool(was[1]) and now[1][0] >= was[1][0])
        case "character varying", "text":
            return True
        case "real", "double precision":
            return True
    return False


def _parsed(kind: str) -> tuple[str, tuple[int, ...]]:
    """numeric(14,2) -> ('numeric', (14, 2))."""
    name, _, inside = kind.partition("(")
    numbers = tuple(map(int, re.findall(r"-?\d+", inside)))
    return name.strip(), (*numbers, 0) if name == "numeric" and len(numbers) == 1 else numbers


def _steps(
    connection: psycopg.Connection[Any], mart: Mart, published: dict[str, str]
) -> list[ColumnChange]:
    now = dict(mart.columns)
    gone = [f"{name} {kind}" for name, kind in sorted(published.items()) if name not in now]
    narrowed = [
        f"{name} {kind} as {now[name]}"
        for name, kind in sorted(published.items())
        if name in now and not is_wider(kind, now[name])
    ]
    is_keyed_anew = grain_of(connection, "marts", mart.name) != mart.grain
    if gone or narrowed or is_keyed_anew:
        words = [
            f"{label}: {', '.join(columns)}"
            for label, columns in (
                ("gone", gone),
                ("not every value fits", narrowed),
                ("another grain", list(mart.grain) if is_keyed_anew else []),
            )
            if columns
        ]
        raise GateBlocked(
            f"has other columns than its candidate ({'; '.join(words)}).",
            remedy=_WAYS,
            file=f"marts.{mart.name}",
        )
    return [
        ColumnChange(mart.name, name, published.get(name), kind)
        for name, kind in mart.columns
        if published.get(name) != kind
    ]


def _apply(connection: psycopg.Connection[Any], change: ColumnChange) -> None:
    """To both tables. A new column is nullable, whatever the model says: older months lack it."""
    step = "alter column {column} type" if change.from_type else "add column {column}"
    for schema in ("marts", "archive"):
        try:
            connection.execute(
                sql.SQL(f"alter table {{table}} {step} {change.to_type}").format(
                    table=sql.Identifier(schema, change.mart),
                    column=sql.Identifier(change.column_name),
                )
            )
        except psycopg.errors.FeatureNotSupported as error:
            raise GateBlocked(
                f"cannot give {change.column_name} the type {change.to_type}:"
                f" {error.diag.message_detail or error.diag.message_primary}.",
                remedy=f"drop what depends on it and make it again by a migration; {_WAYS}",
                file=f"{schema}.{change.mart}",
            ) from None


def _create(connection: psycopg.Connection[Any], mart: Mart) -> None:
    """Tables like the candidate, with its comments, keyed by its grain.

    ``protect`` then has the key of marts.<mart> begin with whose the row is.
    """
    candidate = sql.Identifier("candidate", mart.name)
    comment = connection.execute(
        "select obj_description(to_regclass(%s), 'pg_class')", [f"candidate.{mart.name}"]
    ).fetchone()
    for schema, extra in (("marts", sql.SQL("")), ("archive", sql.SQL("publication_id bigint, "))):
        table = sql.Identifier(schema, mart.name)
        grain = list(mart.grain) if schema == "marts" else ["publication_id", *mart.grain]
        connection.execute(
            sql.SQL(
                "create table {table} ({extra}like {candidate} including comments"
                " including constraints including storage, primary key ({grain}))"
            ).format(
                table=table,
                extra=extra,
                candidate=candidate,
                grain=sql.SQL(", ").join(map(sql.Identifier, grain)),
            )
        )
        if comment and comment[0]:
            connection.execute(
                sql.SQL("comment on table {} is {}").format(table, sql.Literal(comment[0]))
            )


def _comment(connection: psycopg.Connection[Any], mart: Mart) -> None:
    """Have both tables say of each column what the candidate says."""
    for schema in ("marts", "archive"):
        others = connection.execute(
            "select c.attname::text, col_description(c.attrelid, c.attnum)"
            " from pg_attribute as c inner join pg_attribute as m"
            " on m.attrelid = to_regclass(%s) and c.attname = m.attname and not m.attisdropped"
            " where c.attrelid = to_regclass(%s) and c.attnum > 0 and not c.attisdropped"
            " and col_description(c.attrelid, c.attnum)"
            " is distinct from col_description(m.attrelid, m.attnum)",
            [f"{schema}.{mart.name}", f"candidate.{mart.name}"],
        ).fetchall()
        for column, comment in others:
            connection.execute(
                sql.SQL("comment on column {} is {}").format(
                    sql.Identifier(schema, mart.name, column), sql.Literal(comment)
                )
            )

"""Search everything for what an erased person was named by: the proof that he is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.subject import files
from include.subject.files import Needles
from include.subject.tables import as_owner_of, tables
from include.subject.tokens import Tokens

OWN = (("vault", "erasure_token"), ("audit", "subject"))
"""(schema, table) of what the erasure itself keeps until it is done."""


@dataclass(frozen=True)
class Found:
    """Where values stand, by table and folder, and how much was looked into.

    ``closed`` are files that cannot be looked into: encrypted by their senders or with a key that
    is not here, damaged, or of a form that was refused.
    """

    places: tuple[str, ...]
    tables: int
    files: int
    closed: int


def search(connection: psycopg.Connection[Any], tokens: Tokens) -> Found:
    """Every row of every table, what the planner keeps of them, and every file.

    What it keeps of a table under row-level security is shown to nobody but a superuser; of these
    it was made to forget all but the rows that are there (steps.vacuum).
    """
    places = []
    looked_into = tables(connection)
    for schema, table in looked_into:
        if (schema, table) in OWN:
            continue
        with as_owner_of(connection, schema, table):
            in_rows, in_statistics = _stands(connection, schema, table, tokens.pattern)
        if in_rows:
            places.append(f"{schema}.{table}")
        if in_statistics:
            places.append(f"statistics of {schema}.{table}")
    needles, closed, count = Needles(tokens.values), 0, 0
    for name, content in _contents():
        count += 1
        found = None if content is None else files.holds(content, needles)
        closed += found is None
        if found:
            places.append(name)
    return Found(tuple(sorted(set(places))), len(looked_into), count, closed)


def _stands(
    connection: psycopg.Connection[Any], schema: str, table: str, pattern: str
) -> tuple[bool, bool]:
    row = connection.execute(
        sql.SQL(
            "select exists (select from {} as t where t::text ~ %(wanted)s),"
            " exists (select from pg_stats where schemaname = %(schema)s and tablename in"
            # What an index is made of has statistics under the index's name.
            " (select %(table)s union select indexname from pg_indexes"
            " where (schemaname, tablename) = (%(schema)s, %(table)s))"
            " and concat_ws(' ', most_common_vals, histogram_bounds, most_common_elems)"
            " ~ %(wanted)s)"
        ).format(sql.Identifier(schema, table)),
        {"wanted": pattern, "schema": schema, "table": table},
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _contents() -> Iterator[tuple[str, bytes | None]]:
    for sha256, content in files.landed():
        yield f"landing/{sha256[:12]}", content
    for page in files.pages():
        yield "landing/parts", page
    for path in files.written():
        with suppress(FileNotFoundError):  # a draft that its writer has taken away
            yield path.name, path.read_bytes()

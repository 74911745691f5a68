"""What an erased person is named by, and where of that his name alone may be looked for.

Numbers and keys are one person's wherever they stand. A name, or an address, may be others' too:
it is taken for his in others' rows only where nobody else is known by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import contracts
from include.vault.places import direct, places

COMMON = ("name", "address")
"""Sorts of tokens that others may share."""


@dataclass(frozen=True)
class Tokens:
    """Values by which a person is looked for, in texts of any kind."""

    values: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """A regular expression, of PostgreSQL and Python alike; matches nothing without values."""
        return "|".join(re.escape(value) for value in self.values) or r"(?!)"


def stored(connection: psycopg.Connection[Any], erasure_id: int) -> Tokens:
    """The tokens of an erasure that is not done: the longest first, so that none hides another."""
    rows = connection.execute(
        "select distinct value from vault.erasure_token where erasure_id = %s", [erasure_id]
    ).fetchall()
    return Tokens(tuple(sorted((value for (value,) in rows), key=lambda v: (-len(v), v))))


def his_alone(
    connection: psycopg.Connection[Any], tokens: Iterable[tuple[str, str]], ids: Iterable[str]
) -> set[tuple[str, str]]:
    """The tokens without names and addresses that others have too, or that are part of theirs."""
    given = set(tokens)
    common = {(holds, value) for holds, value in given if holds in COMMON}
    shared: set[tuple[str, str]] = set()
    for kind, columns in _columns(connection).items():
        number = next((c.name for c in contracts()[kind].columns if c.type == "resident_id"), None)
        if number is None:
            continue
        for column, holds in columns:
            wanted = sorted(value for what, value in common - shared if what == holds)
            if not wanted:
                continue
            shared |= {
                (holds, value)
                for (value,) in connection.execute(
                    sql.SQL(
                        "select w.value from unnest(%s::text[]) as w (value) where exists ("
                        "select from raw.{table} as r where position(w.value in r.{column}) > 0"
                        " and vault.is_resident_id(vault.normalise_resident_id(r.{number}))"
                        " and vault.normalise_resident_id(r.{number}) <> all(%s))"
                    ).format(
                        table=sql.Identifier(kind),
                        column=sql.Identifier(column),
                        number=sql.Identifier(number),
                    ),
                    [wanted, sorted(ids)],
                )
            }
    return given - shared


def _columns(connection: psycopg.Connection[Any]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for place in direct(places(connection)):
        if place.schema == "raw" and place.holds in COMMON and place.column != "child_name":
            found.setdefault(place.table, []).append((place.column, place.holds))
    return found

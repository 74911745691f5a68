"""Figures for outside the bureau: made of published marts, small ones hidden, each on record."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include.database import acting_as, connect
from include.publication_log import Version, shown
from include.release import cube, files, record
from include.release.declared import (
    Declared,
    ExtractRefused,
    Limits,
    Rows,
    declared,
    limits,
)
from include.release.sheet import Sheet, of_persons, of_table
from include.settings import settings


@dataclass(frozen=True)
class Extract:
    """An extract that was made: its ``files`` with their sha256, and what it shows and hides."""

    extract_id: int
    name: str
    period: str
    publication_id: int
    version: int
    folder: Path
    files: dict[str, str]
    sheet: Sheet


@acting_as("publisher")
def extract(name: str, period: str, *, reason: str, by: str, out: Path | None = None) -> Extract:
    """Make an extract of the shown version of a month and write its files below ``out``.

    The same publication gives the same bytes. Raises ExtractRefused.
    """
    said, held = declared(), limits()
    wanted = said.extract(name)
    if not reason.strip():
        raise ExtractRefused("no reason is given.", remedy="say why with --reason.")
    with connect() as connection:
        connection.execute("set transaction isolation level repeatable read")
        version = shown(connection, period)
        if version is None:
            raise ExtractRefused(
                f"{period} is not published.", remedy="see ./warehouse publications."
            )
        if isinstance(wanted, Rows):
            _demand_distance(connection, name, version, held)
            sheet, _ = of_persons(connection, period, wanted, held)
        else:
            figures = cube.read(connection, period, said, held)
            hidden = record.hidden_of(connection, version.publication_id, figures, said, held)
            sheet = of_table(connection, figures, hidden, wanted, said, held)
        made = files.made(name, sheet, version, _published_at(connection, version), asdict(held))
        digests = {file: files.sha256(content) for file, content in made.items()}
        number = _put_on_record(connection, version, name, reason, by, digests)
    # Nothing is written that is not on record.
    folder = out or settings().home / "extracts" / period
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in made.items():
        (folder / file).write_bytes(content)
    return Extract(
        number, name, period, version.publication_id, version.version, folder, digests, sheet
    )


def _demand_distance(
    connection: psycopg.Connection[Any], name: str, version: Version, held: Limits
) -> None:
    """Two lists of neighbouring months, or two versions of one, differ by single persons."""
    others = connection.execute(
        "select p.period, p.version from ops.extract as e"
        " inner join ops.publication as p on e.publication_id = p.publication_id"
        " where e.name = %(name)s and e.publication_id <> %(id)s"
        " and abs(extract(year from age(to_date(p.period, 'YYYY-MM'), to_date(%(p)s, 'YYYY-MM')))"
        " * 12 + extract(month from age(to_date(p.period, 'YYYY-MM'), to_date(%(p)s, 'YYYY-MM'))))"
        " < %(months)s order by e.extract_id limit 1",
        {
            "name": name, "id": version.publication_id, "p": version.period,
            "months": held.rows_months_apart,
        },
    ).fetchone()  # fmt: skip
    if others is not None:
        raise ExtractRefused(
            f"{name} of {others[0]}, version {others[1]}, has left already: what differs between "
            "the two would be single persons.",
            remedy=f"take a month that is {held.rows_months_apart} months away, or that version.",
        )


def _published_at(connection: psycopg.Connection[Any], version: Version) -> datetime:
    row = connection.execute(
        "select published_at from ops.publication where publication_id = %s",
        [version.publication_id],
    ).fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def _put_on_record(
    connection: psycopg.Connection[Any],
    version: Version,
    name: str,
    reason: str,
    by: str,
    digests: dict[str, str],
) -> int:
    row = connection.execute(
        "insert into ops.extract (publication_id, name, reason, requested_by, files)"
        " values (%s, %s, %s, %s, %s) returning extract_id",
        [version.publication_id, name, reason.strip(), by, Jsonb(digests)],
    ).fetchone()
    assert row is not None
    return int(row[0])


__all__ = ["Declared", "Extract", "ExtractRefused", "declared", "extract", "limits"]

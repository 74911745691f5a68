"""The health-insurance system's records behind its API: one SQLite file, paged by position."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from include.contracts import kinds_of

KINDS = tuple(contract.kind for contract in kinds_of("health_insurance"))


def store_path(home: Path) -> Path:
    """Where the records of the simulated system lie."""
    return home / "sources" / "health_insurance" / "records.sqlite"


class HealthStore:
    """Records by (kind, period), in the order in which they were added."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._next: dict[tuple[str, str], int] = {}

    def add(self, kind: str, period: str, records: Iterable[dict[str, str]]) -> None:
        """Append records."""
        at = self._next.get((kind, period), 0)
        rows = [
            (kind, period, position, json.dumps(record, ensure_ascii=False))
            for position, record in enumerate(records, start=at)
        ]
        self._next[kind, period] = at + len(rows)
        self._connection.execute("insert or ignore into period values (?, ?)", (kind, period))
        self._connection.executemany("insert into record values (?, ?, ?, ?)", rows)

    def has(self, kind: str, period: str) -> bool:
        """Whether there is such a month, even an empty one."""
        query = "select 1 from period where kind = ? and period = ?"
        return self._connection.execute(query, (kind, period)).fetchone() is not None

    def page(self, kind: str, period: str, start: int, limit: int) -> list[str]:
        """Up to ``limit`` records as JSON, from position ``start`` on."""
        query = (
            "select body from record where kind = ? and period = ? and position >= ? "
            "order by position limit ?"
        )
        return [body for (body,) in self._connection.execute(query, (kind, period, start, limit))]


@contextmanager
def new_store(home: Path) -> Iterator[HealthStore]:
    """An empty store; it takes the place of the former one when complete."""
    path = store_path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(".records.sqlite")
    draft.unlink(missing_ok=True)
    connection = sqlite3.connect(draft)
    try:
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.execute(
            "create table record (kind text, period text, position integer, body text, "
            "primary key (kind, period, position)) without rowid"
        )
        connection.execute(
            "create table period (kind text, period text, primary key (kind, period))"
        )
        yield HealthStore(connection)
        connection.commit()
    except BaseException:
        connection.close()
        draft.unlink(missing_ok=True)
        raise
    connection.close()
    draft.replace(path)


@contextmanager
def open_store(home: Path) -> Iterator[HealthStore]:
    """The store, read-only. Raises FileNotFoundError before anything was simulated."""
    path = store_path(home)
    if not path.exists():
        raise FileNotFoundError(path)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        yield HealthStore(connection)
    finally:
        connection.close()

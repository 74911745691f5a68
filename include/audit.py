"""The audit chain: who did what to whose data, in rows that each bear the hash of the one before.

Rows are written by the database's function ``audit.record`` alone, in the transaction of what they
tell of. Whoever rules the server can still change the table; the chain shows it. That its end was
cut off, or all of it written anew, shows by the heads, which are copied into ``home/audit``.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include.database import acting_as, connect
from include.settings import settings

_BEGINNING = "0" * 64
_FIELDS = """
seq::text, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), account, operator, action,
subject::text, purpose, reason, detail::text, previous, hash
"""


@dataclass(frozen=True)
class Event:
    """A row of the chain. ``subject`` is a pseudonym that the chain alone uses."""

    seq: int
    at: datetime
    account: str
    operator: str | None
    action: str
    subject: str | None
    purpose: str | None
    reason: str | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What the chain says of itself. ``bad`` is the first row that is not as it was written."""

    rows: int
    heads: int
    head: str | None = None
    bad: int | None = None
    why: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.bad is None


def record(
    connection: psycopg.Connection[Any],
    action: str,
    subject: tuple[str, str] | None = None,
    *,
    purpose: str | None = None,
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Put an event at the end of the chain, in the caller's transaction; its number.

    ``subject`` is ('person' or 'household', key). Nothing personal may be in ``detail``.
    """
    name_operator(connection)
    row = connection.execute(
        "select audit.record(%s, %s, %s, %s, %s, %s)",
        [action, *(subject or (None, None)), purpose, reason, Jsonb(dict(detail or {}))],
    ).fetchone()
    assert row is not None
    return int(row[0])


def name_operator(connection: psycopg.Connection[Any]) -> None:
    """Have the chain say who sits before the account, for the rest of the transaction."""
    connection.execute("select set_config('warehouse.operator', %s, true)", [getpass.getuser()])


@acting_as("auditor")
def events(limit: int, subject_key: str | None = None) -> list[Event]:
    """The latest events, newest first; of one person or household, where a key is given."""
    with connect() as connection:
        return [
            Event(*row)
            for row in connection.execute(
                "select e.seq, e.at, e.account, e.operator, e.action, e.subject::text, e.purpose,"
                " e.reason, e.detail from audit.event as e"
                " where %(key)s::text is null or e.subject ="
                " (select s.subject from audit.subject as s where s.key = %(key)s)"
                " order by e.seq desc limit %(limit)s",
                {"key": subject_key, "limit": limit},
            )
        ]


@acting_as("auditor")
def verify() -> Verdict:
    """Go through the chain and the copied heads; names the first row that is not as written.

    Hashes are computed here, not by the database. Where all is well, the head is copied.
    """
    heads = _heads()
    expected, previous = 1, _BEGINNING
    with connect() as connection, connection.cursor(name="audit_chain") as cursor:
        cursor.execute(f"select {_FIELDS} from audit.event as e order by e.seq".encode())
        for *fields, own in cursor:
            seq = int(fields[0])
            why = None
            if seq > expected:
                why = "is gone"
            elif seq < expected:
                why = "was put before the first"
            elif fields[-1] != previous:
                why = "does not follow the row before it: it was changed, or put between"
            elif _hash(fields) != own:
                why = "was changed"
            elif heads.get(seq, own) != own:
                why = "is another than when its hash was copied: the chain was written anew"
            if why:
                return Verdict(expected - 1, len(heads), bad=min(seq, expected), why=why)
            expected, previous = seq + 1, own
    if cut := [seq for seq in heads if seq >= expected]:
        return Verdict(
            expected - 1, len(heads), bad=expected,
            why=f"is gone, with all up to {max(cut)}: the end was cut off",
        )  # fmt: skip
    if expected > 1:
        _append(expected - 1, previous)
    return Verdict(expected - 1, len(_heads()), previous if expected > 1 else None)


def copy_head() -> None:
    """Copy number and hash of the last row to ``home/audit``, where the database's rulers may not
    write. To be called after an event has been committed."""
    with connect() as connection:
        row = connection.execute("select seq, hash from audit.head()").fetchone()
    if row and row[0]:
        _append(*row)


def heads_file() -> Path:
    """One line for each copied head: number, blank, hash. Lines are only ever added."""
    return settings().home / "audit" / "heads"


def _heads() -> dict[int, str]:
    """Number -> hash. Of two for one number the first counts: the second is the forger's."""
    found: dict[int, str] = {}
    if heads_file().exists():
        for line in heads_file().read_text(encoding="ascii").splitlines():
            seq, _, digest = line.partition(" ")
            found.setdefault(int(seq), digest)
    return found


def _append(seq: int, digest: str) -> None:
    path = heads_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = f"{seq} {digest}\n"
    with path.open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if line not in file.readlines():
            file.write(line)


def _hash(fields: list[str | None]) -> str:
    """As ``audit.hash_of`` writes it."""
    told = ",".join("-" if f is None else f"{len(f.encode())}:{f}" for f in fields)
    return hashlib.sha256(told.encode()).hexdigest()

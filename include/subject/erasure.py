"""Erase a person: from the database, landing, receipts, reports and logs; a proof stays.

An order is carried out in steps that are each whole or not begun, so one that was killed goes on
where it was: what is to be looked for lies in ``vault.erasure_token`` until the end. Builds,
publications, loads and backups wait meanwhile. At the end everything is searched; an order is done
when nothing is found.
"""

from __future__ import annotations

import csv
import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from include import audit
from include.database import OWNER, acting_as, connect
from include.errors import WarehouseError
from include.locks import working_schemas
from include.rebuild import LOCK as REBUILD_LOCK
from include.settings import PROJECT_ROOT, settings
from include.subject import again, files, identity, steps
from include.subject.suppression import hashes_of, suppress
from include.vault.rotating import settled


class ErasureRefused(WarehouseError):
    """An order without reason or legal basis, or while another is not done."""


@dataclass(frozen=True)
class Erasure:
    """An order. ``proof`` says what was searched and found; no content of the person is in it."""

    erasure_id: int
    state: str
    basis: str
    reason: str
    ordered_by: str
    proof: dict[str, Any]
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Place -> (rows removed, rows with emptied cells)."""


def bases() -> dict[str, str]:
    """Legal basis -> its Chinese name, from the seed ref_erasure_basis."""
    path = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_erasure_basis.csv"
    with path.open(encoding="utf-8") as handle:
        return {row["basis"]: row["label_zh"] for row in csv.DictReader(handle)}


@acting_as(OWNER)
def order(wanted: str, basis: str, reason: str) -> int:
    """Put an erasure on record; its number. Nothing is removed yet.

    Raises ErasureRefused, SubjectRefused, ConfigurationMissing without WAREHOUSE_ERASURE_SECRET.
    """
    if basis not in bases():
        raise ErasureRefused(
            "this is no legal basis of an erasure.", remedy=f"give --basis {', '.join(bases())}."
        )
    if not reason.strip() or len([c for c in reason if c.isdigit()]) > 8:
        raise ErasureRefused(
            "the reason is empty, or holds a number of a person.",
            remedy="say why in words; they are kept for good.",
        )
    with connect() as connection:
        if at_work := _open(connection):
            raise ErasureRefused(
                f"erasure {at_work} is not done.", remedy="./warehouse subject erase --resume"
            )
        settled(connection)
        subject = identity.resolve(connection, wanted)
        row = connection.execute(
            "insert into ops.erasure (basis, reason, ordered_by) values (%s, %s, %s)"
            " returning erasure_id",
            [basis, reason.strip(), getpass.getuser()],
        ).fetchone()
        assert row is not None
        erasure_id = int(row[0])
        suppress(connection, erasure_id, subject.tokens)
        steps.look_for(connection, erasure_id, {("person_key", key) for key in subject.person_keys})
        with connect("privacy_officer") as officer:
            audit.record(
                officer, "erasure_ordered", ("person", subject.key), purpose="erasure_request",
                reason=reason, detail={"erasure": erasure_id, "basis": basis},
            )  # fmt: skip
        hashes = hashes_of(connection, erasure_id)
        again.remember(basis, reason.strip(), hashes, subject.person_keys)
    audit.copy_head()
    return erasure_id


@acting_as(OWNER)
def carry_out(erasure_id: int, tell: Callable[[str], None] = lambda _: None) -> Erasure:
    """Take the steps of an order that are not taken yet, and search; the order when it is done.

    Raises ErasureIncomplete, naming the places, SchemasBusy where a build does not end, and
    SealingKeyMissing where landing is encrypted and there is no key.
    """
    files.demand_key()
    with working_schemas(None, "warehouse erasure"), _no_rebuild():
        state = _state(erasure_id)
        if state == "ordered":
            tell("database")
            with connect() as connection:
                steps.database(connection, erasure_id)
            state = "database"
        if state == "database":
            tell("landing, receipts, reports and logs")
            steps.written(erasure_id)
            state = "files"
        if state == "files":
            tell("vacuum")
            steps.vacuum(erasure_id)
            state = "vacuumed"
        if state == "vacuumed":
            tell("search")
            steps.prove(erasure_id)
    audit.copy_head()
    return described(erasure_id)


@acting_as(OWNER)
def described(erasure_id: int) -> Erasure:
    """An order and what was removed where. Raises ErasureRefused where there is none."""
    with connect() as connection:
        row = connection.execute(
            "select erasure_id, state, basis, reason, ordered_by, proof from ops.erasure"
            " where erasure_id = %s",
            [erasure_id],
        ).fetchone()
        if row is None:
            raise ErasureRefused(f"there is no erasure {erasure_id}.", remedy="name another.")
        places = connection.execute(
            "select place, removed, blanked from ops.erasure_place where erasure_id = %s"
            " order by place",
            [erasure_id],
        ).fetchall()
    told = {place: (removed, blanked) for place, removed, blanked in places}
    return replace(Erasure(*row), places=told)


@acting_as(OWNER)
def numbers() -> list[int]:
    """The numbers of all orders, in order."""
    with connect() as connection:
        return [
            number
            for (number,) in connection.execute("select erasure_id from ops.erasure order by 1")
        ]


@acting_as(OWNER)
def unfinished() -> int | None:
    """The order that is not done, if there is one."""
    with connect() as connection:
        return _open(connection)


def _open(connection: psycopg.Connection[Any]) -> int | None:
    row = connection.execute("select erasure_id from ops.erasure where state <> 'done'").fetchone()
    return int(row[0]) if row else None


def _state(erasure_id: int) -> str:
    return described(erasure_id).state


@contextmanager
def _no_rebuild() -> Iterator[None]:
    """No rotation of keys meanwhile, and no replay or verification: their rooms hold persons."""
    with psycopg.connect(settings().dsn, autocommit=True) as guard:
        settled(guard)
        guard.execute("select set_config('lock_timeout', %s, false)",
                      [f"{max(round(settings().schemas_wait_s * 1000), 1)}ms"])  # fmt: skip
        try:
            guard.execute("select pg_advisory_lock(%s)", [REBUILD_LOCK])
        except psycopg.errors.LockNotAvailable:
            raise ErasureRefused(
                "a replay or verification is at work and did not end in time.",
                remedy="wait until it has ended: ./warehouse subject erase --resume",
            ) from None
        yield

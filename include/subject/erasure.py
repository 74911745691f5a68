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
from psycopg import sql
from psycopg.types.json import Jsonb

from include import audit, landing
from include.contracts import contracts
from include.database import connect
from include.errors import WarehouseError
from include.locks import working_schemas
from include.publish import PUBLISH_LOCK
from include.rebuild import LOCK as REBUILD_LOCK
from include.settings import PROJECT_ROOT, settings
from include.subject import again, files, identity, redaction, removal, search
from include.subject.files import Needles
from include.subject.suppression import suppress
from include.subject.tokens import his_alone, stored

_STEPS = ("ordered", "database", "files", "vacuumed", "done")


class ErasureRefused(WarehouseError):
    """An order without reason or legal basis, or while another is not done."""


class ErasureIncomplete(WarehouseError):
    """After all steps something of the person is still there; the order is not done."""


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
        subject = identity.resolve(connection, wanted)
        row = connection.execute(
            "insert into ops.erasure (basis, reason, ordered_by) values (%s, %s, %s)"
            " returning erasure_id",
            [basis, reason.strip(), getpass.getuser()],
        ).fetchone()
        assert row is not None
        erasure_id = int(row[0])
        suppress(connection, erasure_id, subject.tokens)
        _store(connection, erasure_id, {("person_key", key) for key in subject.person_keys})
        audit.record(
            connection, "erasure_ordered", ("person", subject.key), purpose="erasure_request",
            reason=reason, detail={"erasure": erasure_id, "basis": basis},
        )  # fmt: skip
        hashes = [
            digest
            for (digest,) in connection.execute(
                "select hash from ops.suppressed where erasure_id = %s", [erasure_id]
            )
        ]
        again.remember(basis, reason.strip(), hashes)
    audit.copy_head()
    return erasure_id


def carry_out(erasure_id: int, tell: Callable[[str], None] = lambda _: None) -> Erasure:
    """Take the steps of an order that are not taken yet, and search; the order when it is done.

    Raises ErasureIncomplete, naming the places, and SchemasBusy where a build does not end.
    """
    with working_schemas(None, "warehouse erasure"), _no_rebuild():
        state = _state(erasure_id)
        if state == "ordered":
            tell("database")
            with connect() as connection:
                _database(connection, erasure_id)
            state = "database"
        if state == "database":
            tell("landing, receipts, reports and logs")
            _files(erasure_id)
            state = "files"
        if state == "files":
            tell("vacuum")
            _vacuum(erasure_id)
            state = "vacuumed"
        if state == "vacuumed":
            tell("search")
            _prove(erasure_id)
    audit.copy_head()
    return described(erasure_id)


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


def numbers() -> list[int]:
    """The numbers of all orders, in order."""
    with connect() as connection:
        return [
            number
            for (number,) in connection.execute("select erasure_id from ops.erasure order by 1")
        ]


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
    """No replay and no verification meanwhile: their rooms hold rows of persons."""
    with psycopg.connect(settings().dsn, autocommit=True) as guard:
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


def _database(connection: psycopg.Connection[Any], erasure_id: int) -> None:
    """One transaction. No load, no publication meanwhile: they take these locks too."""
    connection.execute("select pg_advisory_xact_lock(%s)", [PUBLISH_LOCK])
    for kind in contracts():
        connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"raw.{kind}"])
    connection.execute("select pg_advisory_xact_lock(hashtext('vault.identifier'))")
    for (schema,) in connection.execute(
        "select nspname from pg_namespace where nspname like 'rebuild\\_%'"
    ).fetchall():
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    subject = _subject(connection, erasure_id)
    _store(connection, erasure_id, his_alone(connection, subject.tokens, subject.ids))
    suppress(connection, erasure_id, subject.tokens)
    removal.remove(connection, erasure_id, subject, stored(connection, erasure_id))
    _step(connection, erasure_id, "database")


def _subject(connection: psycopg.Connection[Any], erasure_id: int) -> identity.Subject:
    """The person as he is now: more may have come since the order. Of one who is gone from the
    register already, what is being looked for."""
    known: dict[str, set[str]] = {}
    for holds, value in connection.execute(
        "select holds, value from vault.erasure_token where erasure_id = %s", [erasure_id]
    ):
        known.setdefault(holds, set()).add(value)
    try:
        return identity.resolve(connection, min(known["person_key"]))
    except identity.SubjectRefused:
        pass
    return identity.Subject(
        rows=(),
        person_keys=frozenset(known["person_key"]),
        ids=frozenset(known.get("resident_id", ())),
        record_keys=frozenset(known.get("record_key", ())),
        households=frozenset(known.get("household_key", ())),
        household_nos=frozenset(known.get("household_no", ())),
        alert_keys=frozenset(known.get("alert_key", ())),
        tokens=frozenset((holds, value) for holds, values in known.items() for value in values),
    )


def _store(
    connection: psycopg.Connection[Any], erasure_id: int, tokens: set[tuple[str, str]]
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into vault.erasure_token (erasure_id, holds, value) values (%s, %s, %s)"
            " on conflict do nothing",
            sorted((erasure_id, holds, value) for holds, value in tokens),
        )


def _files(erasure_id: int) -> None:
    """Landing, receipts, and all else that was written of deliveries and builds."""
    from include.receipts import receipts, write

    with connect() as connection:
        needles = Needles(stored(connection, erasure_id).values)
        touched = connection.execute(
            "select d.delivery_id, d.sha256, r.delivery_id is not null"
            " from ops.erasure_delivery as e inner join ops.delivery as d using (delivery_id)"
            " left join ops.receipt as r using (delivery_id) where e.erasure_id = %s",
            [erasure_id],
        ).fetchall()
        known = dict(connection.execute(
            "select coalesce(r.redacted_sha256, d.sha256), d.sha256 from ops.delivery as d"
            " left join ops.redaction as r using (sha256)"
        ).fetchall())  # fmt: skip
        hashes = {sha256 for _, sha256, _ in touched}
        for name, content in files.landed():
            if known.get(name) not in hashes and files.holds(content, needles):
                if name in known:
                    hashes.add(known[name])
                else:
                    landing.remove(name)  # of no delivery: its load was broken off
        for sha256 in sorted(hashes):
            redaction.redact(connection, sha256, erasure_id)
        _note(connection, erasure_id, "landing", len(hashes))
    with connect() as connection:
        redaction.discard(connection)
    write(*receipts([delivery for delivery, _, has_receipt in touched if has_receipt]))
    changed = files.strike_out(files.written(), needles)
    with connect() as connection:
        connection.execute(
            "update ops.receipt set returned_at = null, returned_to = null where returned_at is not"
            " null and delivery_id = any(%s)",
            [[delivery for delivery, _, _ in touched]],
        )
        _note(connection, erasure_id, "reports and logs", changed)
        _step(connection, erasure_id, "files")


def _vacuum(erasure_id: int) -> None:
    """So that no dead row keeps the person. What nobody reads is written anew as a whole."""
    with connect() as connection:
        touched = {
            place
            for (place,) in connection.execute(
                "select place from ops.erasure_place where erasure_id = %s", [erasure_id]
            )
        }
        tables = search.tables(connection)
        connection.commit()
        connection.autocommit = True
        for schema, table in tables:
            if f"{schema}.{table}" not in touched:
                continue
            how = "(analyze)" if schema in ("marts", "archive") else "(full, analyze)"
            connection.execute(
                sql.SQL("vacuum {} {}").format(sql.SQL(how), sql.Identifier(schema, table))
            )
        connection.execute("vacuum pg_catalog.pg_statistic")
    with connect() as connection:
        _step(connection, erasure_id, "vacuumed")


def _prove(erasure_id: int) -> None:
    """Search everything. What was looked for is forgotten in the transaction that says: done."""
    with connect() as connection:
        tokens = stored(connection, erasure_id)
        found = search.search(connection, tokens)
        if found.places:
            _step(connection, erasure_id, "ordered")
            connection.commit()
            raise ErasureIncomplete(
                f"of erasure {erasure_id} something is left in {', '.join(found.places)}.",
                remedy="./warehouse subject erase --resume begins again; if it stays, this is a"
                " defect: the place is not in include/vault/places.py.",
            )
        key = min(
            value for (value,) in connection.execute(
                "select value from vault.erasure_token where erasure_id = %s"
                " and holds = 'person_key'",
                [erasure_id],
            )
        )  # fmt: skip
        proof = {
            "tables": found.tables,
            "files": found.files,
            "closed_files": found.closed,
            "looked_for": len(tokens.values),
            "found": 0,
        }
        audit.record(connection, "erased", ("person", key), purpose="erasure_request",
                     detail={"erasure": erasure_id} | proof)  # fmt: skip
        connection.execute("delete from audit.subject where key = any(%s)", [list(tokens.values)])
        connection.execute("delete from vault.erasure_token where erasure_id = %s", [erasure_id])
        connection.execute(
            "update ops.erasure set state = 'done', done_at = clock_timestamp(),"
            " proof = proof || %s"
            " where erasure_id = %s",
            [Jsonb(proof), erasure_id],
        )
    with connect() as connection:
        connection.autocommit = True
        for table in ("vault.erasure_token", "audit.subject"):
            connection.execute(f"vacuum (full, analyze) {table}".encode())
        connection.execute("vacuum pg_catalog.pg_statistic")


def _step(connection: psycopg.Connection[Any], erasure_id: int, state: str) -> None:
    connection.execute(
        "update ops.erasure set state = %s where erasure_id = %s", [state, erasure_id]
    )


def _note(connection: psycopg.Connection[Any], erasure_id: int, place: str, removed: int) -> None:
    connection.execute(
        "insert into ops.erasure_place (erasure_id, place, removed) values (%s, %s, %s)"
        " on conflict (erasure_id, place) do update set removed = excluded.removed",
        [erasure_id, place, removed],
    )

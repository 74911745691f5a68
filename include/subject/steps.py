"""The steps of an erasure: database, files, vacuum, and the search that proves it.

Each is whole or not begun, and may be taken again.
"""

from __future__ import annotations

from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from include import audit, landing, planner_statistics
from include.contracts import contracts
from include.database import connect
from include.errors import WarehouseError
from include.publish import PUBLISH_LOCK
from include.subject import files, identity, redaction, removal, search
from include.subject.files import Needles
from include.subject.person import Subject
from include.subject.suppression import suppress
from include.subject.tables import tables
from include.subject.tokens import his_alone, stored

_How = Literal["analyze", "vacuum (analyze)", "vacuum (full, analyze)"]


class ErasureIncomplete(WarehouseError):
    """After all steps something of the person is still there; the order is not done."""


def database(connection: psycopg.Connection[Any], erasure_id: int) -> None:
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
    look_for(connection, erasure_id, his_alone(connection, subject.tokens, subject.ids))
    suppress(connection, erasure_id, subject.tokens)
    removal.remove(connection, erasure_id, subject, stored(connection, erasure_id))
    _step(connection, erasure_id, "database")


def _subject(connection: psycopg.Connection[Any], erasure_id: int) -> Subject:
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
    return Subject(
        rows=(),
        person_keys=frozenset(known["person_key"]),
        ids=frozenset(known.get("resident_id", ())),
        record_keys=frozenset(known.get("record_key", ())),
        households=frozenset(known.get("household_key", ())),
        household_nos=frozenset(known.get("household_no", ())),
        alert_keys=frozenset(known.get("alert_key", ())),
        tokens=frozenset((holds, value) for holds, values in known.items() for value in values),
    )


def look_for(
    connection: psycopg.Connection[Any], erasure_id: int, tokens: set[tuple[str, str]]
) -> None:
    """Keep what an order looks for until it is done."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into vault.erasure_token (erasure_id, holds, value) values (%s, %s, %s)"
            " on conflict do nothing",
            sorted((erasure_id, holds, value) for holds, value in tokens),
        )


def written(erasure_id: int) -> None:
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
        # Files that came with the same rows share a copy.
        known: dict[str, list[str]] = dict(connection.execute(
            "select coalesce(r.redacted_sha256, d.sha256), array_agg(distinct d.sha256)"
            " from ops.delivery as d left join ops.redaction as r using (sha256) group by 1"
        ).fetchall())  # fmt: skip
        hashes = {sha256 for _, sha256, _ in touched}
        for name, content in files.landed():
            if content is None or (name in known and hashes.issuperset(known[name])):
                continue
            if files.holds(content, needles):
                if name in known:
                    hashes.update(known[name])
                else:
                    landing.remove(name)  # of no delivery: its load was broken off
        for sha256 in sorted(hashes):
            redaction.redact(connection, sha256, erasure_id)
        _note(connection, erasure_id, "landing", len(hashes))
    with connect() as connection:
        redaction.discard(connection)
    files.drop_pages(needles)
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


def vacuum(erasure_id: int) -> None:
    """So that no dead row keeps the person, nor the planner. What nobody reads is written anew.

    The planner forgets every table: samples of rows that were gone before the erasure name him too.
    """
    with connect() as connection:
        touched = {
            place
            for (place,) in connection.execute(
                "select place from ops.erasure_place where erasure_id = %s", [erasure_id]
            )
        }
        ours = tables(connection)
        connection.commit()
        connection.autocommit = True
        for schema, table in ours:
            how: _How
            if f"{schema}.{table}" not in touched:
                how = "analyze"
            elif schema in ("marts", "archive"):
                how = "vacuum (analyze)"
            else:
                how = "vacuum (full, analyze)"
            _clean(connection, schema, table, how)
        connection.execute("vacuum pg_catalog.pg_statistic")
    with connect() as connection:
        _step(connection, erasure_id, "vacuumed")


def prove(erasure_id: int) -> None:
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
        for schema, table in search.OWN:
            _clean(connection, schema, table, "vacuum (full, analyze)")
        connection.execute("vacuum pg_catalog.pg_statistic")


def _clean(connection: psycopg.Connection[Any], schema: str, table: str, how: _How) -> None:
    planner_statistics.forget(connection, schema, table)
    connection.execute(sql.SQL("{} {}").format(sql.SQL(how), sql.Identifier(schema, table)))


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

"""Keep erased persons out: their rows are taken from a delivery before it is judged or keyed.

Only keyed hashes of their numbers are known. Their secret is not that of the person keys and never
changes: what was hashed with it is known no more, so it could not be hashed again.
"""

from __future__ import annotations

import hmac
from collections.abc import Container, Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Contract
from include.errors import ConfigurationMissing
from include.settings import settings
from include.subject.person import is_shared
from include.subject.redaction import redact
from include.vault.places import direct, places

HASHED = ("resident_id", "household_no", "system_no", "bank_no", "certificate")
"""Numbers that stay one person's. A telephone number is given to others in time."""
_CHECK = "check"
"""What the hash of is kept beside the others: it tells secrets apart."""
_NORMALISED = {"resident_id": "vault.normalise_resident_id({})"}


def suppress(
    connection: psycopg.Connection[Any], erasure_id: int, tokens: Iterable[tuple[str, str]]
) -> None:
    """Have numbers kept out from now on. Raises ConfigurationMissing where others were with a
    secret that is not ours."""
    if known := dict(connection.execute("select hash, holds from ops.suppressed").fetchall()):
        demand_same(known)
    hashes = {hashed(holds, value): holds for holds, value in tokens if holds in HASHED}
    keep_out(connection, erasure_id, {hashed(_CHECK, ""): _CHECK, **hashes})


def keep_out(
    connection: psycopg.Connection[Any], erasure_id: int, hashes: Mapping[str, str]
) -> None:
    """Have those of these hashes (hash -> of what) kept out."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.suppressed (hash, holds, erasure_id) values (%s, %s, %s)"
            " on conflict (hash) do nothing",
            sorted((digest, holds, erasure_id) for digest, holds in hashes.items()),
        )


def hashes_of(connection: psycopg.Connection[Any], erasure_id: int) -> dict[str, str]:
    """The hashes that came with an order, and the one that tells secrets apart: hash -> of what."""
    return dict(
        connection.execute(
            "select hash, holds from ops.suppressed where erasure_id = %s or holds = %s",
            [erasure_id, _CHECK],
        ).fetchall()
    )


def is_made_with(secret: str, hashes: Container[str]) -> bool:
    """Whether hashes were made with this secret."""
    return _digest(secret, _CHECK, "") in hashes


def demand_same(hashes: Container[str]) -> None:
    """Raises ConfigurationMissing where hashes were made with a secret that is not ours."""
    if hashed(_CHECK, "") not in hashes:
        raise ConfigurationMissing(
            "WAREHOUSE_ERASURE_SECRET is not the one that persons were erased with.",
            remedy="set it to that: with another they would come back with the next delivery.",
        )


def catch(
    connection: psycopg.Connection[Any], contract: Contract, delivery_id: int
) -> tuple[int, int]:
    """Take erased persons out of a delivery just loaded: (rows removed, rows with emptied cells).

    In the transaction of the load. Raises ConfigurationMissing where there are erased persons and
    no WAREHOUSE_ERASURE_SECRET, or another than they were erased with.
    """
    known: dict[str, int] = dict(
        connection.execute("select hash, erasure_id from ops.suppressed").fetchall()
    )
    if not known:
        return 0, 0
    demand_same(known)
    found: dict[str, tuple[str, list[str]]] = {}
    erasures: set[int] = set()
    for column, holds in _columns(connection, contract):
        read = _NORMALISED.get(holds, "parse.text({})")
        values = connection.execute(
            sql.SQL("select distinct {} from raw.{} as r where _delivery_id = %s").format(
                sql.SQL(read).format(sql.Identifier("r", column)), sql.Identifier(contract.kind)
            ),
            [delivery_id],
        ).fetchall()
        hits = {value: known[hashed(holds, value)] for (value,) in values
                if value and hashed(holds, value) in known}  # fmt: skip
        if hits:
            found[column] = holds, sorted(hits)
            erasures |= set(hits.values())
    if not found:
        return 0, 0
    removed, blanked = _take_out(connection, contract, delivery_id, found)
    for erasure_id in sorted(erasures):
        connection.execute(
            "insert into ops.erasure_delivery"
            " (erasure_id, delivery_id, removed, blanked, is_caught) values (%s, %s, %s, %s, true)",
            [erasure_id, delivery_id, removed, blanked],
        )
    return removed, blanked


def redact_caught(connection: psycopg.Connection[Any], delivery_id: int) -> None:
    """Replace the landed bytes of a delivery of which something was caught."""
    row = connection.execute(
        "select d.sha256, max(e.erasure_id) from ops.erasure_delivery as e"
        " inner join ops.delivery as d using (delivery_id)"
        " where e.delivery_id = %s group by d.sha256",
        [delivery_id],
    ).fetchone()
    if row:
        redact(connection, *row)


def _take_out(
    connection: psycopg.Connection[Any],
    contract: Contract,
    delivery_id: int,
    found: dict[str, tuple[str, list[str]]],
) -> tuple[int, int]:
    table = sql.Identifier("raw", contract.kind)
    conditions = {column: _is_one_of(column, *hit) for column, hit in found.items()}
    about = [
        condition
        for column, condition in conditions.items()
        if (holds := found[column][0]) == "household_no"
        or (holds == "resident_id" and not is_shared(contract))
        or contract.kind == "mz_dibao_payment"
    ]
    removed = blanked = 0
    of_delivery = sql.SQL("r._delivery_id = {}").format(sql.Literal(delivery_id))
    if about:
        removed = connection.execute(
            sql.SQL("delete from {} as r where {} and ({})").format(
                table, of_delivery, sql.SQL(" or ").join(about)
            )
        ).rowcount
    for column, condition in conditions.items():
        # A household's row names its head in other cells too.
        named = [column]
        if found[column][0] == "resident_id" and is_shared(contract):
            named = [name for name, holds in _columns(connection, contract, all_of_them=True)
                     if holds != "household_no"]  # fmt: skip
        blanked += connection.execute(
            sql.SQL("update {} as r set {} where {} and {}").format(
                table,
                sql.SQL(", ").join(
                    sql.SQL("{} = {}").format(
                        sql.Identifier(name), instead(contract.kind, name, found[column][1])
                    )
                    for name in named
                ),
                of_delivery,
                condition,
            )
        ).rowcount
    return removed, blanked


def instead(kind: str, column: str, values: Iterable[str]) -> sql.Composable:
    """What is put into a cell of another's row that holds one of the values: nothing.

    The members of a family are told by the number of its certificate, which may be that of its
    head: they keep a common number, another one.
    """
    if (kind, column) != ("mz_dibao_member", "cert_no"):
        return sql.SQL("null")
    return sql.SQL("case parse.text(cert_no) {} end").format(
        sql.SQL(" ").join(
            sql.SQL("when {} then {}").format(
                sql.Literal(value), sql.Literal(f"E{hashed('certificate', value)[:15].upper()}")
            )
            for value in values
        )
    )


def _is_one_of(column: str, holds: str, values: list[str]) -> sql.Composed:
    read = sql.SQL(_NORMALISED.get(holds, "parse.text({})")).format(sql.Identifier("r", column))
    return sql.SQL("{} = any({}::text[])").format(read, sql.Literal(values))


def _columns(
    connection: psycopg.Connection[Any], contract: Contract, *, all_of_them: bool = False
) -> list[tuple[str, str]]:
    """(column, what it holds) of the kind, of what is hashed or of all that names somebody."""
    found = [
        (place.column, place.holds)
        for place in direct(places(connection))
        if (place.schema, place.table) == ("raw", contract.kind)
        and (all_of_them or place.holds in HASHED)
    ]
    if contract.kind in ("mz_dibao_family", "mz_dibao_member", "mz_dibao_payment"):
        found.append(("cert_no", "certificate"))
    return found


def hashed(holds: str, value: str) -> str:
    """The keyed hash by which a number is kept out. Raises ConfigurationMissing."""
    secret = settings().erasure_secret
    if not secret:
        raise ConfigurationMissing(
            "WAREHOUSE_ERASURE_SECRET is not set, and persons were erased.",
            remedy="set it to the secret that was set when they were: without it they would come"
            " back with the next delivery.",
        )
    return _digest(secret, holds, value)


def _digest(secret: str, holds: str, value: str) -> str:
    return hmac.digest(secret.encode(), f"erased:{holds}:{value}".encode(), "sha256").hex()

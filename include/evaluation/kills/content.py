"""What the warehouse holds, a hash per table that does not depend on when or under what number.

Sequences leave gaps where a transaction was rolled back, and clocks go on. All else has to be the
same whether or not somebody was killed.
"""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg
from psycopg import sql

from include.database import OWNER, connect
from include.landing import opened, path_of
from include.receipts import files, receipts
from include.settings import settings

Content = dict[str, str]
"""table, or what is checked -> its hash, or what was found."""

_LOG = (
    "ops.migration", "ops.build", "ops.gate_result", "ops.publication", "ops.month_due",
    "ops.notice", "ops.seeding", "ops.working_schemas", "ops.backfill", "ops.retention",
)  # fmt: skip
"""What is done more often when something was killed: the log of what was tried."""
_BUILT_ANEW = ("vault.person_link", "vault.link_review", "vault.alias_candidate")
"""Written by a build's first step, and again by the next."""
_NUMBERED = ("_delivery_id", "delivery_id")

_TABLES = """
select n.nspname::text, c.relname::text, array_agg(a.attname::text order by a.attnum)
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = any(%s) and c.relkind in ('r', 'p')
group by 1, 2
order by 1, 2
"""


def delivered() -> Content:
    """What came, how it was judged and told, and the months as they are published."""
    with connect(OWNER) as connection:
        found = _tables(connection, ("raw", "ops", "vault", "marts"))
        found |= {"lost rows": _lost_rows(connection)}
        numbers = [
            number
            for (number,) in connection.execute("select delivery_id from ops.receipt order by 1")
        ]
    absent = sum(not path.exists() for each in receipts(numbers) for path in files(each))
    return found | {"receipts without a file": str(absent), "landing": _landing()}


def candidate() -> Content:
    """The working schemas' marts and links."""
    with connect(OWNER) as connection:
        found = _tables(connection, ("candidate",))
        return found | _tables(connection, ("vault",), only=_BUILT_ANEW)


def published() -> Content:
    """All published months and the versions they replaced, and the log of publications."""
    with connect(OWNER) as connection:
        found = _tables(connection, ("marts", "archive"))
        log = connection.execute(
            "select period, version, marts::text from ops.publication where state = 'published'"
            " order by period, version"
        ).fetchall()
        return found | {"publications": _digest(repr(log)), "lost rows": _lost_rows(connection)}


def _tables(
    connection: psycopg.Connection[Any], schemas: tuple[str, ...], only: tuple[str, ...] = ()
) -> Content:
    found: Content = {}
    for schema, table, columns in connection.execute(_TABLES, [list(schemas)]).fetchall():
        name = f"{schema}.{table}"
        if (only and name not in only) or (not only and name in (*_LOG, *_BUILT_ANEW)):
            continue
        if "__dbt_" not in table:
            found[name] = _hash(connection, schema, table, columns)
    return found


def _hash(connection: psycopg.Connection[Any], schema: str, table: str, columns: list[str]) -> str:
    left_out = [column for column in columns if column.endswith(("_at", "_id"))]
    number = next((column for column in _NUMBERED if column in columns), None)
    delivery: sql.Composable = sql.SQL("")
    if number and schema in ("raw", "ops", "vault", "staging"):
        delivery = sql.SQL(" left join ops.delivery as named on named.delivery_id = t.{}").format(
            sql.Identifier(number)
        )
    said: sql.Composable = sql.SQL("(to_jsonb(t) - {}::text[])::text").format(sql.Literal(left_out))
    if delivery != sql.SQL(""):
        said = sql.SQL(
            "{} || concat_ws('|', named.kind, named.county_code, named.period, named.file_name,"
            " named.sha256)"
        ).format(said)
    row = connection.execute(
        sql.SQL(
            "select count(*)::text || ' rows ' || md5(coalesce(string_agg(h, '' order by h), ''))"
            " from (select md5({said}) as h from {table} as t{delivery}) as hashed"
        ).format(said=said, table=sql.Identifier(schema, table), delivery=delivery)
    ).fetchone()
    assert row is not None
    return str(row[0])


def _lost_rows(connection: psycopg.Connection[Any]) -> str:
    """Deliveries whose rows in raw are not as many as were counted, or without an arrival."""
    kinds = [
        kind
        for (kind,) in connection.execute("select distinct kind from ops.delivery order by kind")
    ]
    wrong = []
    for kind in kinds:
        wrong += connection.execute(
            sql.SQL(
                "select d.kind, d.county_code from ops.delivery as d where d.kind = {kind} and ("
                "d.row_count <> (select count(*) from {raw} as r"
                " where r._delivery_id = d.delivery_id) or not exists ("
                "select from ops.arrival as a where a.delivery_id = d.delivery_id)) union all"
                " select {kind}, 'nobody' from {raw} as r where not exists (select from"
                " ops.delivery as d where d.delivery_id = r._delivery_id)"
            ).format(kind=sql.Literal(kind), raw=sql.Identifier("raw", kind))
        ).fetchall()
    return ", ".join(f"{kind} {county}" for kind, county in wrong) or "none"


def _landing() -> str:
    """Each delivery's bytes are there under their hash; how many are not."""
    with connect(OWNER) as connection:
        wanted = connection.execute("select distinct sha256 from ops.delivery").fetchall()
    wrong = 0
    for (sha256,) in wanted:
        try:
            with opened(path_of(sha256)) as file:
                wrong += _digest_of(file.read()) != sha256
        except FileNotFoundError:
            wrong += 1
    left = [path.name for path in settings().landing.glob(".[ir]*-*")]
    return f"{wrong} wrong, {len(left)} left"


def _digest(text: str) -> str:
    return _digest_of(text.encode())


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

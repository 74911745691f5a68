"""Landed files without an erased person: a copy of what is still loaded of them, in their place.

The register keeps the hash of the bytes as they came, so the same file is known again when it is
sent again; what is kept of it is the copy.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import contracts
from include.landing import path_of, remove, store

_PAGE = 500


def redact(connection: psycopg.Connection[Any], sha256: str, erasure_id: int) -> None:
    """Put a copy of what is loaded of a landed file into landing, and on record that it replaces
    those bytes; of a file of which nothing is loaded there is none.

    The bytes themselves go with ``discard``, once this is committed.
    """
    row = connection.execute(
        "select delivery_id, kind, file_name from ops.delivery where sha256 = %s"
        " and row_count > 0 order by row_count desc, delivery_id limit 1",
        [sha256],
    ).fetchone()
    copy: tuple[str | None, int | None] = (None, None)
    if row:
        form = _pages if row[2].endswith(".jsonl") else _csv
        _, size, own = store(form(connection, *row[:2]))
        copy = own, size
    # A copy made for an earlier erasure is replaced by this one, and so is what that one replaced.
    connection.execute(
        "with before as (select redacted_sha256 from ops.redaction where sha256 = %(sha)s)"
        " insert into ops.redaction (sha256, redacted_sha256, redacted_bytes, erasure_id)"
        " select old.sha256, %(copy)s, %(bytes)s, %(erasure)s from ("
        " select %(sha)s as sha256 union select redacted_sha256 from before union"
        " select r.sha256 from ops.redaction as r inner join before using (redacted_sha256)"
        # Another file that came with the same rows has a say of its own.
        " where not exists (select from ops.delivery as d where d.sha256 = r.sha256)) as old"
        " where old.sha256 is distinct from %(copy)s and old.sha256 is not null"
        " on conflict (sha256) do update set redacted_sha256 = excluded.redacted_sha256,"
        " redacted_bytes = excluded.redacted_bytes, erasure_id = excluded.erasure_id,"
        " redacted_at = clock_timestamp()",
        {"copy": copy[0], "bytes": copy[1], "erasure": erasure_id, "sha": sha256},
    )


def discard(connection: psycopg.Connection[Any], sha256: str | None = None) -> int:
    """Remove the bytes that were replaced: all, or those of one hash; how many files went.

    Earlier copies go too: what landing holds is what some record names.
    """
    replaced = connection.execute(
        "select r.sha256 from ops.redaction as r where r.sha256 = coalesce(%s, r.sha256)"
        " and not exists (select from ops.redaction as o where o.redacted_sha256 = r.sha256)",
        [sha256],
    ).fetchall()
    gone = 0
    for (each,) in replaced:
        gone += path_of(each).exists()
        remove(each)
    return gone


def _csv(connection: psycopg.Connection[Any], delivery_id: int, kind: str) -> Iterator[bytes]:
    """UTF-8, under the sender's own headings, in the order of the rows."""
    row = connection.execute(
        "select headings from ops.delivery_layout where delivery_id = %s", [delivery_id]
    ).fetchone()
    layout: dict[str, Any] = row[0] if row else {}
    columns = [
        (column.name, layout.get(column.name, {}).get("title") or column.headers[0])
        for column in sorted(
            contracts()[kind].columns,
            key=lambda column: layout.get(column.name, {}).get("position", 0),
        )
        if not layout or column.name in layout
    ]
    others = connection.execute(
        sql.SQL(
            "select distinct k from raw.{} as r cross join jsonb_object_keys(r._unmapped) as k"
            " where r._delivery_id = %s order by 1"
        ).format(sql.Identifier(kind)),
        [delivery_id],
    ).fetchall()
    cells = [sql.Identifier("r", name) for name, _ in columns] + [
        sql.SQL("r._unmapped ->> {}").format(sql.Literal(key)) for (key,) in others
    ]
    header = io.StringIO()
    csv.writer(header).writerow([title for _, title in columns] + [key for (key,) in others])
    yield header.getvalue().encode()
    with connection.cursor().copy(
        sql.SQL(
            "copy (select {cells} from raw.{table} as r where r._delivery_id = {delivery}"
            " order by r._row_no) to stdout (format csv, encoding 'UTF8')"
        ).format(
            cells=sql.SQL(", ").join(cells),
            table=sql.Identifier(kind),
            delivery=sql.Literal(delivery_id),
        )
    ) as copy:
        for chunk in copy:
            yield bytes(chunk)


def _pages(connection: psycopg.Connection[Any], delivery_id: int, kind: str) -> Iterator[bytes]:
    """Pages of the API: one a line."""
    for (page,) in connection.execute(
        sql.SQL(
            "select jsonb_build_object('data', jsonb_agg((to_jsonb(r) - {ours}::text[])"
            " || coalesce(r._unmapped, '{{}}') order by r._row_no))::text"
            " from (select *, (row_number() over (order by _row_no) - 1) / {page} as _page"
            " from raw.{table} where _delivery_id = {delivery}) as r"
            " group by r._page order by r._page"
        ).format(
            ours=sql.Literal(["_delivery_id", "_row_no", "_loaded_at", "_unmapped", "_page"]),
            page=sql.Literal(_PAGE),
            table=sql.Identifier(kind),
            delivery=sql.Literal(delivery_id),
        )
    ):
        yield page.encode() + b"\n"

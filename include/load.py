"""From landing into ``raw``: every row, every column as text, once per distinct content."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Contract, contracts
from include.database import connect
from include.delimited import find_table
from include.errors import UnreadableDelivery
from include.landing import Landed
from include.spreadsheet import find_sheet
from include.vault import key_identifiers

_WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".et")
_CONTROL_TOTAL = re.compile(r"(\d+)[人户条个]\.[A-Za-z]+$")
_TAIL = {
    "_delivery_id": "bigint not null default "
    "current_setting('warehouse.delivery_id', true)::bigint",
    "_row_no": "bigint not null default nextval('raw.{table}_row_no')",
    "_loaded_at": "timestamptz not null default now()",
    "_unmapped": "jsonb",
}


def ensure_raw_tables() -> None:
    """Create the raw table of each contract, and add columns that a newer contract has.

    The row number is a sequence's next value, so that COPY takes a file's bytes as they are.
    """
    with connect() as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('raw'))")
        for kind, contract in contracts().items():
            names = {"table": sql.Identifier("raw", kind)}
            sequence = sql.Identifier("raw", f"{kind}_row_no")
            connection.execute(sql.SQL("create sequence if not exists {}").format(sequence))
            connection.execute(sql.SQL("create table if not exists {table} ()").format(**names))
            typed = {column.name: "text" for column in contract.columns} | _TAIL
            for name, declaration in typed.items():
                connection.execute(
                    sql.SQL("alter table {table} add column if not exists {column} {type}").format(
                        **names,
                        column=sql.Identifier(name),
                        type=sql.SQL(declaration.format(table=kind)),
                    )
                )
            connection.execute(
                sql.SQL("create index if not exists {index} on {table} (_delivery_id)").format(
                    **names, index=sql.Identifier(f"{kind}_delivery_id")
                )
            )


def load(landed: Landed) -> int:
    """Load one landed file; returns its delivery_id. One transaction: all of it or nothing.

    The same content of the same (kind, county, period) is loaded once; a further arrival of it is
    only recorded. A file without a required header, or that cannot be read, is recorded with what
    is wrong and without rows: its expectation suite then rejects it.
    """
    contract = contracts()[landed.kind]
    with connect() as connection:
        # Loads of one kind take turns: they share the sequence that numbers rows.
        connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"raw.{landed.kind}"])
        delivery_id = _known(connection, landed)
        if delivery_id is None:
            delivery_id = _load_new(connection, contract, landed)
        connection.execute(
            "insert into ops.arrival (delivery_id, uri, modified_at) values (%s, %s, %s) "
            "on conflict do nothing",
            [delivery_id, landed.uri, landed.modified_at],
        )
    return delivery_id


def control_total(file_name: str) -> int | None:
    """The row count a sender wrote into a file name, such as 608 in ``…-608人.xlsx``."""
    found = _CONTROL_TOTAL.search(file_name)
    return int(found.group(1)) if found else None


def _known(connection: psycopg.Connection[Any], landed: Landed) -> int | None:
    row = connection.execute(
        "select delivery_id from ops.delivery "
        "where (kind, county_code, period, sha256) = (%s, %s, %s, %s)",
        [landed.kind, landed.county_code, landed.period, landed.sha256],
    ).fetchone()
    return row[0] if row else None


def _load_new(connection: psycopg.Connection[Any], contract: Contract, landed: Landed) -> int:
    fresh = connection.execute(
        "select nextval(pg_get_serial_sequence('ops.delivery', 'delivery_id'))"
    ).fetchone()
    assert fresh is not None
    delivery_id = int(fresh[0])
    connection.execute("select set_config('warehouse.delivery_id', %s, true)", [str(delivery_id)])
    rows = 0
    encoding: str | None = None
    missing: list[str] = []
    unreadable: str | None = None
    try:
        with connection.transaction():
            rows, encoding, missing = _copy(connection, contract, landed)
    except UnreadableDelivery as refusal:
        unreadable = refusal.what
    except psycopg.DataError as refusal:
        unreadable = _reason(refusal)
    connection.execute(
        "insert into ops.delivery (delivery_id, source, kind, county_code, period, file_name, "
        "bytes, sha256, encoding, row_count, control_total, missing_headers, unreadable, "
        "contract_version) "
        "overriding system value values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            delivery_id,
            landed.source,
            landed.kind,
            landed.county_code,
            landed.period,
            landed.file_name,
            landed.bytes,
            landed.sha256,
            encoding,
            rows,
            control_total(landed.file_name),
            missing,
            unreadable,
            contract.version,
        ],
    )
    if rows:
        key_identifiers(connection, contract.kind, contract.identifiers, delivery_id)
    return delivery_id


def _copy(
    connection: psycopg.Connection[Any], contract: Contract, landed: Landed
) -> tuple[int, str | None, list[str]]:
    """Bring the rows in by the form of the file; returns (rows, encoding, missing headers)."""
    known = frozenset(header for column in contract.columns for header in column.headers)
    suffix = Path(landed.file_name).suffix.lower()
    if suffix == ".jsonl":
        return _copy_json_pages(connection, contract, landed.path), "UTF8", []
    if suffix in _WORKBOOKS:
        sheet = find_sheet(landed.path, known)
        if missing := _missing(contract, sheet.header):
            return 0, None, missing
        _begin_rows(connection, contract.kind, sheet.header_row)
        names = _columns(contract, sheet.header)
        width = len(names)
        records = ((*(cells + [None] * width)[:width], number) for number, cells in sheet.records())
        return _into_raw(connection, contract.kind, names, records=records), None, []
    table = find_table(landed.path, known)
    if missing := _missing(contract, table.header):
        return 0, table.encoding, missing
    _begin_rows(connection, contract.kind, table.header_row)
    names = _columns(contract, table.header)
    rows = _into_raw(
        connection, contract.kind, names, chunks=table.chunks(), encoding=table.encoding
    )
    return rows, table.encoding, []


def _missing(contract: Contract, header: tuple[str, ...]) -> list[str]:
    """First header of each required column that the file lacks."""
    present = {column.name for title in header if (column := contract.column_of(title))}
    return [c.headers[0] for c in contract.columns if c.required and c.name not in present]


def _columns(contract: Contract, header: tuple[str, ...]) -> list[tuple[str, bool]]:
    """(column or unknown header, whether the contract knows it) in the file's order."""
    names: list[tuple[str, bool]] = []
    for position, title in enumerate(header, start=1):
        column = contract.column_of(title)
        name = column.name if column else title or f"column {position}"
        if (name, column is not None) in names:
            raise UnreadableDelivery(
                f"two columns are headed as {title or name}.",
                remedy="send the file with each column once.",
            )
        names.append((name, column is not None))
    return names


def _begin_rows(connection: psycopg.Connection[Any], kind: str, header_row: int) -> None:
    connection.execute("select setval(%s, %s)", [f"raw.{kind}_row_no", header_row])


def _into_raw(
    connection: psycopg.Connection[Any],
    kind: str,
    names: list[tuple[str, bool]],
    *,
    chunks: Iterable[bytes] = (),
    records: Iterable[tuple[Any, ...]] | None = None,
    encoding: str = "UTF8",
) -> int:
    """COPY into ``raw.<kind>``; columns the contract does not know end in ``_unmapped``.

    ``chunks`` are csv bytes in ``encoding``; ``records`` are tuples that end with the row number.
    """
    target = sql.Identifier("raw", kind)
    mapped = [sql.Identifier(name) for name, is_known in names if is_known]
    unknown = [name for name, is_known in names if not is_known]
    columns = [
        sql.Identifier(name if is_known else f"unmapped_{names.index((name, is_known))}")
        for name, is_known in names
    ]
    if unknown:
        connection.execute("drop table if exists pg_temp.odd_delivery")
        connection.execute(
            sql.SQL(
                "create temporary table odd_delivery (like {} including defaults) on commit drop"
            ).format(target)
        )
        for column, (_, is_known) in zip(columns, names, strict=True):
            if not is_known:
                connection.execute(
                    sql.SQL("alter table odd_delivery add column {} text").format(column)
                )
    form = sql.SQL("format csv, encoding {}").format(encoding) if records is None else sql.SQL("")
    statement = sql.SQL("copy {} ({}) from stdin {}").format(
        sql.Identifier("odd_delivery") if unknown else target,
        sql.SQL(", ").join(columns + ([] if records is None else [sql.Identifier("_row_no")])),
        sql.SQL("({})").format(form) if records is None else form,
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            if records is None:
                for chunk in chunks:
                    copy.write(chunk)
            else:
                for record in records:
                    copy.write_row(record)
        rows = cursor.rowcount
    if unknown:
        pairs = [
            part
            for column, (name, is_known) in zip(columns, names, strict=True)
            if not is_known
            for part in (sql.Literal(name), column)
        ]
        connection.execute(
            sql.SQL(
                "insert into {target} ({mapped}, _row_no, _unmapped) select {mapped}, _row_no, "
                "jsonb_strip_nulls(jsonb_build_object({pairs})) from odd_delivery"
            ).format(
                target=target,
                mapped=sql.SQL(", ").join(mapped),
                pairs=sql.SQL(", ").join(pairs),
            )
        )
    return rows


def _copy_json_pages(connection: psycopg.Connection[Any], contract: Contract, path: Path) -> int:
    """One API page a line; PostgreSQL takes the records apart, in the order of the pages."""
    connection.execute(
        "create temporary table api_page (page_no bigint generated always as identity, body jsonb) "
        "on commit drop"
    )
    with connection.cursor() as cursor:
        # Quote and delimiter that JSON text cannot hold unescaped: a line is one value, untouched.
        with (
            cursor.copy(
                r"copy api_page (body) from stdin (format csv, quote E'\x01', delimiter E'\x02')"
            ) as copy,
            path.open("rb") as file,
        ):
            while chunk := file.read(1 << 20):
                copy.write(chunk)
        names = [sql.Identifier(column.name) for column in contract.columns]
        cursor.execute(
            sql.SQL(
                "insert into {target} ({names}, _row_no) "
                "select {names}, row_number() over (order by page_no, position) "
                "from api_page cross join lateral rows from ("
                "jsonb_to_recordset(body -> 'data') as ({typed})) "
                "with ordinality as record ({names}, position)"
            ).format(
                target=sql.Identifier("raw", contract.kind),
                names=sql.SQL(", ").join(names),
                typed=sql.SQL(", ").join(sql.SQL("{} text").format(name) for name in names),
            )
        )
        return cursor.rowcount


def _reason(refusal: psycopg.DataError) -> str:
    """What PostgreSQL found wrong and in which record; never the record's content."""
    found = re.search(r", line (\d+)", refusal.diag.context or "")
    place = f" in record {found.group(1)}" if found else ""
    return f"{type(refusal).__name__}{place}: the bytes are not the table they claim to be."

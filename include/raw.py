"""The ``raw`` tables: made from the contracts, filled by COPY, never updated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from include.contracts import Contract, contracts
from include.database import OWNER, connect
from include.delimited import Table
from include.landing import opened
from include.layout import BLANKS, STRUCTURE_WORDS

_TAIL = {
    "_delivery_id": "bigint not null default "
    "current_setting('warehouse.delivery_id', true)::bigint",
    "_row_no": "bigint not null default nextval('raw.{table}_row_no')",
    "_loaded_at": "timestamptz not null default now()",
    "_unmapped": "jsonb",
}

Headings = list[tuple[str, bool]]
"""(column or unknown heading, whether the contract knows it), in the file's order."""


def ensure_raw_tables(of: Iterable[Contract] | None = None) -> None:
    """Create the raw table of each contract, and add columns that a newer contract has.

    The row number is a sequence's next value, so that COPY takes a file's bytes as they are.
    """
    with connect(OWNER) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('raw'))")
        for contract in contracts().values() if of is None else of:
            kind = contract.kind
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


def copy_table(
    connection: psycopg.Connection[Any], kind: str, headings: Headings, table: Table
) -> tuple[int, bool]:
    """COPY a table's records as they are in the file.

    Returns how many were records, and whether any other rows stood among them.
    """
    columns = _columns(headings)
    # A quoted empty cell is as empty as an unquoted one, and as one of a workbook.
    options = sql.SQL("(format csv, encoding {}, delimiter {}, force_null ({}))").format(
        table.encoding, sql.Literal(table.delimiter), sql.SQL(", ").join(columns)
    )
    targets = columns
    if table.is_numbered:
        targets = [sql.Identifier("_row_no"), *columns]
    else:
        connection.execute("select setval(%s, %s)", [f"raw.{kind}_row_no", table.header_row])
        options = sql.SQL("{} where {}").format(options, _is_record(columns))
    with _target(connection, kind, headings) as target, connection.cursor() as cursor:
        with cursor.copy(_copy(target, targets, options)) as copy:
            for chunk in table.chunks():
                copy.write(chunk)
        rows = cursor.rowcount
        if table.is_numbered:
            return rows, False
        # Numbers are given to all rows, and only records are kept.
        cursor.execute("select currval(%s)", [f"raw.{kind}_row_no"])
        (last,) = cursor.fetchone() or (0,)
        return rows, last - table.header_row > rows


@contextmanager
def _target(
    connection: psycopg.Connection[Any], kind: str, headings: Headings
) -> Iterator[sql.Identifier]:
    """Where COPY writes: the raw table, or first a table that has the unknown columns too.

    At the end the unknown columns' values are in ``_unmapped``.
    """
    raw = sql.Identifier("raw", kind)
    mapped = [sql.Identifier(name) for name, is_known in headings if is_known]
    unknown = [
        (sql.Literal(name), column)
        for column, (name, is_known) in zip(_columns(headings), headings, strict=True)
        if not is_known
    ]
    if not unknown:
        yield raw
        return
    odd = sql.Identifier("pg_temp", "odd_delivery")
    connection.execute(sql.SQL("drop table if exists {}").format(odd))
    connection.execute(
        sql.SQL("create temporary table odd_delivery (like {} including defaults, {})").format(
            raw, sql.SQL(", ").join(sql.SQL("{} text").format(column) for _, column in unknown)
        )
    )
    yield odd
    connection.execute(
        sql.SQL(
            "insert into {raw} ({mapped}, _row_no, _unmapped) select {mapped}, _row_no, "
            "nullif(jsonb_strip_nulls(jsonb_object(array[{keys}], array[{values}])), '{{}}') "
            "from {odd}"
        ).format(
            raw=raw,
            mapped=sql.SQL(", ").join(mapped),
            keys=sql.SQL(", ").join(key for key, _ in unknown),
            values=sql.SQL(", ").join(column for _, column in unknown),
            odd=odd,
        )
    )
    connection.execute(sql.SQL("drop table {}").format(odd))


def _columns(headings: Headings) -> list[sql.Identifier]:
    """Column names; an unknown heading may be longer than PostgreSQL's names and gets a number."""
    return [
        sql.Identifier(name if is_known else f"unmapped_{position}")
        for position, (name, is_known) in enumerate(headings)
    ]


def _copy(
    table: sql.Identifier, columns: list[sql.Identifier], options: sql.Composable
) -> sql.Composed:
    return sql.SQL("copy {} ({}) from stdin {}").format(table, sql.SQL(", ").join(columns), options)


def _is_record(columns: list[sql.Identifier]) -> sql.Composed:
    """``layout.is_structure``, negated, for COPY: it leaves out what is no record.

    The row number goes on all the same. Almost every row is settled by its first two characters.
    """
    lengths = sorted({len(word) for word in STRUCTURE_WORDS})
    begins_otherwise = sql.SQL(" and ").join(
        sql.SQL("left(ltrim({first}, {blanks}), {length}) <> all ({words})").format(
            first=columns[0],
            blanks=sql.Literal(BLANKS),
            length=sql.Literal(length),
            words=sql.Literal(["", *(word for word in STRUCTURE_WORDS if len(word) == length)]),
        )
        for length in lengths
    )
    return sql.SQL(
        "({begins_otherwise}) or (coalesce(ltrim({first}, {blanks}), '') = '' "
        "and ltrim(array_to_string(array[{columns}], ''), {blanks}) <> '')"
    ).format(
        begins_otherwise=begins_otherwise,
        first=columns[0],
        blanks=sql.Literal(BLANKS),
        columns=sql.SQL(", ").join(columns),
    )


def copy_json_pages(
    connection: psycopg.Connection[Any], contract: Contract, path: Path
) -> tuple[int, list[str]]:
    """One API page a line; PostgreSQL takes the records apart, in the order of the pages.

    Returns (rows, required fields that no record has); with one of these nothing is inserted.
    """
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
            opened(path) as file,
        ):
            while chunk := file.read(1 << 20):
                copy.write(chunk)
        cursor.execute(
            "create temporary table api_record on commit drop as "
            "select row_number() over (order by page_no, position) as row_no, record "
            "from api_page cross join lateral jsonb_array_elements(body -> 'data') "
            "with ordinality as element (record, position)"
        )
        if cursor.rowcount == 0:
            return 0, []
        cursor.execute(
            "select array(select field from unnest(%s::text[]) with ordinality as f (field, n) "
            "where not exists (select from api_record where record ? field) order by n)",
            [[column.name for column in contract.columns if column.required]],
        )
        (missing,) = cursor.fetchone() or ([],)
        if missing:
            return 0, missing
        names = [sql.Identifier(column.name) for column in contract.columns]
        cursor.execute(
            sql.SQL(
                "insert into {target} ({names}, _row_no, _unmapped) "
                "select {names}, row_no, nullif(record - {known}::text[], '{{}}') "
                "from api_record cross join lateral jsonb_to_record(record) as fields ({typed})"
            ).format(
                target=sql.Identifier("raw", contract.kind),
                names=sql.SQL(", ").join(names),
                known=sql.Literal([column.name for column in contract.columns]),
                typed=sql.SQL(", ").join(sql.SQL("{} text").format(name) for name in names),
            )
        )
        return cursor.rowcount, []

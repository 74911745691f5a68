"""From landing into ``raw``: every row, every column as text, once per distinct content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include import reader
from include.contracts import Column, Contract, contracts
from include.database import acting_as, connect
from include.defects import record_defects
from include.defects.form import record_form
from include.delimited import Table
from include.errors import ServiceFailed, UnreadableDelivery
from include.landing import Landed, remove
from include.layout import stated_period
from include.raw import Headings, copy_json_pages, copy_table, ensure_raw_tables
from include.subject import suppression
from include.vault import key_identifiers

__all__ = ["ensure_raw_tables", "load"]

_MOST_HEADINGS = 250
"""Far more than any layout has; a row of PostgreSQL holds about this many texts for sure."""
_MOST_COLUMNS = 1500
"""With those that have no heading: columns of nothing, beside the table."""
_RESAVE = "save the file again as .xlsx or CSV (GB18030 or UTF-8) and send it anew."


@dataclass(frozen=True)
class _Loaded:
    """What a file was found to be, or why it could not be read.

    ``missing`` are the first headers of required columns that it lacks, ``respelt`` the columns
    under another heading than their first; ``has_form`` says that there is more than header and
    records in it.
    """

    rows: int = 0
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    stated_period: str | None = None
    respelt: tuple[str, ...] = ()
    has_form: bool = False
    refusal: UnreadableDelivery | None = None


@acting_as("loader")
def load(landed: Landed, contract: Contract | None = None) -> int:
    """Load one landed file; returns its delivery_id. One transaction: all of it or nothing.

    The same content of the same (kind, county, period) is loaded once; a further arrival of it is
    only recorded. A file without a required header, or that cannot be read, is recorded with what
    is wrong and without rows: its expectation suite then rejects it.

    ``contract`` is that of ``landed.kind`` unless given. Raises ConfigurationMissing without the
    secret of the person keys, ServiceFailed where the database breaks off.
    """
    try:
        with connect() as connection:
            delivery_id = _load(connection, contract or contracts()[landed.kind], landed)
            is_replaced = _is_replaced(connection, landed.sha256)
        if is_replaced:
            remove(landed.sha256)
        return delivery_id
    except psycopg.Error as error:
        trouble = f"{type(error).__name__} {error.sqlstate or ''}".strip()
    # Raised here, not above: a database error that met COPY quotes the row.
    raise ServiceFailed(
        f"the warehouse database broke off the load ({trouble}); nothing of it was kept.",
        file=landed.file_name,
        remedy="see that PostgreSQL runs and its disk has space, then clear this task.",
    )


def _load(connection: psycopg.Connection[Any], contract: Contract, landed: Landed) -> int:
    # Loads of one kind take turns: they share the sequence that numbers rows.
    connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"raw.{contract.kind}"])
    delivery_id = _known(connection, contract, landed)
    if delivery_id is None:
        delivery_id = _load_new(connection, contract, landed)
    _record_arrival(connection, landed, delivery_id)
    return delivery_id


def _is_replaced(connection: psycopg.Connection[Any], sha256: str) -> bool:
    """Whether these bytes hold somebody who was erased, and a copy lies in landing instead."""
    row = connection.execute("select 1 from ops.redaction where sha256 = %s", [sha256])
    return row.fetchone() is not None


def _known(connection: psycopg.Connection[Any], contract: Contract, landed: Landed) -> int | None:
    """The delivery that this content was loaded as.

    Where it could not be loaded, it counts anew under another name or another version of the
    contract; where its name announced the wrong month or number of rows, under another name.
    """
    row = connection.execute(
        "select delivery_id from ops.delivery "
        "where (kind, county_code, period, sha256) = (%(kind)s, %(county)s, %(period)s, %(sha)s) "
        "and case when unreadable is null and missing_headers = '{}' "
        "then file_name = %(name)s or (coalesce(control_total, row_count) = row_count "
        "and coalesce(stated_period, period) = period) "
        "else (file_name, contract_version) = (%(name)s, %(version)s) end "
        "order by file_name = %(name)s desc, delivery_id desc limit 1",
        {
            "kind": landed.kind,
            "county": landed.county_code,
            "period": landed.period,
            "sha": landed.sha256,
            "name": landed.file_name,
            "version": contract.version,
        },
    ).fetchone()
    return row[0] if row else None


def _record_arrival(connection: psycopg.Connection[Any], landed: Landed, delivery_id: int) -> None:
    """A file arrives anew with a new time stamp; without time stamps, when another came between."""
    connection.execute(
        "insert into ops.arrival (delivery_id, uri, modified_at) "
        "select %(delivery)s, %(uri)s, %(modified)s where %(modified)s::timestamptz is not null "
        "or %(delivery)s is distinct from ("
        "select a.delivery_id from ops.arrival as a "
        "inner join ops.delivery as d on a.delivery_id = d.delivery_id "
        "where (d.kind, d.county_code, d.period) = (%(kind)s, %(county)s, %(period)s) "
        "order by a.arrival_id desc limit 1) on conflict do nothing",
        {
            "delivery": delivery_id,
            "uri": landed.uri,
            "modified": landed.modified_at,
            "kind": landed.kind,
            "county": landed.county_code,
            "period": landed.period,
        },
    )


def _load_new(connection: psycopg.Connection[Any], contract: Contract, landed: Landed) -> int:
    fresh = connection.execute(
        "select nextval(pg_get_serial_sequence('ops.delivery', 'delivery_id'))"
    ).fetchone()
    assert fresh is not None
    delivery_id = int(fresh[0])
    connection.execute("select set_config('warehouse.delivery_id', %s, true)", [str(delivery_id)])
    found = _read(connection, contract, landed)
    refusal = found.refusal
    erased = suppression.catch(connection, contract, delivery_id) if found.rows else (0, 0)
    rows, announced = found.rows - erased[0], contract.announced_rows(landed.file_name)
    connection.execute(
        "insert into ops.delivery (delivery_id, source, kind, county_code, period, file_name, "
        "bytes, sha256, encoding, row_count, control_total, missing_headers, unreadable, "
        "refusal_code, refusal_row, stated_period, contract_version) overriding system value "
        "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            delivery_id,
            landed.source,
            landed.kind,
            landed.county_code,
            landed.period,
            landed.file_name,
            landed.bytes,
            landed.sha256,
            found.encoding,
            rows,
            announced and announced - erased[0],
            list(found.missing),
            refusal and refusal.what,
            refusal and refusal.code,
            refusal and refusal.row,
            found.stated_period,
            contract.version,
        ],
    )
    record_form(connection, delivery_id, found.respelt, found.has_form, refusal)
    if any(erased):
        suppression.redact_caught(connection, delivery_id)
    if rows:
        key_identifiers(connection, contract.kind, contract.identifiers, delivery_id)
        record_defects(connection, contract, delivery_id, landed.county_code, landed.period)
    return delivery_id


def _read(connection: psycopg.Connection[Any], contract: Contract, landed: Landed) -> _Loaded:
    """Bring the rows in, all or none; a file that cannot be read is told by its refusal."""
    try:
        with connection.transaction():
            return _copy(connection, contract, landed)
    except UnreadableDelivery as refusal:
        return _Loaded(refusal=refusal)


def _copy(connection: psycopg.Connection[Any], contract: Contract, landed: Landed) -> _Loaded:
    """Bring the rows in by the form of the file. Raises UnreadableDelivery."""
    name, lines_above = landed.file_name, 0
    try:
        if Path(name).suffix.lower() == ".jsonl":
            rows, missing = copy_json_pages(connection, contract, landed.path)
            return _Loaded(rows, "UTF8", tuple(missing))
        known = contract.headers_in(landed.county_code, landed.period)
        with reader.table(landed.path, name, frozenset(known)) as table:
            encoding = None if table.is_numbered else table.encoding
            stated = stated_period(table.titles, name, landed.period)
            _record_layout(connection, known, table)
            if missing := _missing(contract, known, table.header):
                return _Loaded(0, encoding, tuple(missing), stated)
            headings = _headings(known, table.header)
            lines_above = table.header_line
            rows, has_others = copy_table(connection, contract.kind, headings, table)
            has_form = table.header_row > 1 or table.has_notes or has_others
            return _Loaded(rows, encoding, (), stated, _respelt(known, table.header), has_form)
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        refusal = _refusal(error, name, lines_above)
    # Raised here, not above: a database error that met COPY quotes the row.
    raise refusal


def _record_layout(
    connection: psycopg.Connection[Any], known: Mapping[str, Column], table: Table
) -> None:
    """Keep how the sender heads the columns: what is wrong with a cell is told in his words."""
    headings = {
        known[title].name: {"title": title, "position": position}
        for position, title in enumerate(table.header, start=1)
        if title in known
    }
    connection.execute(
        "insert into ops.delivery_layout (delivery_id, sheet, header_row, headings) values"
        " (current_setting('warehouse.delivery_id')::bigint, %s, %s, %s)",
        [table.sheet, table.header_row, Jsonb(headings)],
    )


def _missing(contract: Contract, known: Mapping[str, Column], header: tuple[str, ...]) -> list[str]:
    """First header of each required column that the file lacks."""
    present = {known[title].name for title in header if title in known}
    return [c.headers[0] for c in contract.columns if c.required and c.name not in present]


def _respelt(known: Mapping[str, Column], header: tuple[str, ...]) -> tuple[str, ...]:
    """Columns that are headed otherwise than by the first of their headers."""
    return tuple(
        known[title].name for title in header if title in known and title != known[title].headers[0]
    )


def _headings(known: Mapping[str, Column], header: tuple[str, ...]) -> Headings:
    if sum(map(bool, header)) > _MOST_HEADINGS or len(header) > _MOST_COLUMNS:
        raise UnreadableDelivery(
            f"the table has {len(header)} columns; at most {_MOST_HEADINGS} with a heading are "
            "taken.",
            code="F04",
            remedy="send the file with the columns of its contract.",
        )
    names: Headings = []
    seen = set()
    for position, title in enumerate(header, start=1):
        column = known.get(title)
        name = column.name if column else title or f"column {position}"
        if (name, column is not None) in seen:
            raise UnreadableDelivery(
                f"two columns are headed as {title or name}.",
                code="D17",
                remedy="send the file with each column once.",
            )
        seen.add((name, column is not None))
        names.append((name, column is not None))
    return names


def _refusal(error: psycopg.Error, file_name: str, lines_above: int) -> UnreadableDelivery:
    """What PostgreSQL found wrong and in which line; never the line's content."""
    match error:
        case psycopg.errors.CharacterNotInRepertoire() | psycopg.errors.UntranslatableCharacter():
            code, what = "D18", "the bytes are neither UTF-8 nor GB18030 text"
        case psycopg.errors.BadCopyFileFormat():
            code = "F05"
            what = "a row has too few or too many cells, or a quotation mark that is not closed"
        case psycopg.errors.ProgramLimitExceeded():
            code, what = "F04", "a row holds more than a row of the warehouse can"
        case _:
            code = "F02"
            what = f"the bytes are not the table they claim to be ({type(error).__name__})"
    found = re.search(r", line (\d+)", error.diag.context or "")
    # Rows are written in batches: where one is too large, the line is that of the batch's end.
    is_exact = not isinstance(error, psycopg.errors.ProgramLimitExceeded)
    line = int(found.group(1)) + lines_above if found and is_exact else None
    return UnreadableDelivery(
        f"{what} (line {line})." if line else f"{what}.",
        code=code,
        file=file_name,
        row=line,
        remedy=_RESAVE,
    )

"""Civil affairs: a PostgreSQL database we may read, extracted by COPY with a lookback window."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from include.contracts import Contract, contracts
from include.database import connect
from include.errors import ConfigurationMissing, SourceUnavailable
from include.landing import Landed, store
from include.months import demand_month
from include.settings import settings
from include.transport import distrust

CITY = "431000"
_CONNECT_TIMEOUT_S = 30


def extract(period: str, kind: str) -> Landed:
    """Land one table's rows changed since ``lookback_days`` before the period, as csv.

    The first period ever accepted takes the whole table. Rows change in place at the source and
    late, so the window reaches back instead of starting at the last time stamp seen; what comes
    twice is superseded in staging. The bytes go from COPY to landing without becoming rows here,
    ordered by the table's grain and then by all else (the grain may be given twice), so that an
    unchanged source gives the same file.

    Raises SourceUnavailable where the database does not answer or lacks what the contract names,
    NotAMonth.
    """
    demand_month(period)
    contract = contracts()[kind]
    since = _since(period, kind)
    if not settings().civil_affairs_dsn:
        raise ConfigurationMissing(
            "WAREHOUSE_CIVIL_AFFAIRS_DSN is not set.",
            remedy="set it to the read-only account that civil affairs gave you.",
        )
    try:
        with psycopg.connect(
            settings().civil_affairs_dsn, connect_timeout=_CONNECT_TIMEOUT_S
        ) as source:
            source.execute("set transaction isolation level repeatable read, read only")
            source.execute("set local client_encoding to 'UTF8'")
            source.execute("set local timezone to 'Asia/Shanghai'")
            source.execute("set local datestyle to 'ISO, YMD'")
            with source.cursor() as cursor, cursor.copy(_statement(contract, since)) as copy:
                path, size, sha256 = store(bytes(chunk) for chunk in copy)
    except psycopg.Error as error:
        trouble = distrust(error) or f"{type(error).__name__} {error.sqlstate or ''}".strip()
    else:
        return _landed(period, kind, since, path, size, sha256)
    # Raised here, not above: a database error may quote a row.
    raise SourceUnavailable(
        f"the civil-affairs database did not give table {kind} ({trouble}).",
        file=kind,
        remedy="check WAREHOUSE_CIVIL_AFFAIRS_DSN and that the account may select this table.",
    )


def _landed(
    period: str, kind: str, since: date | None, path: Path, size: int, sha256: str
) -> Landed:
    return Landed(
        source="civil_affairs",
        kind=kind,
        county_code=CITY,
        period=period,
        uri=f"civil_affairs/{kind}?since={since or 'ever'}",
        file_name=f"{kind}_{period}.csv",
        path=path,
        bytes=size,
        sha256=sha256,
    )


def _since(period: str, kind: str) -> date | None:
    """First day of the window; None where no earlier period of this kind has been accepted."""
    with connect() as warehouse:
        earlier = warehouse.execute(
            "select exists (select from ops.accepted_delivery where kind = %s and period < %s)",
            [kind, period],
        ).fetchone()
    if not (earlier and earlier[0]):
        return None
    return date.fromisoformat(f"{period}-01") - timedelta(days=settings().lookback_days)


def _statement(contract: Contract, since: date | None) -> sql.Composed:
    window = (
        sql.SQL("")
        if since is None
        else sql.SQL("where updated_at >= {}").format(sql.Literal(since.isoformat()))
    )
    names = [column.name for column in contract.columns]
    order = [*contract.grain, *(name for name in names if name not in contract.grain)]
    return sql.SQL(
        "copy (select {columns} from {table} {window} order by {order}) "
        "to stdout (format csv, header)"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        table=sql.Identifier(contract.kind),
        window=window,
        order=sql.SQL(", ").join(map(sql.Identifier, order)),
    )

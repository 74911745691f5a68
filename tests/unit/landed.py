"""Files for the loader's tests, and what became of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from include.contracts import contracts
from include.landing import Landed, store

COUNTY, PERIOD = "431026", "2026-02"
NAME, PHONE = "欧阳测试", "13800000000"
KIND = "county_measure"
HEADER = ["县(市、区)", "户编号", "帮扶措施类型", "措施内容", "开始时间", "实施情况"]


def household_no(order: int) -> str:
    return f"990000000000{order:03d}7"


def row(order: int, detail: str = "养殖") -> list[str]:
    """Cells of a sound county_measure row."""
    return ["汝城县", household_no(order), "产业帮扶", detail, "202601", "已实施"]


def csv_bytes(
    rows: Iterable[Sequence[str]], *, encoding: str = "gb18030", newline: str = "\r\n"
) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=newline).writerows(rows)
    return text.getvalue().encode(encoding)


def land(
    content: bytes,
    *,
    name: str = "5-帮扶措施.csv",
    kind: str = KIND,
    period: str = PERIOD,
    county_code: str = COUNTY,
    uri: str | None = None,
    modified: int | None = 1,
) -> Landed:
    """Bytes in landing; ``modified`` is the minute of the sender's time stamp."""
    path, size, sha256 = store([content])
    return Landed(
        source=contracts()[kind].source,
        kind=kind,
        county_code=county_code,
        period=period,
        uri=uri or f"file:///drop/{name}",
        file_name=name,
        path=path,
        bytes=size,
        sha256=sha256,
        modified_at=None if modified is None else datetime(2026, 3, 1, 0, modified, tzinfo=UTC),
    )


def query(dsn: str, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement.encode(), parameters).fetchall()


def delivery(dsn: str, delivery_id: int) -> dict[str, Any]:
    with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:
        found = connection.execute(
            "select * from ops.delivery where delivery_id = %s", [delivery_id]
        ).fetchone()
    assert found is not None
    return found


def raw_rows(dsn: str, kind: str = KIND) -> list[tuple[Any, ...]]:
    """(row number, cells in contract order) of all rows, in order."""
    names = ", ".join(column.name for column in contracts()[kind].columns)
    return query(dsn, f"select _row_no, {names} from raw.{kind} order by _delivery_id, _row_no")

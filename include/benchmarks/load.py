"""The loader beside a bare COPY of the same bytes into a table of the same shape."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from stdnum.cn import ric

from include.contracts import Contract, contracts
from include.landing import Landed, opened, store
from include.load import load
from include.raw import ensure_raw_tables
from include.settings import settings

COLUMNS = 25
ROUNDS = 3
"""Times each way is measured, turn by turn; the median counts."""
_BATCH = 10_000
_CHUNK = 1 << 20

Step = Callable[[str], None]
"""Told what has been done."""


@dataclass(frozen=True)
class Figures:
    """Seconds of each way; ``ratio`` is load to bare COPY."""

    rows: int
    columns: int
    megabytes: float
    bare_copy_s: float
    load_s: float
    ratio: float
    landing_s: float
    load_with_keys_s: float


def steps() -> int:
    """How often ``measure`` tells of a step."""
    return 1 + 2 * ROUNDS + 1


def measure(rows: int, step: Step) -> Figures:
    """Run the comparison in the warehouse of the settings, which must be an empty scratch one."""
    layout = contracts()["county_household"]
    columns = layout.columns[:COLUMNS]
    keyed = layout.model_copy(update={"columns": columns})
    # The identifiers' keys are the vault's work, not the loader's: measured in a run of its own.
    plain = keyed.model_copy(
        update={"columns": tuple(c.model_copy(update={"type": "text"}) for c in columns)}
    )
    ensure_raw_tables([plain])
    began = time.perf_counter()
    path, size, sha256 = store(_file(plain, rows))
    landing = time.perf_counter() - began
    step("the file is landed")
    with psycopg.connect(settings().dsn, autocommit=True) as db:
        db.execute("create table bare (like raw.county_household including all)")
        bare: list[float] = []
        ours: list[float] = []
        for turn in range(1, ROUNDS + 1):
            landed = Landed(
                "county", plain.kind, "431026", f"2026-{turn:02}", "bench", "1-户信息.csv",
                path, size, sha256,
            )  # fmt: skip
            bare.append(_seconds(partial(_bare_copy, db, plain, landed)))
            step(f"bare COPY, {turn} of {ROUNDS}")
            ours.append(_seconds(partial(load, landed, plain)))
            step(f"load, {turn} of {ROUNDS}")
            found = db.execute(
                "select (select count(*) from bare), (select count(*) from raw.county_household)"
            ).fetchone()
            if found != (rows, rows):
                raise AssertionError(f"{rows} rows went in, {found} came out")
            db.execute("truncate bare, raw.county_household")
    last = Landed(
        "county", plain.kind, "431026", "2026-12", "bench", "1-户信息.csv", path, size, sha256
    )
    with_keys = _seconds(partial(load, last, keyed))
    step("load with keyed identifiers")
    copy_s, load_s = statistics.median(bare), statistics.median(ours)
    return Figures(
        rows, COLUMNS, round(size / 1e6, 1), round(copy_s, 3), round(load_s, 3),
        round(load_s / copy_s, 3), round(landing, 3), round(with_keys, 3),
    )  # fmt: skip


@contextmanager
def scratch_database(server: str) -> Iterator[str]:
    """A database made on ``server`` (URL of an account that may), dropped at the end; its URL."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _file(contract: Contract, rows: int) -> Iterator[bytes]:
    """A county's household file: GB18030, distinct household and resident numbers (area 431099)."""
    yield (",".join(c.headers[0] for c in contract.columns) + "\r\n").encode("gb18030")
    names = [column.name for column in contract.columns]
    cells = {
        "county": "汝城县", "township": "卢阳镇", "village": "云善村", "hamlet": "三组",
        "head_name": "欧阳测试", "household_type": "普通农户", "member_count": "4",
    }  # fmt: skip
    fixed = [cells.get(name, "202601") for name in names]
    number, person = names.index("household_no"), names.index("head_id_no")
    for first in range(0, rows, _BATCH):
        lines = []
        for order in range(first, min(first + _BATCH, rows)):
            fixed[number], fixed[person] = f"99{order:014d}", _resident_id(order)
            lines.append(",".join(fixed))
        yield ("\r\n".join(lines) + "\r\n").encode("gb18030")


def _resident_id(order: int) -> str:
    year, month, day = 1920 + order // 336_000, order // 28_000 % 12 + 1, order // 1000 % 28 + 1
    first17 = f"431099{year}{month:02}{day:02}{order % 1000:03}"
    return f"{first17}{ric.calc_check_digit(first17 + '-')}"  # stdnum takes the whole number


def _bare_copy(db: psycopg.Connection, contract: Contract, landed: Landed) -> None:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in contract.columns)
    statement = sql.SQL(
        "copy bare ({}) from stdin (format csv, header, encoding 'GB18030')"
    ).format(columns)
    with db.transaction():
        # The column has no default without it.
        db.execute("select set_config('warehouse.delivery_id', '0', true)")
        with db.cursor().copy(statement) as copy, opened(landed.path) as file:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

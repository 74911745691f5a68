"""Corrections that come late: sources are wrong at first, and put right one after the other.

What the simulator made is right. Some of it is spoilt before anything is delivered, in a way that
no expectation objects to, and restored later: a county's file with a new time stamp, a department's
records in place. So the end must be what a warehouse shows that had the right data from the start.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import openpyxl
import psycopg
from psycopg import sql

from include.acceptance import judge
from include.areas import counties
from include.contracts import contracts
from include.delimited import find_table
from include.load import load
from include.services import embedded
from include.simulator.health_store import store_path
from include.watch import take_in

_DAY_S = 86_400
_EVERY = 3
"""Each so many rows are wrong."""
_CELLS = {
    "county_household": ("member_count", Decimal(1)),
    "mz_dibao_payment": ("amount", Decimal(50)),
    "county_income": ("claims_income", Decimal(50)),
    "yb_med_aid": ("aid_amt", Decimal(50)),
    "county_employment": ("wage_m", Decimal(100)),
    "county_fund_project": ("paid_amt", Decimal(1000)),
}
"""Kind -> the cell that is wrong at first, and by how much. No rule between cells knows it."""
CITY = "431000"


@dataclass(frozen=True)
class Correction:
    """What is wrong at first, and after which month's build it is put right."""

    kind: str
    county_code: str
    period: str
    after: str


def plan(home: Path, periods: list[str], count: int, seed: int) -> list[Correction]:
    """So many corrections of county files and departments' records, each of something else.

    They come after their own month's build or after a later one's, not in the order of the months.
    Raises ValueError where the municipality has fewer files to correct.
    """
    chance = random.Random(seed)  # noqa: S311  # an order, not a secret
    places = [
        (kind, county, period)
        for kind in _CELLS
        for period in periods
        for county in (counties() if kind.startswith("county_") else (CITY,))
        if not kind.startswith("county_") or _only_file(home, kind, county, period)
    ]
    chance.shuffle(places)
    chosen: list[Correction] = []
    for turn in range(count):
        turns = list(_CELLS)[turn % len(_CELLS)]
        place = next((one for one in places if one[0] == turns), places[0] if places else None)
        if place is None:
            raise ValueError(f"there is nothing left to correct after {turn} corrections")
        places.remove(place)
        kind, county, period = place
        chosen.append(
            Correction(kind, county, period, chance.choice(periods[periods.index(period) :]))
        )
    chance.shuffle(chosen)
    return chosen


def spoil(home: Path, planned: list[Correction]) -> None:
    """Make the sources wrong, before they deliver; what was right is kept beside them."""
    for one in planned:
        _, by = _CELLS[one.kind]
        if one.kind == "mz_dibao_payment":
            _shift_payments(one.period, by)
        elif one.kind == "yb_med_aid":
            _shift_records(home, one, by)
        else:
            _spoil_file(home, one, by)


def arrive(home: Path, one: Correction, delivered: list[str]) -> None:
    """Put one thing right at its source, and take in what that changes of ``delivered`` months."""
    from include.sources import civil_affairs, health_insurance

    _, by = _CELLS[one.kind]
    if one.kind == "mz_dibao_payment":
        # Later extracts hold the row too, and the latest one counts.
        _shift_payments(one.period, -by)
        for period in (later for later in delivered if later >= one.period):
            load(civil_affairs.extract(period, one.kind))
            judge("civil_affairs", period)
    elif one.kind == "yb_med_aid":
        _shift_records(home, one, -by)
        load(health_insurance.extract(one.period, one.kind))
        judge("health_insurance", one.period)
    else:
        path = _only_file(home, one.kind, one.county_code, one.period)
        assert path
        sent = path.stat().st_mtime
        _kept(path).replace(path)
        os.utime(path, (sent + 2 * _DAY_S, sent + 2 * _DAY_S))
        take_in()


def _only_file(home: Path, kind: str, county_code: str, period: str) -> Path | None:
    """The county's file of that kind, where there is one version alone."""
    stem = contracts()[kind].file_stem
    folder = home / "sources" / "county" / period / county_code
    found = [path for path in folder.iterdir() if stem and path.name.startswith(stem)]
    return found[0] if len(found) == 1 else None


def _kept(path: Path) -> Path:
    """Where the right file waits: no drop is looked for there."""
    return path.parents[3] / "right" / path.parent.parent.name / path.parent.name / path.name


def _spoil_file(home: Path, one: Correction, by: Decimal) -> None:
    path = _only_file(home, one.kind, one.county_code, one.period)
    assert path
    sent = path.stat().st_mtime
    kept = _kept(path)
    kept.parent.mkdir(parents=True, exist_ok=True)
    content = path.read_bytes()
    kept.write_bytes(content)
    column = contracts()[one.kind].column(_CELLS[one.kind][0])
    shift = _shifting(column.headers, by)
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        for row in book.worksheets[0].iter_rows():
            told = shift([str(cell.value or "") for cell in row])
            if told:
                row[told[0]].value = told[1]
        book.save(path)
    else:
        known = contracts()[one.kind].headers_in(one.county_code, one.period)
        encoding = find_table(path, frozenset(known)).encoding
        python = {"UTF8": "utf-8-sig"}.get(encoding, encoding)
        text = io.StringIO()
        writer = csv.writer(text)
        for cells in csv.reader(io.StringIO(content.decode(python), newline="")):
            told = shift(cells)
            if told:
                cells[told[0]] = told[1]
            writer.writerow(cells)
        path.write_bytes(text.getvalue().encode(python))
    os.utime(path, (sent, sent))


def _shifting(
    headers: tuple[str, ...], by: Decimal
) -> Callable[[list[str]], tuple[int, str] | None]:
    """What of a table's next line is wrong: (position, cell), below the line of headings."""
    position: int | None = None
    line = 0

    def shift(cells: list[str]) -> tuple[int, str] | None:
        nonlocal position, line
        if position is None:
            position = next((n for n, cell in enumerate(cells) if cell in headers), None)
            return None
        line += 1
        cell = cells[position] if position < len(cells) else ""
        first = cells[0] if cells else ""
        if line % _EVERY or first.startswith(("合计", "备注")) or not _is_number(cell):
            return None
        return position, str(Decimal(cell) + by)

    return shift


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).isdecimal()


def _shift_payments(period: str, by: Decimal) -> None:
    """The month's payments to every third family; when they changed is not said."""
    with psycopg.connect(embedded.civil_affairs_admin_dsn()) as connection:
        changed = connection.execute(
            sql.SQL(
                "with numbered as (select payment_id, row_number() over (order by payment_id) as n"
                " from mz_dibao_payment where replace(pay_ym::text, '-', '') = %s and amount > 0)"
                " update mz_dibao_payment as p set amount = amount + %s from numbered"
                " where p.payment_id = numbered.payment_id and numbered.n %% %s = 0"
            ),
            [period.replace("-", ""), by, _EVERY],
        )
        assert changed.rowcount


def _shift_records(home: Path, one: Correction, by: Decimal) -> None:
    column, _ = _CELLS[one.kind]
    with sqlite3.connect(store_path(home)) as store:
        found = store.execute(
            "select position, body from record where kind = ? and period = ? order by position",
            (one.kind, one.period),
        ).fetchall()
        for position, body in found[::_EVERY]:
            record = json.loads(body)
            record[column] = str(Decimal(record[column]) + by)
            store.execute(
                "update record set body = ? where kind = ? and period = ? and position = ?",
                (json.dumps(record, ensure_ascii=False), one.kind, one.period, position),
            )
    store.close()

"""Workbooks as counties send them, read through calamine: cells become the text a reader sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from include.delimited import (
    BLANKS,
    HEADER_SCAN_ROWS,
    header_position,
    is_structure,
    plain_header,
)
from include.errors import UnreadableDelivery

SUFFIXES = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".et")
_EXACT = 10**15
"""Excel keeps 15 significant digits: from here on a number is damaged."""


@dataclass(frozen=True)
class Sheet:
    """A worksheet's table: header in plain spelling, its row (from 1) and the records' cells."""

    header: tuple[str, ...]
    header_row: int
    rows: list[list[Any]]

    def records(self) -> Iterator[tuple[int, list[str | None]]]:
        """(row number as the sender counts, cells as text), without totals, notes and blanks."""
        for number, row in enumerate(self.rows, start=self.header_row + 1):
            cells = [cell_text(value) for value in row]
            is_empty = not any(cell and cell.strip(BLANKS) for cell in cells)
            if not is_structure(cells[0], is_empty):
                yield number, cells


def find_sheet(path: Path, known: frozenset[str]) -> Sheet:
    """The worksheet with the best header of the contract, the first of equals.

    Sheets of explanations and lists mention a heading or two as well. Raises UnreadableDelivery.
    """
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

    best: tuple[int, Sheet] | None = None
    try:
        with path.open("rb") as file:
            workbook = CalamineWorkbook.from_filelike(file)
            for about in workbook.sheets_metadata:
                if about.typ != SheetTypeEnum.WorkSheet:
                    continue
                rows = workbook.get_sheet_by_name(about.name).to_python(skip_empty_area=False)
                head = [[cell_text(cell) or "" for cell in row] for row in rows[:HEADER_SCAN_ROWS]]
                position, score = header_position(head, known)
                if score > (best[0] if best else 0):
                    header = tuple(map(plain_header, head[position]))
                    best = score, Sheet(header, position + 1, rows[position + 1 :])
    except (CalamineError, OSError, ValueError) as error:
        refusal = f"the workbook cannot be opened ({type(error).__name__})."
    else:
        if best:
            return best[1]
        refusal = (
            "no worksheet has a header of this kind of delivery in its first "
            f"{HEADER_SCAN_ROWS} rows."
        )
    raise UnreadableDelivery(
        refusal,
        file=path.name,
        remedy="send it as .xlsx without a password, with the column headings of its contract.",
    )


def cell_text(value: Any) -> str | None:
    """A cell as the text a reader sees; None for an empty one.

    A number has at most 15 digits of its own; a longer one keeps its exponent, so that nobody takes
    a damaged identifier for a real one.
    """
    match value:
        case None | "":
            return None
        case bool():
            return "是" if value else "否"
        case float() if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
        case float():
            return f"{value:.14e}" if abs(value) >= _EXACT else f"{value:.15g}"
        case datetime():
            at_midnight = value.time() == time()
            return value.date().isoformat() if at_midnight else value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value)

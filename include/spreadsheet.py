"""Workbooks as counties send them, read through calamine: cells become the text a reader sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from include.delimited import HEADER_SCAN_ROWS, header_position, is_structure
from include.errors import UnreadableDelivery

_EXACT = 10**15
"""Excel keeps 15 significant digits: a longer number is damaged and must look so."""


@dataclass(frozen=True)
class Sheet:
    """A worksheet's table: header as delivered, its row (from 1) and the records' cells."""

    header: tuple[str, ...]
    header_row: int
    rows: list[list[Any]]

    def records(self) -> Iterator[tuple[int, list[str | None]]]:
        """(row number as the sender counts, cells as text), without totals, notes and blanks."""
        for number, row in enumerate(self.rows, start=self.header_row + 1):
            cells = [cell_text(value) for value in row]
            if not is_structure(cells[0], not any(cells)):
                yield number, cells


def find_sheet(path: Path, known: frozenset[str]) -> Sheet:
    """The first worksheet with a header of the contract. Raises UnreadableDelivery."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with path.open("rb") as file:
            workbook = CalamineWorkbook.from_filelike(file)
            sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
    except (CalamineError, OSError) as error:
        raise UnreadableDelivery(
            f"the workbook cannot be opened ({type(error).__name__}).",
            file=path.name,
            remedy="save it again as .xlsx without a password and send it anew.",
        ) from None
    for sheet in sheets:
        rows = sheet.to_python(skip_empty_area=False)
        head = [[cell_text(cell) or "" for cell in row] for row in rows[:HEADER_SCAN_ROWS]]
        position = header_position(head, known)
        if position >= 0:
            header = tuple(cell.strip() for cell in head[position])
            return Sheet(header, position + 1, rows[position + 1 :])
    raise UnreadableDelivery(
        f"no worksheet has a header of this kind of delivery in its first {HEADER_SCAN_ROWS} rows.",
        file=path.name,
        remedy="send the workbook with the column headings of its contract.",
    )


def cell_text(value: Any) -> str | None:
    """A cell as text; None for an empty one. Numbers beyond 15 digits keep their exponent."""
    match value:
        case None | "":
            return None
        case bool():
            return "是" if value else "否"
        case float() if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
        case float():
            return f"{value:.14e}" if abs(value) >= _EXACT else repr(value)
        case datetime():
            at_midnight = value.time() == time()
            return value.date().isoformat() if at_midnight else value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value)

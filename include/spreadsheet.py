"""Workbooks as counties send them, read through calamine: cells become the text a reader sees.

Formulas are never evaluated and macros never run: a cell is what its program stored last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from include.biff import demand_unlocked, with_bytes_as_characters
from include.errors import UnreadableDelivery
from include.forms import encrypted
from include.layout import BLANKS, HEADER_SCAN_ROWS, Header, find_header, is_structure, no_header

_EXACT = 10**15
"""Excel keeps 15 significant digits: from here on a number is damaged."""
_RESAVE = "save it as .xlsx in Excel or WPS, with the column headings of its contract."


@dataclass
class Sheet:
    """A worksheet's table: header in plain spelling, its last row (from 1), the titles above.

    ``has_notes`` is known when the records have been read: totals or notes were left out.
    """

    header: tuple[str, ...]
    header_row: int
    titles: tuple[str, ...]
    name: str
    worksheet: Any
    """calamine's sheet."""
    codec: str | None = None
    """In what its texts are, where each character is a byte (include/biff.py)."""
    has_notes: bool = False

    def records(self) -> Iterator[tuple[int, list[str | None]]]:
        """(row number as the sender counts, cells as text), without totals, notes and blanks.

        A cell merged over several rows counts in each of them.
        """
        merged = _merged_down(self.worksheet, self.header_row)
        open_merges: dict[int, tuple[int, str | None]] = {}
        for number, cells in _rows(self.worksheet, self.codec):
            if number <= self.header_row:
                continue
            for column, last in merged.get(number, ()):
                open_merges[column] = last, cells[column]
            is_empty = not any(cell and cell.strip(BLANKS) for cell in cells)
            if is_structure(cells[0], is_empty):
                self.has_notes |= not is_empty
                continue
            for column, (last, value) in open_merges.items():
                if number <= last and cells[column] is None:
                    cells[column] = value
            yield number, cells


def find_sheet(path: Path, known: frozenset[str], file_name: str) -> Sheet:
    """The one visible worksheet with a header of the contract and records below it.

    Sheets of explanations and lists mention a heading or two as well: with half as many as the best
    header they are no tables. A hidden sheet is last month's, or a list. Raises UnreadableDelivery
    where no visible sheet has a header, or two are tables: no row is left behind unnoticed.
    """
    from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    found: list[tuple[Header, Sheet, bool]] = []
    heads: list[list[str]] = []
    trouble = ""
    content = path.read_bytes()
    demand_unlocked(content, file_name)
    content, codec = with_bytes_as_characters(content)
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        for about in workbook.sheets_metadata:
            if about.typ != SheetTypeEnum.WorkSheet:
                continue
            worksheet = workbook.get_sheet_by_name(about.name)
            rows = islice(_rows(worksheet, codec), HEADER_SCAN_ROWS)
            head = [[cell or "" for cell in cells] for _, cells in rows]
            heads += head
            if (header := find_header(head, known)) is not None:
                titles = tuple(cell for cells in head[: header.last_row] for cell in cells if cell)
                name, last = about.name, header.last_row + 1
                sheet = Sheet(header.titles, last, titles, name, worksheet, codec)
                found.append((header, sheet, about.visible == SheetVisibleEnum.Visible))
    except PasswordError:
        raise encrypted(file_name) from None
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001  # calamine's panics are no Exceptions
        trouble = type(error).__name__
    # Raised here, not above: the parser's exception may quote a cell.
    if trouble:
        raise UnreadableDelivery(
            f"the workbook cannot be opened ({trouble}).",
            code="F02",
            file=file_name,
            remedy=_RESAVE,
        )
    if not found:
        raise no_header(heads, file_name)
    visible = [(header.score, sheet) for header, sheet, is_visible in found if is_visible]
    best = max((score for score, _ in visible), default=0)
    filled = [s for score, s in visible if 2 * score > best and next(s.records(), None)]
    tables = filled or [sheet for score, sheet in visible if score == best][:1]
    if len(tables) == 1:
        return tables[0]
    raise _not_one(file_name, has_several=bool(tables))


def _not_one(file_name: str, *, has_several: bool) -> UnreadableDelivery:
    if has_several:
        return UnreadableDelivery(
            "more than one worksheet holds a table of this kind of delivery.",
            code="F07",
            file=file_name,
            remedy="put all rows into one worksheet, or send each worksheet as a file of its own.",
        )
    return UnreadableDelivery(
        "the only table of this kind of delivery is in a hidden worksheet.",
        code="F07",
        file=file_name,
        remedy="unhide the worksheet if it is the delivery, and send the workbook again.",
    )


def _rows(worksheet: Any, codec: str | None) -> Iterator[tuple[int, list[str | None]]]:
    """(row number from 1, cells from the first column on)."""
    before: list[str | None] = [None] * (worksheet.start or (0, 0))[1]
    for number, values in enumerate(worksheet.iter_rows(), start=1):
        if codec:
            values = [v.encode("latin-1").decode(codec) if type(v) is str else v for v in values]
        yield number, before + [cell_text(value) for value in values]


def _merged_down(worksheet: Any, header_row: int) -> dict[int, list[tuple[int, int]]]:
    """First row -> (column, last row) of cells merged over rows below the header."""
    merged: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, right) in worksheet.merged_cell_ranges or ():
        if bottom > top >= header_row and left == right <= (worksheet.end or (0, 0))[1]:
            merged.setdefault(top + 1, []).append((left, bottom + 1))
    return merged


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

"""How many records a file has by other readers than the loader's, to hold the loader against."""

from __future__ import annotations

import codecs
import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence

from include.contracts import contracts
from include.layout import HEADER_SCAN_ROWS, is_structure, plain_header

_MOST_UNPACKED = 50 << 20


def count_records(content: bytes, kind: str, county_code: str, period: str) -> int | None:
    """Rows below the header that are no totals, notes or blanks; None where it cannot be told.

    Text is read by Python's csv and json, .xlsx by openpyxl.
    """
    if contracts()[kind].source == "health_insurance":
        return _in_pages(content)
    rows = _of_workbook(content) if content.startswith(b"PK\x03\x04") else _of_text(content)
    if rows is None:
        return None
    known = contracts()[kind].headers_in(county_code, period)
    shares = [
        len({plain_header(cell) for cell in row} & set(known)) for row in rows[:HEADER_SCAN_ROWS]
    ]
    if not shares or max(shares) == 0:
        return None
    below = rows[shares.index(max(shares)) + 1 :]
    return sum(not is_structure(row[0] if row else None, _is_blank(row)) for row in below)


def _is_blank(row: Sequence[str]) -> bool:
    return not any(cell.strip() for cell in row)


def _in_pages(content: bytes) -> int | None:
    try:
        return sum(len(json.loads(line)["data"]) for line in content.splitlines() if line)
    except (ValueError, LookupError, TypeError):
        return None


def _of_text(content: bytes) -> list[list[str]] | None:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: Iterable[str] = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
            return list(csv.reader(io.StringIO(text, newline="")))
        except (UnicodeDecodeError, csv.Error):
            continue
    return None


def _of_workbook(content: bytes) -> list[list[str]] | None:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
                return None
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        sheet = book.worksheets[0]
        if sheet.max_row * sheet.max_column > 1_000_000:
            return None
        cells = sheet.iter_rows(values_only=True)
        return [["" if cell is None else str(cell) for cell in row] for row in cells]
    except Exception:  # noqa: BLE001  # damaged files break openpyxl in any way there is
        return None

"""Delimited text as counties send it: which encoding, where the table begins and where it ends.

Only the edges of a file are looked at in Python; what lies between goes to COPY untouched. Both
encodings keep line ends, commas and quotes apart from the bytes of Chinese characters.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from include.encodings import detect
from include.errors import UnreadableDelivery
from include.landing import opened, size_of
from include.layout import (
    BLANKS,
    HEADER_SCAN_ROWS,
    STRUCTURE_WORDS,
    Header,
    find_header,
    is_structure,
    no_header,
)

LONGEST_RECORD = 4 << 20
"""Bytes. A cell of Excel holds 32 767 characters; PostgreSQL takes a whole record into memory."""
_DELIMITERS = (",", "\t", ";")
_CHUNK = 1 << 20
_HEAD = 1 << 20
_TAIL = 1 << 16
_POSTGRES_ENCODING = {"utf-8": "UTF8", "gb18030": "GB18030"}


@dataclass(frozen=True)
class Table:
    """Where the records of a file lie: bytes ``start`` to ``end``, after row ``header_row``.

    ``header`` is in plain spelling; ``header_row`` counts records from 1; ``encoding`` is
    PostgreSQL's name. ``titles`` are the cells above the header; ``has_notes`` says that totals or
    notes were left out. Where the table ``is_numbered``, each record begins with its row number and
    all of them are records (include/reader.py).
    """

    path: Path
    header: tuple[str, ...]
    header_row: int
    header_line: int
    """Line on which the header ends: beyond ``header_row`` where a cell goes over lines."""
    encoding: str
    start: int
    end: int
    delimiter: str = ","
    titles: tuple[str, ...] = ()
    sheet: str | None = None
    has_notes: bool = False
    is_numbered: bool = False

    def chunks(self) -> Iterator[bytes]:
        """The records' bytes as they are in the file."""
        yield from _chunks(self.path, self.start, self.end)


def find_table(path: Path, known: frozenset[str]) -> Table:
    """Locate the table of a csv file whose headers are partly ``known``.

    Whether all of the bytes are text in the encoding found is for COPY to say: it decodes them
    strictly. Raises UnreadableDelivery where the text is in two encodings, the head is neither
    UTF-8 nor GB18030, there is no header, or a quotation mark is not closed.
    """
    codec, offset = detect(path)
    heads = _first_records(path, offset)
    header, delimiter, rows = _header(_decoded(heads, codec, path), known)
    if header is None:
        raise no_header(rows, path.name)
    above = heads[: header.last_row + 1]
    start = offset + sum(map(len, above))
    line = sum(len(record.splitlines()) for record in above)
    _demand_closed_records(path, start, line + 1)
    end, has_notes = _end(path, start, size_of(path), codec, delimiter)
    return Table(
        path,
        header.titles,
        header.last_row + 1,
        line,
        _POSTGRES_ENCODING[codec],
        start,
        end,
        delimiter,
        tuple(cell for row in rows[: header.last_row] for cell in row if cell),
        has_notes=has_notes,
    )


def _header(
    records: list[str], known: frozenset[str]
) -> tuple[Header | None, str, list[list[str]]]:
    """The header, the delimiter with which it has the most headings, and the cells by it."""
    found: Header | None = None
    delimiter = _DELIMITERS[0]
    cells = [_cells(record, delimiter) for record in records]
    for candidate in _DELIMITERS:
        rows = [_cells(record, candidate) for record in records]
        header = find_header(rows, known)
        if header and header.score > (found.score if found else 0):
            found, delimiter, cells = header, candidate, rows
    return found, delimiter, cells


def _first_records(path: Path, offset: int) -> list[bytes]:
    """The first records; a quoted cell may go over several lines."""
    with opened(path) as file:
        file.seek(offset)
        head = file.read(_HEAD)
        is_whole = not file.read(1)
    lines = head.splitlines(keepends=True)
    records: list[bytes] = []
    record, quotes = b"", 0
    for line in lines if is_whole else lines[:-1]:
        record += line
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            records.append(record)
            record = b""
        if len(records) == HEADER_SCAN_ROWS:
            break
    return records


def _decoded(records: list[bytes], codec: str, path: Path) -> list[str]:
    try:
        return [record.decode(codec) for record in records]
    except UnicodeDecodeError:
        pass
    # Raised here, not above: the decoder's exception carries the bytes.
    raise UnreadableDelivery(
        "the bytes are neither UTF-8 nor GB18030 text.",
        code="D18",
        file=path.name,
        remedy="save the file again as CSV (GB18030 or UTF-8) and send it anew.",
    )


def _cells(record: str, delimiter: str) -> list[str]:
    """The cells of a record; none where one is longer than any heading can be."""
    try:
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return []


def _demand_closed_records(path: Path, start: int, line: int) -> None:
    """Raises UnreadableDelivery, with the line, where a quotation mark is not closed.

    COPY would read to the end of the file for it, all of it into memory. A record of unlikely
    length is taken for the same slip: two such marks, far apart.
    """
    begun, length, is_open = line, 0, False
    for chunk in _chunks(path, start, size_of(path)):
        if not is_open and b'"' not in chunk:
            last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            line += chunk.count(b"\n")
            begun, length = (
                (line, len(chunk) - last - 1) if last >= 0 else (begun, length + len(chunk))
            )
        else:
            for piece in chunk.splitlines(keepends=True):
                is_open ^= piece.count(b'"') % 2 == 1
                length += len(piece)
                is_line = piece.endswith(b"\n")
                line += is_line
                if not is_open and (is_line or piece.endswith(b"\r")):
                    begun, length = line, 0
        if length > LONGEST_RECORD:
            break
    if is_open or length > LONGEST_RECORD:
        raise UnreadableDelivery(
            f"a quotation mark is not closed, or a record is longer than {LONGEST_RECORD >> 20} MB "
            f"(line {begun}).",
            code="F05",
            file=path.name,
            row=begun,
            remedy="look at the quotation marks from this line on, or send the table as .xlsx.",
        )


def _end(path: Path, start: int, size: int, codec: str, delimiter: str) -> tuple[int, bool]:
    """Offset behind the last record, and whether there is more than blank lines behind it.

    Trailing totals, notes and blank lines are left out.

    They may have fewer cells than the records, which COPY would refuse. Those of full width
    elsewhere in the file are left out by COPY's condition (include/raw.py).
    """
    begin = max(start, size - _TAIL)
    lines = b"".join(_chunks(path, begin, size)).splitlines(keepends=True)
    if begin > start:  # the first may begin in the middle of a character
        begin += len(lines.pop(0))
    if not lines or not _is_form_line(lines[-1], codec, delimiter):
        return size, False
    quotes = sum(chunk.count(b'"') for chunk in _chunks(path, start, begin))
    within_quotes = []
    for line in lines:
        within_quotes.append(quotes % 2 == 1)
        quotes += line.count(b'"')
    end, has_notes = size, False
    for line, is_within in zip(reversed(lines), reversed(within_quotes), strict=True):
        if is_within or not _is_form_line(line, codec, delimiter):
            break
        end -= len(line)
        has_notes |= any(word.encode(codec) in line for word in STRUCTURE_WORDS)
    return end, has_notes


def _is_form_line(line: bytes, codec: str, delimiter: str) -> bool:
    cells = _cells(line.decode(codec, errors="ignore"), delimiter)
    if not cells and line.strip():
        return False  # a cell too long for the reader is no note
    return is_structure(cells[0] if cells else None, not any(c.strip(BLANKS) for c in cells))


def _chunks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with opened(path) as file:
        file.seek(start)
        left = end - start
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk

"""Delimited text as counties send it: which encoding, where the table begins and where it ends.

Only the edges of a file are looked at in Python; what lies between goes to COPY untouched. Both
encodings keep line ends, commas and quotes apart from the bytes of Chinese characters.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from include.errors import UnreadableDelivery

SUFFIXES = (".csv", ".txt")
HEADER_SCAN_ROWS = 5
"""How many rows are looked at for the header (domain practice: at most four title rows)."""
STRUCTURE_WORDS = ("合计", "总计", "小计", "备注", "注：", "注:", "填表", "制表", "审核")
"""A first cell that begins so is the sender's own arithmetic or a note, never a record."""
BLANKS = " \t\r\n\v\f\u00a0\u3000"
"""What a cell may hold and still be empty."""
_CHUNK = 1 << 20
_HEAD = 1 << 20
_TAIL = 1 << 16
_POSTGRES_ENCODING = {"utf-8": "UTF8", "gb18030": "GB18030"}


@dataclass(frozen=True)
class Table:
    """Where the records of a file lie: bytes ``start`` to ``end``, after row ``header_row``.

    ``header`` is in plain spelling; ``header_row`` counts records from 1; ``encoding`` is
    PostgreSQL's name.
    """

    path: Path
    header: tuple[str, ...]
    header_row: int
    header_line: int
    """Line on which the header ends: beyond ``header_row`` where a cell goes over lines."""
    encoding: str
    start: int
    end: int

    def chunks(self) -> Iterator[bytes]:
        """The records' bytes as they are in the file."""
        yield from _chunks(self.path, self.start, self.end)


def is_structure(first_cell: str | None, is_empty: bool) -> bool:
    """Whether a row is blank, a total or a note: part of the form, not a record."""
    return is_empty or (first_cell or "").strip(BLANKS).startswith(STRUCTURE_WORDS)


def plain_header(title: str) -> str:
    """A heading without what typing and page layout add: full-width forms, blanks, line breaks."""
    return "".join(unicodedata.normalize("NFKC", title).split())


def header_position(rows: list[list[str]], known: frozenset[str]) -> tuple[int, int]:
    """(index, score) of the first row with the most headers of the contract, or (-1, 0)."""
    scores = [len(known & {plain_header(cell) for cell in row}) for row in rows[:HEADER_SCAN_ROWS]]
    best = max(scores, default=0)
    return (scores.index(best), best) if best else (-1, 0)


def find_table(path: Path, known: frozenset[str]) -> Table:
    """Locate the table of a csv file whose headers are partly ``known``.

    Whether all of the bytes are text in the encoding found is for COPY to say: it decodes them
    strictly. Raises UnreadableDelivery where the head is neither UTF-8 nor GB18030, or has no
    header.
    """
    codec, offset = _encoding(path)
    records = _first_records(path, offset, codec)
    position, _ = header_position([cells for cells, _ in records], known)
    if position < 0:
        raise UnreadableDelivery(
            f"none of the first {HEADER_SCAN_ROWS} rows is a header of this kind of delivery.",
            file=path.name,
            remedy="send the file with the column headings of its contract.",
        )
    start = offset + sum(len(record) for _, record in records[: position + 1])
    header = tuple(map(plain_header, records[position][0]))
    end = _end(path, start, path.stat().st_size, codec)
    above = sum(len(record.splitlines()) for _, record in records[: position + 1])
    return Table(path, header, position + 1, above, _POSTGRES_ENCODING[codec], start, end)


def _encoding(path: Path) -> tuple[str, int]:
    """Codec and length of the byte-order mark: BOM, then strict UTF-8, then GB18030."""
    with path.open("rb") as file:
        if file.read(3) == codecs.BOM_UTF8:
            return "utf-8", 3
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for chunk in _chunks(path, 0, path.stat().st_size):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "gb18030", 0
    return "utf-8", 0


def _first_records(path: Path, offset: int, codec: str) -> list[tuple[list[str], bytes]]:
    """(cells, bytes) of the first records; a quoted cell may go over several lines."""
    with path.open("rb") as file:
        file.seek(offset)
        head = file.read(_HEAD)
        is_whole = not file.read(1)
    lines = head.splitlines(keepends=True)
    records: list[tuple[list[str], bytes]] = []
    record, quotes = b"", 0
    for line in lines if is_whole else lines[:-1]:
        record += line
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            records.append((_cells(record, codec, path), record))
            record = b""
        if len(records) == HEADER_SCAN_ROWS:
            break
    return records


def _cells(record: bytes, codec: str, path: Path) -> list[str]:
    refusal = None
    try:
        return next(csv.reader(io.StringIO(record.decode(codec), newline="")), [])
    except UnicodeDecodeError:
        refusal = "the bytes are neither UTF-8 nor GB18030 text."
    except csv.Error:
        refusal = "a heading is longer than any text of a heading can be."
    # Raised here, not above: the decoder's exception carries the bytes.
    raise UnreadableDelivery(
        refusal,
        file=path.name,
        remedy="save the file again as CSV (GB18030 or UTF-8) and send it anew.",
    )


def _end(path: Path, start: int, size: int, codec: str) -> int:
    """Offset behind the last record: trailing totals, notes and blank lines are left out.

    They may have fewer cells than the records, which COPY would refuse. Those of full width
    elsewhere in the file are left out by COPY's condition (include/raw.py).
    """
    begin = max(start, size - _TAIL)
    lines = b"".join(_chunks(path, begin, size)).splitlines(keepends=True)
    if begin > start:  # the first may begin in the middle of a character
        begin += len(lines.pop(0))
    if not lines or not _is_form_line(lines[-1], codec):
        return size
    quotes = sum(chunk.count(b'"') for chunk in _chunks(path, start, begin))
    within_quotes = []
    for line in lines:
        within_quotes.append(quotes % 2 == 1)
        quotes += line.count(b'"')
    if quotes % 2:
        return size  # a quote is not closed: COPY refuses it and says where
    end = size
    for line, is_within in zip(reversed(lines), reversed(within_quotes), strict=True):
        if is_within or not _is_form_line(line, codec):
            break
        end -= len(line)
    return end


def _is_form_line(line: bytes, codec: str) -> bool:
    text = line.decode(codec, errors="ignore")
    try:
        cells = next(csv.reader(io.StringIO(text, newline="")), [])
    except csv.Error:
        return False
    return is_structure(cells[0] if cells else None, not any(c.strip(BLANKS) for c in cells))


def _chunks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk

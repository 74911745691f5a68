"""Delimited text as counties send it: which encoding, where the table begins and where it ends.

Only the edges of a file are looked at in Python; what lies between goes to COPY untouched.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from include.errors import UnreadableDelivery

HEADER_SCAN_ROWS = 5
"""How many rows may stand above the header (domain practice: title rows, at most four)."""
STRUCTURE_WORDS = ("合计", "总计", "小计", "备注", "注：", "注:", "填表", "制表", "审核")
"""A first cell that begins so is the sender's own arithmetic or a note, never a record."""
_CHUNK = 1 << 20
_TAIL = 1 << 16
_POSTGRES_ENCODING = {"utf-8": "UTF8", "gb18030": "GB18030"}


@dataclass(frozen=True)
class Table:
    """Where the records of a file lie: bytes ``start`` to ``end``, after row ``header_row``.

    ``header`` is as delivered; ``header_row`` counts from 1; ``encoding`` is PostgreSQL's name.
    """

    path: Path
    header: tuple[str, ...]
    header_row: int
    encoding: str
    start: int
    end: int

    def chunks(self) -> Iterator[bytes]:
        """The records' bytes as they are in the file."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.end - self.start
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk


def is_structure(first_cell: str | None, is_empty: bool) -> bool:
    """Whether a row is blank, a total or a note: part of the form, not a record."""
    return is_empty or (first_cell or "").strip().startswith(STRUCTURE_WORDS)


def header_position(rows: list[list[str]], known: frozenset[str]) -> int:
    """Index of the row with the most headers of the contract; -1 where none has any."""
    scores = [len(known & {cell.strip() for cell in row}) for row in rows[:HEADER_SCAN_ROWS]]
    best = max(scores, default=0)
    return scores.index(best) if best else -1


def find_table(path: Path, known: frozenset[str]) -> Table:
    """Locate the table of a csv file whose headers are partly ``known``.

    Raises UnreadableDelivery where the bytes are neither UTF-8 nor GB18030, or no header is found.
    """
    codec, offset = _encoding(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(offset)
        lines = [file.readline() for _ in range(HEADER_SCAN_ROWS)]
    rows = [next(csv.reader([line.decode(codec)]), []) for line in lines if line]
    position = header_position(rows, known)
    if position < 0:
        raise UnreadableDelivery(
            f"none of the first {HEADER_SCAN_ROWS} rows is a header of this kind of delivery.",
            file=path.name,
            remedy="send the file with the column headings of its contract.",
        )
    start = offset + sum(map(len, lines[: position + 1]))
    header = tuple(cell.strip() for cell in rows[position])
    end = _end(path, start, size, codec)
    return Table(path, header, position + 1, _POSTGRES_ENCODING[codec], start, end)


def _encoding(path: Path) -> tuple[str, int]:
    """Codec and length of the byte-order mark: BOM, then strict UTF-8, then strict GB18030."""
    with path.open("rb") as file:
        if file.read(3) == codecs.BOM_UTF8:
            return "utf-8", 3
    for codec in ("utf-8", "gb18030"):
        decoder = codecs.getincrementaldecoder(codec)("strict")
        with path.open("rb") as file:
            try:
                while chunk := file.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            return codec, 0
    raise UnreadableDelivery(
        "the bytes are neither UTF-8 nor GB18030 text.",
        file=path.name,
        remedy="save the file again as CSV (GB18030 or UTF-8) and send it anew.",
    )


def _end(path: Path, start: int, size: int, codec: str) -> int:
    """Offset behind the last record: trailing totals, notes and blank lines are left out."""
    with path.open("rb") as file:
        file.seek(max(start, size - _TAIL))
        tail = file.read()
    end = size
    for line in reversed(tail.splitlines(keepends=True)):
        text = line.decode(codec, errors="ignore")
        cells = next(csv.reader(io.StringIO(text)), [])
        if not is_structure(cells[0] if cells else None, not any(c.strip() for c in cells)):
            break
        end -= len(line)
    return max(end, start)

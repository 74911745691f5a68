"""Ways in which a file comes to harm between an office and us, each drawn from a seeded Random."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from include.delimited import LONGEST_RECORD
from include.simulator.mishaps import garbled

Form = Literal["csv", "xlsx", "xls", "jsonl"]


@dataclass(frozen=True)
class Original:
    """A file as its sender made it."""

    kind: str
    county_code: str
    name: str
    content: bytes
    form: Form


Mutation = Callable[[Random, Original, Sequence[Original]], bytes]
"""(source of chance, the file, all files) -> what becomes of its bytes."""


def nothing(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """The file arrives as it is."""
    return file.content


def flipped_bytes(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """Up to twenty bytes are other bytes."""
    content = bytearray(file.content)
    for _ in range(draw.randint(1, 20)):
        content[draw.randrange(len(content))] = draw.randrange(256)
    return bytes(content)


def truncated(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """The transfer broke off."""
    return file.content[: draw.randrange(len(file.content))]


def cut_out(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """A part in the middle is missing."""
    start, end = _part(draw, file.content)
    return file.content[:start] + file.content[end:]


def part_doubled(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """A part in the middle is there twice."""
    start, end = _part(draw, file.content)
    return file.content[:end] + file.content[start:]


def spliced(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """The beginning of one file and the end of another."""
    other = draw.choice(others).content
    return file.content[: draw.randrange(len(file.content))] + other[draw.randrange(len(other)) :]


def noise_inserted(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """Bytes from nowhere: noise, NULs, line ends, quotes, byte-order marks."""
    at = draw.randrange(len(file.content) + 1)
    noise = draw.choice(
        [
            draw.randbytes(draw.randint(1, 200)),
            bytes(draw.randint(1, 50)),
            b"\r\n" * draw.randint(1, 9),
            b'"',
            b'""",',
            codecs.BOM_UTF8,
            codecs.BOM_UTF16_LE,
            b"\\.\n",
        ]
    )
    return file.content[:at] + noise + file.content[at:]


def begun_otherwise(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """The first bytes say that it is another kind of file."""
    heads = [
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"<html>",
        b"%PDF-1.4",
        b"\xff\xfe",
    ]
    return draw.choice(heads) + file.content[draw.choice([0, 4, 8]) :]


def another_form(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """The name of one form on the bytes of another."""
    return draw.choice([other for other in others if other.kind == file.kind] or [file]).content


def empty(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """Nothing, or next to nothing."""
    return draw.choice([b"", b"\n", b" ", b"\0", codecs.BOM_UTF8, b"PK\x05\x06" + bytes(18)])


def header_damaged(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """A heading is renamed, doubled, emptied or moved to another place."""
    rows, codec = _rows(file)
    header = draw.choice(rows[:3])
    at, other = draw.randrange(len(header)), draw.randrange(len(header))
    way = draw.randrange(4)
    if way == 0:
        header[at] = draw.choice(["备注", "证件号", "x" * 300, "=1+1", "县\n区"])
    elif way == 1:
        header[at] = header[other]
    elif way == 2:
        header[at] = ""
    else:
        header[at], header[other] = header[other], header[at]
    return _text(rows, codec)


def rows_reshaped(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """Rows are lost, doubled or shuffled; cells are lost, added, blown up or moved."""
    rows, codec = _rows(file)
    for _ in range(draw.randint(1, 5)):
        row = draw.choice(rows)
        way = draw.randrange(8)
        if way == 0 and len(rows) > 2:
            rows.remove(row)
        elif way == 1:
            rows.insert(draw.randrange(len(rows)), list(row))
        elif way == 2:
            draw.shuffle(rows)
        elif way == 3 and row:
            del row[draw.randrange(len(row))]
        elif way == 4:
            row.insert(draw.randrange(len(row) + 1), "多")
        elif way == 5 and row:
            row[draw.randrange(len(row))] = "长" * draw.choice([40_000, 200_000, LONGEST_RECORD])
        elif way == 6 and row:
            row[draw.randrange(len(row))] = draw.choice(_ODD_CELLS)
        else:
            rows.insert(draw.randrange(len(rows)), ["合计", *[""] * (len(row) - 1)])
    return _text(rows, codec)


def encoding_damaged(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """Some lines or the whole text in another encoding, garbled, or under a wrong mark."""
    rows, codec = _rows(file)
    text = _text(rows, codec).decode(codec)
    way = draw.randrange(5)
    if way == 0:
        return text.encode(draw.choice(["utf-16", "utf-16-le", "utf-8-sig", "utf-7", "gb18030"]))
    if way == 1:
        lines = text.splitlines(keepends=True)
        other = "utf-8" if codec == "gb18030" else "gb18030"
        share = draw.random()
        return b"".join(line.encode(other if draw.random() < share else codec) for line in lines)
    if way == 2:
        return garbled(text).encode("utf-8")
    if way == 3:
        return text.encode("gbk", errors="replace")
    return draw.choice([codecs.BOM_UTF8, codecs.BOM_UTF16_BE]) + text.encode(codec)


def delimited_otherwise(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """Other delimiters, line ends or quotes."""
    rows, codec = _rows(file)
    content = io.StringIO()
    csv.writer(
        content,
        delimiter=draw.choice(";\t|,"),
        lineterminator=draw.choice(["\r", "\n", "\r\n", "\n\n"]),
        quoting=draw.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
        quotechar=draw.choice("\"'"),
    ).writerows(rows)
    return content.getvalue().encode(codec)


def part_of_archive_lost(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """A workbook's archive lacks one of its parts."""
    parts = _parts(file)
    del parts[draw.choice(list(parts))]
    return _zipped(parts)


def part_of_archive_damaged(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """One part of a workbook has other bytes, is cut off or is another workbook's."""
    parts = _parts(file)
    name = draw.choice([name for name, body in parts.items() if body])
    body = bytearray(parts[name])
    way = draw.randrange(3)
    if way == 0:
        for _ in range(draw.randint(1, 10)):
            body[draw.randrange(len(body))] = draw.randrange(256)
    elif way == 1:
        del body[draw.randrange(len(body)) :]
    else:
        workbooks = [other for other in others if other.form == "xlsx"]
        body = bytearray(_parts(draw.choice(workbooks)).get(name, b""))
    parts[name] = bytes(body)
    return _zipped(parts)


def cells_damaged(draw: Random, file: Original, others: Sequence[Original]) -> bytes:
    """References, types or values in a sheet's XML are others."""
    parts = _parts(file)
    name = next(name for name in parts if name.startswith("xl/worksheets/sheet"))
    old, new = draw.choice(_CELL_DAMAGES)
    places = [at for at in range(len(parts[name])) if parts[name].startswith(old, at)]
    if places:
        at = draw.choice(places)
        parts[name] = parts[name][:at] + new + parts[name][at + len(old) :]
    return _zipped(parts)


_ODD_CELLS = (
    "=1+1", "@SUM(A1)", "\ufffd", "?", "'", '"', "\n", "\0", "\\.", "NULL", "无", "1e400", "-0",
    "９９", "𠮷", "\u202e", "99991231", "2026-02-30", "4.31E+17", "١٢٣", "Ⅳ", "\u0301", "\\N",
)  # fmt: skip
_CELL_DAMAGES = (
    (b' r="A', b' r="XFD'),
    (b' r="A1', b' r="A104857'),
    (b' t="s"', b' t="n"'),
    (b' t="s"', b' t="e"'),
    (b' t="s"', b""),
    (b"<v>", b"<v>9"),
    (b"<v>", b"<f>1+1</f><v>"),
    (b"<row ", b'<row hidden="1" '),
    (b"</row>", b""),
    (b"<c ", b"<c s='9' "),
)
_SHEETS: tuple[Form, ...] = ("xlsx",)
_TEXTS: tuple[Form, ...] = ("csv",)
_ALL: tuple[Form, ...] = ("csv", "xlsx", "xls", "jsonl")
MUTATIONS: dict[Mutation, tuple[Form, ...]] = {
    nothing: _ALL,
    flipped_bytes: _ALL,
    truncated: _ALL,
    cut_out: _ALL,
    part_doubled: _ALL,
    spliced: _ALL,
    noise_inserted: _ALL,
    begun_otherwise: ("csv", "xlsx", "xls"),
    another_form: _ALL,
    empty: _ALL,
    header_damaged: _TEXTS,
    rows_reshaped: _TEXTS,
    encoding_damaged: _TEXTS,
    delimited_otherwise: _TEXTS,
    part_of_archive_lost: _SHEETS,
    part_of_archive_damaged: _SHEETS,
    cells_damaged: _SHEETS,
}
"""Every mutation, and the forms of file that it can befall."""


def _part(draw: Random, content: bytes) -> tuple[int, int]:
    start = draw.randrange(len(content))
    return start, min(len(content), start + draw.randint(1, 2000))


def _rows(file: Original) -> tuple[list[list[str]], str]:
    codec = "utf-8-sig" if file.content.startswith(codecs.BOM_UTF8) else "utf-8"
    try:
        text = file.content.decode(codec)
    except UnicodeDecodeError:
        codec = "gb18030"
        text = file.content.decode(codec)
    return list(csv.reader(io.StringIO(text, newline=""))), codec


def _text(rows: list[list[str]], codec: str) -> bytes:
    content = io.StringIO()
    csv.writer(content, lineterminator="\r\n").writerows(rows)
    return content.getvalue().encode(codec)


def _parts(file: Original) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            # With a date of its own, not that of the clock.
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return content.getvalue()

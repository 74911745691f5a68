"""Whether a zip-made workbook may be opened: complete, of bounded size, without password.

Everything is inflated once, in pieces and counted, before the workbook's parser sees it: what an
archive says of its own sizes need not be true.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from include.errors import UnreadableDelivery
from include.forms import encrypted

MOST_BYTES = 2 << 30
"""Unpacked. A sheet of Excel's last row and forty columns is below it."""
BOMB_RATIO = 200
"""Times its packed size; from _BOMB_BYTES on it counts. Real sheets are packed 5 to 50 times."""
_BOMB_BYTES = 200 << 20
_MOST_ENTRIES = 10_000
_PIECE = 1 << 20
_OVERLAP = 1 << 12
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_FORMULA_ALONE = re.compile(
    rb'<c r="[A-Z]{1,3}([0-9]{1,7})"[^>]{0,200}>\s*'
    rb"<f(?:[^>]{0,1000}/>|[^>]{0,1000}>[^<]{0,40000}</f>)\s*"
    rb"(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
_TABLE_PARTS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")


def check(path: Path, file_name: str) -> None:
    """Raises UnreadableDelivery where the archive is damaged, too large, encrypted or no workbook,
    or where a formula has no stored result (nothing here evaluates one)."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _demand_workbook(entries, file_name)
            packed = path.stat().st_size
            unpacked = 0
            for entry in entries:
                unpacked = _inflate(archive, entry, unpacked, packed, file_name)
        return
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError,
        ValueError, OverflowError,
    ) as error:  # fmt: skip
        trouble = type(error).__name__
    raise UnreadableDelivery(
        f"the workbook is damaged or cut off ({trouble}).",
        code="F02",
        file=file_name,
        remedy="open it in Excel or WPS, save it as .xlsx and send it again.",
    )


def _demand_workbook(entries: list[zipfile.ZipInfo], file_name: str) -> None:
    names = {entry.filename.lower() for entry in entries}
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise encrypted(file_name)
    if names.isdisjoint(_TABLE_PARTS):
        raise UnreadableDelivery(
            "the file is a zip archive without a workbook in it.",
            code="F03",
            file=file_name,
            remedy="unpack it and send each workbook as it is.",
        )
    if len(entries) > _MOST_ENTRIES:
        raise _too_large(f"has {len(entries)} parts; at most {_MOST_ENTRIES} are taken", file_name)


def _inflate(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, unpacked: int, packed: int, file_name: str
) -> int:
    """Unpack one part in pieces; returns how much is unpacked with it."""
    said = entry.file_size
    entry.file_size = MOST_BYTES + 1  # read to the true end, not to the one the directory names
    start, is_sheet, tail = unpacked, _SHEET.fullmatch(entry.filename), b""
    with archive.open(entry) as part:
        while piece := part.read(_PIECE):
            unpacked += len(piece)
            if unpacked > MOST_BYTES:
                raise _too_large(f"unpacks to more than {MOST_BYTES >> 20} MB", file_name)
            if unpacked > _BOMB_BYTES and unpacked > BOMB_RATIO * packed:
                raise _too_large(f"unpacks to more than {BOMB_RATIO} times its size", file_name)
            if is_sheet and (b"<f" in piece or tail):
                _demand_results(tail + piece, file_name)
                tail = piece[-_OVERLAP:]
    if unpacked - start != said:
        raise zipfile.BadZipFile
    return unpacked


def _demand_results(xml: bytes, file_name: str) -> None:
    if found := _FORMULA_ALONE.search(xml):
        raise UnreadableDelivery(
            "a cell holds a formula without its result, and formulas are not evaluated.",
            code="F06",
            file=file_name,
            row=int(found.group(1)),
            remedy="open the workbook in Excel or WPS, save it and send it again.",
        )


def _too_large(what: str, file_name: str) -> UnreadableDelivery:
    return UnreadableDelivery(
        f"the workbook {what}.",
        code="F04",
        file=file_name,
        remedy="copy the table alone into a new workbook, or save it as CSV, and send that.",
    )

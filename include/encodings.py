"""In which of the two encodings of this country a text is, strictly: never by leaving bytes out."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from include.errors import UnreadableDelivery
from include.landing import opened

_CHUNK = 1 << 20
_CHINESE_UTF_8 = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){2}")
"""Two Chinese characters in UTF-8; in GB18030 text it comes up by chance, but not for a line."""


def detect(path: Path) -> tuple[str, int]:
    """(codec, length of the byte-order mark): BOM, then strict UTF-8, then GB18030.

    Whether GB18030 bytes are text is for COPY to say. Raises UnreadableDelivery, with the line,
    where one part of the file is UTF-8 and another is not: read as GB18030, the first would be
    other characters without anybody noticing.
    """
    with opened(path) as file:
        mark = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
    stray = _first_line_not_utf_8(path)
    if stray is None:
        return "utf-8", mark
    if mark:
        raise _mixed(path, stray, "the file says that it is UTF-8, and this line is not")
    first_is_utf_8, line = _first_utf_8_line(path)
    if first_is_utf_8:
        raise _mixed(path, stray, "the lines above are UTF-8, and this one is not")
    if line is not None:
        raise _mixed(path, line, "this line is UTF-8, and others are GB18030")
    return "gb18030", 0


def _mixed(path: Path, line: int, what: str) -> UnreadableDelivery:
    return UnreadableDelivery(
        f"the text is in more than one encoding: {what} (line {line}).",
        code="D18",
        file=path.name,
        row=line,
        remedy="save the whole file again as CSV in one encoding (UTF-8 or GB18030).",
    )


def _first_line_not_utf_8(path: Path) -> int | None:
    """Number of the first line, from 1, that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    lines = 0
    with opened(path) as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return lines + 1 + error.object[: error.start].count(b"\n")
            if not chunk:
                return None
            lines += chunk.count(b"\n")


def _first_utf_8_line(path: Path) -> tuple[bool, int | None]:
    """(whether the first line with other than ASCII is Chinese in UTF-8, number of the first such
    line or None)."""
    first: bool | None = None
    number, rest = 0, b""
    with opened(path) as file:
        while chunk := file.read(_CHUNK):
            chunk = rest + chunk
            cut = chunk.rfind(b"\n") + 1
            if len(chunk) > (_CHUNK << 2):
                cut = len(chunk)
            chunk, rest = chunk[:cut], chunk[cut:]
            if first is None:
                first = _begins_with_utf_8(chunk)
            if (line := _utf_8_line(chunk)) is not None:
                return bool(first), number + line
            number += chunk.count(b"\n")
    if first is None:
        first = _begins_with_utf_8(rest)
    line = _utf_8_line(rest)
    return bool(first), None if line is None else number + line


def _begins_with_utf_8(text: bytes) -> bool | None:
    """Whether the first line that is not ASCII is Chinese in UTF-8; None where all is ASCII."""
    return next((_is_chinese_utf_8(line) for line in text.split(b"\n") if not line.isascii()), None)


def _utf_8_line(text: bytes) -> int | None:
    """Number of the first line that is Chinese in UTF-8, each looked at once."""
    at = 0
    while found := _CHINESE_UTF_8.search(text, at):
        start = text.rfind(b"\n", 0, found.start()) + 1
        end = text.find(b"\n", found.end())
        end = len(text) if end < 0 else end
        if _is_chinese_utf_8(text[start:end]):
            return text.count(b"\n", 0, start) + 1
        at = end
    return None


def _is_chinese_utf_8(line: bytes) -> bool:
    if not _CHINESE_UTF_8.search(line):
        return False
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

"""What offices' forms look like around the records: titles, header, totals, notes, blank rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from include.errors import UnreadableDelivery

HEADER_SCAN_ROWS = 5
"""How many rows are looked at for the header (domain practice: at most four title rows)."""
STRUCTURE_WORDS = (
    "合计", "总计", "小计", "本页合计", "本页小计", "备注", "注：", "注:", "说明：", "说明:",
    "填表", "填报", "制表", "审核", "单位负责人",
)  # fmt: skip
"""A first cell that begins so is the sender's own arithmetic or a note, never a record."""
BLANKS = " \t\r\n\v\f\u00a0\u3000"
"""What a cell may hold and still be empty."""
_MORE_IN_TWO_ROWS = 2
"""How many headings more a header of two rows must have than one row alone: fewer could be cells
of a record that read like a heading."""
_GARBLED = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2})+(?:[\xe4-\xe9][\x80-\xbf]?)?")
"""Chinese in UTF-8, with a character cut off at the end; as GB18030 it is nobody's heading."""
_MONTH = re.compile(
    r"(?<!\d)(20\d{2})年(1[0-2]|0?[1-9])月(?!\d{1,2}日|[至到~—-])"
    r"|(?<![\d.-])(20\d{2})[-.](1[0-2]|0[1-9])(?![\d.-]|\d)"
)
_NAME_MONTH = re.compile(r"(?<!\d)(20\d{2})(1[0-2]|0[1-9])(?!\d)")
_NAME_DAY = re.compile(r"(?<!\d)(20\d{2})(1[0-2]|0[1-9])(?:[0-2]\d|3[01])(?!\d)")


@dataclass(frozen=True)
class Header:
    """Column headings in plain spelling, the index of their last row and how many are known."""

    titles: tuple[str, ...]
    last_row: int
    score: int


def is_structure(first_cell: str | None, is_empty: bool) -> bool:
    """Whether a row is blank, a total or a note: part of the form, not a record."""
    return is_empty or (first_cell or "").strip(BLANKS).startswith(STRUCTURE_WORDS)


def plain_header(title: str) -> str:
    """A heading without what typing and page layout add: full-width forms, blanks, line breaks."""
    without_blanks = "".join(unicodedata.normalize("NFKC", title).split())
    return unicodedata.normalize("NFKC", without_blanks)  # neighbours may be one character now


def find_header(rows: Sequence[Sequence[str]], known: frozenset[str]) -> Header | None:
    """The row, or the two rows, with the most headers of the contract; the first of equals.

    Two rows are one header where groups stand above their columns. None where no row has any.
    """
    head = [tuple(map(plain_header, row)) for row in rows[:HEADER_SCAN_ROWS]]
    single = _best(((titles, last) for last, titles in enumerate(head)), known)
    pairs = pairwise(head)
    double = _best(
        ((_joined(above, below, known), last) for last, (above, below) in enumerate(pairs, 1)),
        known,
    )
    if double and (single is None or double.score >= single.score + _MORE_IN_TWO_ROWS):
        return double
    return single


def no_header(rows: Iterable[Iterable[str]], file_name: str) -> UnreadableDelivery:
    """The refusal of a table without a header among its first ``rows``, which say why."""
    garbled = sum(bool(_GARBLED.fullmatch(_as_bytes(cell))) for row in rows for cell in row)
    if garbled > 1:
        return UnreadableDelivery(
            "the headings are garbled: UTF-8 text was read as GB18030 and saved so.",
            code="D18",
            file=file_name,
            remedy="export again and open the export as UTF-8; what was lost cannot be restored.",
        )
    return UnreadableDelivery(
        f"none of the first {HEADER_SCAN_ROWS} rows is a header of this kind of delivery.",
        code="D17",
        file=file_name,
        remedy="send the file with the column headings of its contract.",
    )


def stated_period(titles: Iterable[str], file_name: str, period: str) -> str | None:
    """The month (YYYY-MM) that the titles above the header name, or else the file's name.

    None where nothing or more than one month is named. A day is no month: reports bear the day they
    were made on. Only if that lies before the ``period`` the file is delivered for does it count:
    nobody reports on a month that has not begun.
    """
    days = {f"{year}-{month}" for year, month in _NAME_DAY.findall(file_name)}
    if len(days) == 1 and (day := days.pop()) < period:
        return day
    for texts, pattern in ((titles, _MONTH), ([file_name], _MONTH), ([file_name], _NAME_MONTH)):
        said = {
            f"{year}-{int(month):02d}"
            for text in texts
            for match in pattern.finditer(unicodedata.normalize("NFKC", text))
            for year, month in [[group for group in match.groups() if group]]
        }
        if said:
            return said.pop() if len(said) == 1 else None
    return None


def _as_bytes(cell: str) -> bytes:
    return cell.strip("?？\ufffd" + BLANKS).encode("gb18030", errors="replace")


def _best(
    candidates: Iterable[tuple[tuple[str, ...], int]], known: frozenset[str]
) -> Header | None:
    best: Header | None = None
    for titles, last_row in candidates:
        score = len(known.intersection(titles))
        if score > (best.score if best else 0):
            best = Header(titles, last_row, score)
    return best


def _joined(
    above: tuple[str, ...], below: tuple[str, ...], known: frozenset[str]
) -> tuple[str, ...]:
    """Each column's heading from two rows; a group's title stands above its first column."""
    titles, group = [], ""
    for column in range(max(len(above), len(below))):
        top = above[column] if column < len(above) else ""
        bottom = below[column] if column < len(below) else ""
        group = top or (group if bottom else "")
        spellings = (group + bottom, bottom, group)
        titles.append(next((title for title in spellings if title in known), group + bottom))
    return tuple(titles)

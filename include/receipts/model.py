"""A receipt as data, and how its parts are written."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal

from include.settings import PROJECT_ROOT

SHOWN_ROWS = 30
"""Row numbers a summary names of one finding; the workbook lists all."""
SHOWN_HEADINGS = 6

Outcome = Literal["accepted", "rejected", "undecided"]
Treatment = Literal["rejected", "quarantined", "flagged", "repaired"]
TREATMENTS: Mapping[Treatment, str] = {
    "rejected": "整个文件未采用",
    "quarantined": "该行未采用",
    "flagged": "已采用，请核对",
    "repaired": "已自动识别并采用",
}
"""Treatment, the gravest first -> what the sender of an accepted file reads."""
_OF_REJECTED: Mapping[Treatment, str] = {
    "rejected": "整个文件未采用",
    "quarantined": "该行不可用",
    "flagged": "请核对",
    "repaired": "可自动识别",
}
OUTCOMES: Mapping[Outcome, str] = {
    "accepted": "已接收",
    "rejected": "退回，请更正后重新报送",
    "undecided": "待审核",
}


@dataclass(frozen=True)
class Place:
    """A column of the sender's file: letter as in a spreadsheet, heading as the sender wrote it.

    Both are empty for what concerns whole rows; the letter where the file's layout is not known.
    """

    letter: str
    heading: str

    @property
    def text(self) -> str:
        """``E 列 证件号码``."""
        return " ".join(filter(None, (self.letter and f"{self.letter} 列", self.heading)))


@dataclass(frozen=True)
class Finding:
    """One kind of defect in one column, treated in one way: how many rows, and the first of them.

    ``rows`` is 0 where the file as a whole is meant.
    """

    defect: str
    name_zh: str
    remedy_zh: str
    treatment: Treatment
    place: Place
    rows: int
    first_rows: tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """One defective cell, row or file: a line of the workbook's list."""

    row_no: int | None
    place: Place
    defect: str
    treatment: Treatment


@dataclass(frozen=True)
class Judgement:
    """An expectation on the file as a whole that was not met."""

    expectation: str
    rejects: bool
    label_zh: str
    observed: str
    defect: str | None
    remedy_zh: str


@dataclass(frozen=True)
class Receipt:
    """The receipt of one delivery; times are of China. Numbers count rows of the file.

    ``used`` are the rows that go on: none of a rejected delivery, and of an accepted one all but
    the quarantined.
    """

    delivery_id: int
    sender: str
    county_code: str
    source: str
    kind: str
    title_zh: str
    period: str
    file_name: str
    sheet: str | None
    received_at: datetime
    decided_at: datetime | None
    outcome: Outcome
    rows: int
    used: int
    quarantined: int
    flagged: int
    repaired: int
    judgements: tuple[Judgement, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class DefectWords:
    """A row of the seed ref_defect."""

    name_zh: str
    remedy_zh: str


@cache
def defect_words() -> dict[str, DefectWords]:
    """defect_code -> what it is called and what the sender should do, from the seed ref_defect."""
    with (PROJECT_ROOT / "dbt_project/seeds/ref_defect.csv").open(encoding="utf-8") as handle:
        return {
            row["defect_code"]: DefectWords(row["name_zh"], row["remedy_zh"])
            for row in csv.DictReader(handle)
        }


def facts(receipt: Receipt) -> list[tuple[str, str]]:
    """Label and value of what a receipt is about and counts, in the order in which it is read."""
    decided = receipt.decided_at.strftime("%Y-%m-%d %H:%M") if receipt.decided_at else ""
    return [
        ("报送单位", receipt.sender),
        ("报送内容", f"{receipt.title_zh}（{receipt.period}）"),
        ("文件", receipt.file_name),
        ("工作表", receipt.sheet or "—"),
        ("收到时间", receipt.received_at.strftime("%Y-%m-%d %H:%M")),
        ("审核时间", decided or "—"),
        ("回执编号", str(receipt.delivery_id)),
        ("收到行数", f"{receipt.rows:,}"),
        ("采用行数", f"{receipt.used:,}"),
        ("其中自动识别", f"{receipt.repaired:,}"),
        ("其中待核对", f"{receipt.flagged:,}"),
        ("未采用行数", f"{receipt.rows - receipt.used:,}"),
    ]


def treated(outcome: Outcome, treatment: Treatment) -> str:
    """What became, or would have become, of a cell or row, in the sender's words."""
    return (_OF_REJECTED if outcome == "rejected" else TREATMENTS)[treatment]


def rows_in_words(finding: Finding) -> str:
    """``共 12 行：3–5、9……``; a file or a heading as such has no rows."""
    if not finding.rows:
        return "表头" if finding.place.heading else "整个文件"
    more = "……" if finding.rows > len(finding.first_rows) else ""
    return f"共 {finding.rows:,} 行：{row_ranges(finding.first_rows)}{more}"


def row_ranges(rows: Iterable[int]) -> str:
    """Ascending row numbers as a reader writes them: ``3–5、9``."""
    spans: list[list[int]] = []
    for row in rows:
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    return "、".join(str(low) if low == high else f"{low}–{high}" for low, high in spans)


def masked(name: str) -> str:
    """A file's or sheet's name without the digits of an ID, phone or household number in it."""
    return re.sub(
        r"(?<![0-9])([0-9]{3})[0-9]{4,}([0-9]{3}[0-9Xx])(?![0-9])",
        lambda found: f"{found[1]}****{found[2]}",
        name,
    )


def column_letter(position: int) -> str:
    """The spreadsheet letter of the column ``position`` (from 1): A, B, …, Z, AA."""
    letters = ""
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters

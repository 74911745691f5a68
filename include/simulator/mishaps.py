"""How offices spoil what they send: spellings that stay, and first versions that are corrected.

What is repaired or only told stays in the files for good. What costs a row or a whole file happens
in a first version, which the right one supersedes within hours; a household number that a
spreadsheet damaged stays in a second copy of its row, which nobody can use. So the month's end is
what it would have been, and each defect can be counted in the delivery it was planted in.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Literal

from include.contracts import Column, Contract, Rule, contracts
from include.simulator.areas import County
from include.simulator.identifiers import is_resident_id
from include.simulator.months import ym

Record = dict[str, str]
Defects = tuple[tuple[str, str], ...]
"""(defect code, column) of a row."""
Way = Literal["spoilt", "miscounted", "misdated", "garbled", "rounded", "doubled", "twice"]
REJECTED: dict[Way, str] = {
    "miscounted": "D20",
    "misdated": "D19",
    "garbled": "D18",
    "rounded": "D02",
    "doubled": "D17",
}
"""First versions that are rejected as a whole, and for which defect."""

_WAYS: tuple[Way, ...] = ("spoilt", "twice", "spoilt", *REJECTED, "spoilt", "spoilt", "spoilt")
"""In turn; eleven of them, so that each comes to all of the twelve kinds."""
_WAYS_OF_ONE_KIND: dict[Way, str] = {"doubled": "county_person", "rounded": "county_household"}
"""Where an ID's heading can stand twice; where there are enough numbers to tell rounded ones."""

RESPELT = 1 / 300
"""Share of rows with one cell in another spelling."""
SPOILT = 1 / 12
"""Share of a spoilt first version's rows with one cell that costs the row or is told."""
COPIED = 1 / 2500
"""Share of rows that are there a second time, with a damaged household number."""
COPIED_KINDS = ("county_household", "county_income", "county_measure", "county_dwelling")
"""Files in which such a copy is not a person's or a project's."""


_HABITS = {
    "date": ("D14", re.compile(r"\d{8}|\d{4}-\d{2}-\d{2}")),
    "money": ("D13", re.compile(r"-?\d+(\.\d+)?")),
}
"""Type of column -> the defect of another spelling than this."""


@dataclass(frozen=True)
class Mishap:
    """What befell one kind of an office's files in a month."""

    kind: str
    way: Way


def mishap(county: County, month: int) -> Mishap | None:
    """Every second month of an office has one; ways and kinds take turns."""
    if (month + county.position) % 2:
        return None
    turn = (month * 11 + county.position) // 2
    way = _WAYS[turn % len(_WAYS)]
    kinds = tuple(c.kind for c in contracts().values() if c.source == "county")
    kind = kinds[(turn * 7 + 6) % len(kinds)]
    if way == "misdated" and county.position % 4 == 3:  # no title, and so no month in it
        way = "miscounted"
    if way in _WAYS_OF_ONE_KIND:
        kind = _WAYS_OF_ONE_KIND[way]
    return Mishap(kind, way)


def chance(*what: str) -> int:
    """A number that stays the same for the same thing."""
    return zlib.crc32("|".join(what).encode())


def respelt(seed: int, contract: Contract, record: Record) -> tuple[Record, Defects]:
    """The record with one cell in another spelling, in one of many rows; it says the same."""
    draw = chance(f"{seed}", "respelt", contract.kind, *(record.get(n, "") for n in contract.grain))
    if draw % round(1 / RESPELT):
        return record, ()
    draw //= round(1 / RESPELT)
    cells = [
        (column, *spelling)
        for column in contract.columns
        if (spelling := _spelling(column, record.get(column.name, ""), draw))
    ]
    if not cells:
        return record, ()
    column, text, code = cells[draw % len(cells)]
    return record | {column.name: text}, ((code, column.name),)


def habits(contract: Contract, record: Record, known: Defects) -> Defects:
    """Days and amounts in the office's own spelling, beside the defects already ``known``."""
    names = {name for _, name in known}
    return tuple(
        (_HABITS[column.type][0], column.name)
        for column in contract.columns
        if column.type in _HABITS
        and column.name not in names
        and (cell := record.get(column.name))
        and not _HABITS[column.type][1].fullmatch(cell)
    )


def _spelling(column: Column, cell: str, draw: int) -> tuple[str, str] | None:
    """(another spelling of the cell, its defect), if the column has one."""
    day = cell.replace("-", "")
    match column.type:
        case "money" if cell.endswith(".00") and len(cell) > 6:
            return (f"{float(cell):,.2f}", f"{cell}元")[draw % 2], "D13"
        case "money" | "integer" if not cell and not column.filled:
            return "/", "D13"
        case "integer" if cell:
            return f"{cell}.0", "D13"
        case "month" if len(cell) == 6:
            year, number = cell[:4], int(cell[4:])
            if draw % 3 == 0:
                return f"{cell}01", "D15"
            return (f"{year}.{number}" if draw % 3 == 1 else f"{year}年{number}月"), "D14"
        case "date" if len(day) == 8 and day.isdecimal():
            year, number, of_month = day[:4], int(day[4:6]), int(day[6:])
            ways = (f"{year}.{number}.{of_month}", f"{year}/{number}/{of_month}",
                    f"{year}年{number}月{of_month}日")  # fmt: skip
            return ways[draw % 3], "D14"
        case "date" if not cell and not column.filled:
            return "0000-00-00", "D14"
    return None


def spoilt(seed: int, contract: Contract, record: Record, month: int) -> tuple[Record, Defects]:
    """The record of a first version: in some rows one cell is beyond reading, or cannot be."""
    draw = chance(f"{seed}", "spoilt", contract.kind, *(record.get(n, "") for n in contract.grain))
    if draw % round(1 / SPOILT):
        return record, ()
    draw //= round(1 / SPOILT)
    cells = [
        (column.name, *spoiling)
        for column in contract.columns
        if (spoiling := _spoiling(column, record.get(column.name, ""), draw))
    ]
    cells += [
        (rule.column, text, rule.code)
        for rule in contract.rules
        if (text := _breach(contract, rule, record, month)) is not None
    ]
    if not cells:
        return record, ()
    name, text, code = cells[draw % len(cells)]
    more = (("D23", name),) if code == "D12" and _is_summed(contract, name) else ()
    return record | {name: text}, ((code, name), *more)


def _spoiling(column: Column, cell: str, draw: int) -> tuple[str, str] | None:
    """(the cell beyond reading, its defect), if it can be spoilt."""
    match column.type:
        case "household_no":
            return damaged(cell, draw), "D02"
        case "money" | "integer" if cell:
            return ("约三千", "不详")[draw % 2], "D13"
        case "month" if cell:
            return ("45901", "去年底")[draw % 2], "D14"
        case "date" if cell:
            if draw % 3 == 0 and not cell.startswith("0000"):
                found = re.match(r"(\d{4})\D?(\d{1,2})", cell)
                return (f"{found[1]}{int(found[2]):02d}", "D15") if found else None
            return ("45901", "不详")[draw % 2], "D14"
        case "flag" if cell == "是":
            return "不清楚", "D21"
        case "code" if cell and column.codes:
            return "自编代码", "D21"
        case "text" if column.name in ("name", "head_name", "helper_name") and cell:
            return f"{cell[:-1]}?", "D18"
    return None


def _breach(contract: Contract, rule: Rule, record: Record, month: int) -> str | None:
    """A readable cell that breaks the rule, or None where there is none; a sum that is negative
    breaks another as well."""
    cell = record.get(rule.column, "")
    (condition,) = rule.conditions
    is_month = contract.column(rule.column).type == "month"
    match condition:
        case "within_period" if cell:
            return ym(month + 2) if is_month else f"{ym(month + 2)[:4]}-{ym(month + 2)[4:]}-05"
        case "not_before" if cell and record.get(str(rule.not_before)):
            return "200001" if is_month else "2000-01-01"
        case "sum_of" if _is_plain(cell) and any(record.get(name) for name in rule.sum_of):
            return f"{float(cell) + 1000:.2f}"
        case "at_least" if _is_plain(cell) and float(cell) > 0:
            return f"-{cell}"
        case "agrees_with_id" if cell and is_resident_id(record.get("cert_no", "")):
            if rule.column == "sex":
                return "1" if cell == "2" else "2"
            if re.fullmatch(r"\d{8}", cell):
                return f"{cell[:6]}{int(cell[6:]) % 28 + 1:02d}"
    return None


def _is_plain(amount: str) -> bool:
    return bool(_HABITS["money"][1].fullmatch(amount))


def _is_summed(contract: Contract, name: str) -> bool:
    return any(rule.sum_of and name == rule.column for rule in contract.rules)


def garbled(text: str) -> str:
    """What a program shows that takes UTF-8 for GB18030."""
    return text.encode().decode("gb18030", errors="replace").replace("\ufffd", "?")


def damaged(number: str, draw: int) -> str:
    """A household number that went through a spreadsheet as a number."""
    return f"{number[0]}.{number[1:6]}E+15" if draw % 2 else number[:15]


def copied(seed: int, kind: str, record: Record) -> Record | None:
    """The second copy of a row, its household number damaged, for one of many rows."""
    number = record.get("household_no", "")
    grain = contracts()[kind].grain
    draw = chance(f"{seed}", "copied", kind, *(record.get(name, "") for name in grain))
    if kind not in COPIED_KINDS or not number or draw % round(1 / COPIED):
        return None
    return record | {"household_no": damaged(number, draw)}

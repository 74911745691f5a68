"""Defects of cells and rows: every kind of delivery, in each form it comes in, against a twin that
is sound.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from include import receipts
from include.contracts import Column, Contract, contracts
from include.contracts.codes import code_list
from include.load import load
from include.receipts.model import Place, column_letter
from include.simulator.identifiers import check_digit
from tests.unit.hostile import workbook
from tests.unit.landed import PERIOD, csv_bytes, land, query

HOUSEHOLD = "9900000000000017"
BORN = "19900105"
FIRST17 = f"431099{BORN}001"
PERSON = FIRST17 + check_digit(FIRST17)
WRONG = FIRST17 + ("1" if PERSON[17] != "1" else "2")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
Found = set[tuple[int | None, str | None, str, str]]
"""(row, column, defect code, treatment)."""

SOUND = {
    "month": "202601",
    "date": "2026-01-05",
    "timestamp": "2026-01-05 10:00:00",
    "integer": "3",
    "money": "1000.00",
    "flag": "是",
    "code": "自由",
    "text": "某",
    "household_no": HOUSEHOLD,
    "resident_id": PERSON,
}
READ, LOST = "repaired", "lost"
"""What becomes of a cell: read all the same, or what its column says."""
CELLS: dict[str, list[tuple[str, str | None, str]]] = {
    "month": [
        ("2026-01", None, ""), ("2026.1", "D14", READ), ("2026年1月", "D14", READ),
        ("20260105", "D15", READ), ("2026-01-05", "D15", READ), ("0000-00-00", "D14", READ),
        ("45901", "D14", LOST), ("去年底", "D14", LOST), ("202613", "D14", LOST),
    ],
    "date": [
        ("20260105", None, ""), ("2026.1.5", "D14", READ), ("2026/1/5", "D14", READ),
        ("2026年1月5日", "D14", READ), ("0000-00-00", "D14", READ), ("202601", "D15", LOST),
        ("2026年1月", "D15", LOST), ("45901", "D14", LOST), ("20260231", "D14", LOST),
    ],
    "timestamp": [
        ("2026-01-05T10:00:00+08", None, ""), ("2026/1/5", "D14", READ), ("昨天", "D14", LOST),
    ],
    "integer": [("3.0", "D13", READ), ("3人", "D13", READ), ("若干", "D13", LOST)],
    "money": [("{cell}元", "D13", READ), ("约三千", "D13", LOST), ("1.2.3", "D13", LOST)],
    "flag": [("否", None, ""), ("不清楚", "D21", LOST)],
    "code": [],
    "text": [("閮村窞甯?", "D18", LOST), ("欧阳?", "D18", LOST), ("欧阳〇", None, "")],
    "household_no": [
        (HOUSEHOLD.translate(FULL_WIDTH), "D01", READ), (f"'{HOUSEHOLD}", "D01", READ),
        ("9.9E+15", "D02", LOST), (HOUSEHOLD[:15], "D02", LOST), ("", "D02", LOST),
    ],
    "resident_id": [
        (PERSON.translate(FULL_WIDTH), "D01", READ), (f"G{PERSON}", "D01", READ),
        (f"{PERSON[:6]} {PERSON[6:14]} {PERSON[14:]}", "D01", READ),
        (f"{PERSON[:6]}{PERSON[8:17]}", "D03", READ), (f"{PERSON}41", "D05", READ),
        (f"{PERSON}41B1", "D05", READ), (WRONG, "D04", "flagged"), (PERSON[:17], "D04", "flagged"),
        ("4.31E+17", "D02", "flagged"), (f"{PERSON[:15]}000", "D02", "flagged"),
        ("", "D04", "flagged"),
    ],
}  # fmt: skip
"""Type of column -> (cell, defect or None, treatment)."""


def sound(contract: Contract) -> dict[str, str]:
    """A record without any defect."""
    record = {column.name: SOUND[column.type] for column in contract.columns}
    for column in contract.columns:
        if column.codes:
            record[column.name] = code_list(column.codes, PERIOD)[0]
    for rule in contract.rules:
        if rule.sum_of:
            record[rule.column] = f"{1000 * len(rule.sum_of)}.00"
    if contract.kind == "yb_settle":  # a bill's parts are sums themselves
        record |= {"medfee_sumamt": "9000.00"}
    if contract.kind == "county_person":
        record |= {"birth_date": BORN, "sex": "2"}
    if contract.kind == "county_household":
        record |= {"township": "卢阳镇", "village": "津江村"}
    return record


def cases(contract: Contract, column: Column) -> Iterator[tuple[str, str | None, str]]:
    """What may be written into a column, and what has to be found then."""
    cell = sound(contract)[column.name]
    is_summed = any(column.name in rule.sum_of for rule in contract.rules)
    for written, code, treatment in CELLS[column.type]:
        if column.name in ("township", "village", "birth_date"):
            continue  # whose own rules have their own tests
        if written == "" and not column.filled:
            continue
        if column.type == "resident_id" and column.is_certificate and code == "D05":
            continue
        yield written.format(cell=cell), code, treatment
    if column.codes:
        yield "自编代码", "D21", LOST
    if column.type in ("code", "integer", "month", "date") and column.filled:
        blank = {"code": "D21", "integer": "D13"}.get(column.type, "D14")
        yield "", blank, LOST
    elif column.type in ("household_no", "resident_id", "text") or column.filled_where:
        return
    elif column.type != "code" and not column.filled and not is_summed:
        yield "/", "D13", READ
        yield "", None, ""


def expected(column: Column, code: str, treatment: str, row: int) -> tuple[int, str, str, str]:
    if treatment == LOST:
        treatment = "quarantined" if column.severity == "quarantine" else "flagged"
    return row, column.name, code, treatment


def found(dsn: str, delivery_id: int) -> Found:
    return set(
        query(
            dsn,
            "select row_no::integer, column_name, defect_code, treatment from ops.delivery_defect "
            "where delivery_id = %s and row_no is not null",
            [delivery_id],
        )
    )


def told(delivery_id: int) -> set[tuple[int | None, Place, str, str]]:
    """What the receipt lists of rows."""
    listed = receipts.all_lines(receipts.receipt(delivery_id))
    return {
        (each.row_no, each.place, each.defect, each.treatment) for each in listed if each.row_no
    }


def place_of(contract: Contract, form: str, name: str) -> Place:
    """A column as the sender sees it; an interface has no letters."""
    position = [column.name for column in contract.columns].index(name)
    letter = "" if form == "jsonl" else column_letter(position + 1)
    return Place(letter, contract.columns[position].headers[0])


def delivered(contract: Contract, form: str, records: list[dict[str, str]]) -> int:
    """Load records in a form of file; its delivery. Row 1 is the first record or the header."""
    header = [column.headers[0] for column in contract.columns]
    rows = [[record[column.name] for column in contract.columns] for record in records]
    if form == "jsonl":
        content = json.dumps({"data": records}, ensure_ascii=False).encode()
    elif form == "xlsx":
        content = workbook([header, *rows])
    else:
        content = csv_bytes([header, *rows], encoding=form)
    suffix = {"jsonl": "jsonl", "xlsx": "xlsx"}.get(form, "csv")
    return load(land(content, kind=contract.kind, name=f"{contract.kind}.{suffix}"))


FORMS = {"county": ("gb18030", "utf-8-sig", "xlsx"), "civil_affairs": ("utf-8",),
         "health_insurance": ("jsonl",)}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "form"),
    [(kind, form) for kind, contract in contracts().items() for form in FORMS[contract.source]],
)
def test_each_defect_is_found_in_its_cell_and_nothing_else(
    warehouse: str, kind: str, form: str
) -> None:
    contract = contracts()[kind]
    records, wanted = [sound(contract)], set()
    first = 1 if form == "jsonl" else 2
    for column in contract.columns:
        for written, code, treatment in cases(contract, column):
            records.append(sound(contract) | {column.name: written})
            if code:
                wanted.add(expected(column, code, treatment, first + len(records) - 1))
    delivery_id = delivered(contract, form, records)
    assert found(warehouse, delivery_id) == wanted
    assert wanted
    assert told(delivery_id) == {
        (row, place_of(contract, form, name), code, treatment)
        for row, name, code, treatment in wanted
    }

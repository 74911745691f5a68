"""Workbooks become the text a reader sees, with the rows as the sender counts them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import UnreadableDelivery
from include.spreadsheet import Sheet, cell_text, find_sheet
from tests.unit.hostile import workbook
from tests.unit.landed import HEADER, NAME, row

KNOWN = frozenset(HEADER)


def sheet_of(folder: Path, content: bytes) -> Sheet:
    return find_sheet(write(folder, content), KNOWN, "5-帮扶措施.xlsx")


def write(folder: Path, content: bytes) -> Path:
    path = folder / "delivery.xlsx"
    path.write_bytes(content)
    return path


def test_title_total_note_and_blank_rows_are_no_records(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["汝城县帮扶措施台账"], ["2026年2月"], HEADER, row(1), [], row(2), ["小计", 2],
        row(3), ["合计", 3], ["\u3000", " "], ["备注：无"],
    ]  # fmt: skip
    sheet = sheet_of(tmp_path, workbook(rows))
    assert (sheet.header, sheet.header_row) == (tuple(HEADER), 3)
    assert list(sheet.records()) == [(4, row(1)), (6, row(2)), (8, row(3))]


def test_the_sheet_with_the_best_header_is_taken(tmp_path: Path) -> None:
    explanation = [["填报说明"], ["户编号", "十六位"], ["实施情况", "已实施"]]
    content = workbook(explanation, [HEADER, row(1)], [HEADER])
    assert list(sheet_of(tmp_path, content).records()) == [(2, row(1))]


def test_a_header_over_two_lines_and_in_full_width(tmp_path: Path) -> None:
    header = ["县\n（市、区）", *HEADER[1:]]
    assert sheet_of(tmp_path, workbook([header])).header == tuple(HEADER)


def test_a_sheet_of_only_a_header_has_no_records(tmp_path: Path) -> None:
    assert list(sheet_of(tmp_path, workbook([HEADER])).records()) == []


def test_numbers_and_dates_of_a_sheet(tmp_path: Path) -> None:
    cells = ["汝城县", 9900000000000017.0, 0.1 + 0.2, datetime(2026, 1, 5), 202601, True]
    ((_, found),) = sheet_of(tmp_path, workbook([HEADER, cells])).records()
    assert found == ["汝城县", "9.90000000000002e+15", "0.3", "2026-01-05", "202601", "是"]


@pytest.mark.parametrize(
    "content",
    [b"", b"no workbook", workbook([[NAME, "1"]]), workbook([[]]), workbook([])[:2000],
     "户编号,实施情况\n".encode()],
    ids=["nothing", "text", "no header", "no cell", "cut off", "csv"],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableDelivery) as refusal:
        sheet_of(tmp_path, content)
    assert NAME not in str(refusal.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        ("'431099", "'431099"),
        (3.0, "3"),
        (-485.5, "-485.5"),
        (999_999_999_999_999.0, "999999999999999"),
        (1e15, "1.00000000000000e+15"),
        (4.3109919700101001e17, "4.31099197001010e+17"),
        (False, "否"),
        (datetime(2026, 1, 5, 8, 30), "2026-01-05 08:30:00"),
        (date(2026, 1, 5), "2026-01-05"),
        (time(8, 30), "08:30:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
        (12, "12"),
    ],
)
def test_cell_text(value: Any, text: str | None) -> None:
    assert cell_text(value) == text


@given(st.floats(min_value=1e15, max_value=1e20))
def test_a_damaged_number_never_looks_like_an_identifier(value: float) -> None:
    text = cell_text(value)
    assert text is not None
    assert not text.isdigit()


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
def test_a_whole_number_excel_can_hold_is_written_out(value: int) -> None:
    assert cell_text(float(value)) == str(value)

"""Whatever is delivered is loaded whole, or refused by name with the row where it is known."""

from __future__ import annotations

import csv
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from io import BytesIO
from itertools import chain, repeat
from pathlib import Path

import pytest

from include.landing import plain_name
from include.load import load
from include.settings import PROJECT_ROOT, settings
from include.simulator import mishaps
from tests.unit import hostile
from tests.unit.landed import HEADER, NAME, csv_bytes, delivery, land, query, raw_rows, row

SOUND = [HEADER, row(1), row(2)]
READ: dict[str, tuple[Callable[[], bytes], str]] = {
    "csv": (lambda: csv_bytes(SOUND), ".csv"),
    "csv with BOM": (lambda: csv_bytes(SOUND, encoding="utf-8-sig"), ".csv"),
    "csv called xls": (lambda: csv_bytes(SOUND), ".xls"),
    "csv called xlsx": (lambda: csv_bytes(SOUND, encoding="utf-8"), ".xlsx"),
    "tabs": (lambda: csv_bytes(SOUND).replace(b",", b"\t"), ".txt"),
    "semicolons": (lambda: csv_bytes(SOUND).replace(b",", b";"), ".csv"),
    "utf-16 with tabs": (lambda: hostile.unicode_text(SOUND), ".txt"),
    "utf-16, big end first": (
        lambda: b"\xfe\xff" + csv_bytes(SOUND, encoding="utf-16-be"), ".csv",
    ),
    "xlsx": (lambda: hostile.workbook(SOUND), ".xlsx"),
    "xlsx called xls": (lambda: hostile.workbook(SOUND), ".xls"),
    "xlsx called csv": (lambda: hostile.workbook(SOUND), ".csv"),
    "xls": (lambda: hostile.old_workbook(SOUND), ".xls"),
    "xls called xlsx": (lambda: hostile.old_workbook(SOUND), ".xlsx"),
    "xls in GBK": (lambda: hostile.gbk_workbook(SOUND), ".xls"),
    "macros": (hostile.with_macros, ".xlsm"),
    "200 columns of nothing": (hostile.blank_columns, ".xlsx"),
    "200 columns of nothing in csv": (
        lambda: csv_bytes([[*line, *[""] * 200] for line in SOUND]), ".csv",
    ),
    "hidden sheet of last month": (
        lambda: hostile.hidden((False, [["说明"]]), (True, [HEADER, row(9)]), (False, SOUND)),
        ".xlsx",
    ),
    "empty form first": (lambda: hostile.workbook([HEADER], SOUND), ".xlsx"),
    "list with half of the headings": (
        lambda: hostile.workbook(SOUND, [HEADER[:3], row(3)[:3]]), ".xlsx",
    ),
    "empty second sheet": (lambda: hostile.workbook(SOUND, [HEADER]), ".xlsx"),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_what_can_be_read_is_read_whole(warehouse: str, case: str) -> None:
    make, suffix = READ[case]
    found = delivery(warehouse, load(land(make(), name=f"5-帮扶措施{suffix}")))
    assert (found["unreadable"], found["missing_headers"]) == (None, [])
    expected = [row(1)] if case == "macros" else SOUND[1:]
    assert raw_rows(warehouse) == [(n, *cells) for n, cells in enumerate(expected, start=2)]
    assert found["row_count"] == len(expected)


REFUSED: dict[str, tuple[Callable[[], bytes], str, str, int | None]] = {
    "encrypted xlsx": (hostile.ENCRYPTED.read_bytes, "F01", "encrypted", None),
    "encrypted xls": (hostile.locked_old_workbook, "F01", "encrypted", None),
    "cut off": (lambda: hostile.workbook(SOUND)[:-40], "F02", "damaged", None),
    "cut off xls": (lambda: hostile.old_workbook(SOUND)[:900], "F02", "cut off", None),
    "sheet cut off in an xls": (
        lambda: hostile.in_ole(hostile.old_workbook(SOUND)[512:1200]), "F02", "opened", None,
    ),
    "garbled sheet": (
        lambda: hostile.patched(hostile.SHEET, lambda xml: xml[: len(xml) // 2]),
        "F02", "opened", None,
    ),
    "web page": (lambda: hostile.web_page(SOUND), "F03", "web page", None),
    "pdf": (lambda: b"%PDF-1.7\n" + bytes(100), "F03", "PDF", None),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "F03", "picture", None),
    "archive": (lambda: zipped(csv_bytes(SOUND)), "F03", "archive", None),
    "Word document": (lambda: in_word(), "F03", "without a workbook", None),
    "zip bomb": (hostile.zip_bomb, "F04", "times its size", None),
    "lying zip bomb": (hostile.lying_bomb, "F04", "times its size", None),
    "far cell": (hostile.far_cell, "F04", "memory", None),
    "two thousand columns": (
        lambda: csv_bytes([[*line, *[""] * 2000] for line in SOUND]), "F04", "columns", None,
    ),
    "row too wide": (
        lambda: csv_bytes([[*HEADER, *[""] * 1400], [*row(1), *["x" * 40] * 1400]]),
        "F04", "more than a row", None,
    ),
    "formula without a result": (
        lambda: hostile.with_formula(has_result=False), "F06", "formula", 2,
    ),
    "hidden alone": (
        lambda: hostile.hidden((False, [["说明"]]), (True, SOUND)), "F07", "hidden", None,
    ),
    "two sheets": (
        lambda: hostile.workbook(SOUND, [HEADER, row(3)]), "F07", "more than one", None,
    ),
    "two sheets, one without a column": (
        lambda: hostile.workbook(SOUND, [HEADER[:4], row(3)[:4]]), "F07", "more than one", None,
    ),
    "no header": (lambda: csv_bytes([row(1), row(2)]), "D17", "header", None),
    "no header in a workbook": (lambda: hostile.workbook([row(1)]), "D17", "header", None),
    "header twice": (
        lambda: hostile.workbook([[*line, line[-1]] for line in SOUND]), "D17", "two columns", None,
    ),
    "gb18030, then utf-8": (
        lambda: hostile.mixed_encodings("gb18030", "gb18030", "utf-8"), "D18", "line 3", 3,
    ),
    "utf-8, then gb18030": (
        lambda: hostile.mixed_encodings("utf-8", "utf-8", "gb18030", "utf-8"), "D18", "line 3", 3,
    ),
    "BOM, then gb18030": (
        lambda: hostile.mixed_encodings("utf-8-sig", "utf-8", "gb18030"), "D18", "line 3", 3,
    ),
    "utf-16 cut off": (lambda: hostile.unicode_text(SOUND)[:-1], "D18", "UTF-16", None),
    "nul in a workbook": (
        lambda: hostile.patched(
            "xl/sharedStrings.xml", lambda xml: xml.replace("养殖".encode(), b"a_x0000_b")
        ),
        "D18", "no text", 2,
    ),
    "two megabytes in quotes": (
        lambda: csv_bytes(SOUND) + b'"' + b"x" * (5 << 20) + b'",1,2,3,4,5\r\n',
        "F05", "longer", 4,
    ),
    "ragged": (lambda: csv_bytes([*SOUND, row(3)[:4]]), "F05", "too few", 4),
    "dot alone": (lambda: csv_bytes([*SOUND, ["\\."], row(3)]), "F05", "too few", 4),
}  # fmt: skip


def zipped(content: bytes) -> bytes:
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("../../5-帮扶措施.csv", content)
    return held.getvalue()


def in_word() -> bytes:
    name = "Workbook".encode("utf-16-le").ljust(26, b"\0")
    document = hostile.in_ole(b"x" * 5000)
    assert name in document
    return document.replace(name, "WordDocument".encode("utf-16-le").ljust(26, b"\0"))


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(
    warehouse: str, case: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    make, code, told, at = REFUSED[case]
    found = delivery(warehouse, load(land(make(), name="5-帮扶措施.xlsx")))
    assert (found["refusal_code"], found["refusal_row"]) == (code, at)
    assert told in found["unreadable"]
    assert (found["row_count"], raw_rows(warehouse)) == (0, [])
    seen = found["unreadable"] + caplog.text + "".join(capfd.readouterr())
    assert NAME not in seen
    assert "Traceback" not in seen


def test_a_file_larger_than_the_setting(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_LARGEST_FILE_MB", "1")
    settings.cache_clear()
    rows = csv_bytes([HEADER, *[row(1, "养" * 100)] * 5000])
    found = delivery(warehouse, load(land(rows)))
    assert found["refusal_code"] == "F04"
    assert "larger than 1 MB" in found["unreadable"]
    assert load(land(csv_bytes(SOUND), modified=2))
    assert len(raw_rows(warehouse)) == 2


def test_cells_that_a_spreadsheet_would_run_stay_text(warehouse: str) -> None:
    details = ["=1+1", "+8613", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "'=1"]
    load(land(csv_bytes([HEADER, *(row(n, text) for n, text in enumerate(details))])))
    assert [cells[4] for cells in raw_rows(warehouse)] == details


def test_a_formula_is_what_its_program_stored(warehouse: str) -> None:
    load(land(hostile.with_formula(has_result=True), name="5-帮扶措施.xlsx"))
    assert raw_rows(warehouse) == [(2, *row(1, "养殖"))]


def test_a_header_of_two_rows_and_cells_merged_over_records(warehouse: str) -> None:
    rows = [
        ["汝城县帮扶措施台账"],
        ["县(市、区)", "户编号", "措施", "", "开始时间", "实施情况"],
        ["", "", "类型", "内容", "", ""],
        row(1, "养殖"), ["", *row(2)[1:]], ["小计", "2"], ["", *row(3)[1:]],
    ]  # fmt: skip
    content = hostile.merged(rows, (0, 0, 0, 5), (1, 0, 2, 0), (1, 2, 1, 3), (3, 0, 4, 0))
    found = delivery(warehouse, load(land(content, name="5-帮扶措施.xlsx")))
    assert (found["unreadable"], found["missing_headers"]) == (None, [])
    kept = [(number, cells[0]) for number, *cells in raw_rows(warehouse)]
    assert kept == [(4, "汝城县"), (5, "汝城县"), (7, None)]


def file_defects(dsn: str, delivery_id: int) -> list[tuple[str | None, str, str]]:
    found = query(
        dsn,
        "select column_name, defect_code, treatment from ops.delivery_defect "
        "where delivery_id = %s and row_no is null order by column_name nulls first",
        [delivery_id],
    )
    return [(column, code, treatment) for column, code, treatment in found]


FORM = (None, "D16", "repaired")


@pytest.mark.parametrize(
    ("rows", "defects"),
    [
        (SOUND, []),
        ([*SOUND, []], []),
        ([["台账"], *SOUND], [FORM]),
        ([*SOUND, ["合计", "2"]], [FORM]),
        ([*SOUND[:2], ["小计", *[""] * 5], row(2)], [FORM]),
        ([["县", *HEADER[1:3], "备注"], ["", "", "", ""]], None),
        ([["县", "户编号", "措施类型", *HEADER[3:]], *SOUND[1:]],
         [("county", "D17", "repaired"), ("measure_type", "D17", "repaired")]),
    ],
    ids=["plain", "blank line", "title", "total", "subtotal", "headers lack", "other headers"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_wrong_with_the_form_is_told(
    warehouse: str, rows: list[list[str]], defects: list[tuple[str | None, str, str]], form: str
) -> None:
    content = csv_bytes(rows) if form == "csv" else hostile.workbook(rows)
    found = load(land(content, name=f"5-帮扶措施.{form}"))
    assert file_defects(warehouse, found) == (defects or [])


def test_why_a_file_was_refused_is_told(warehouse: str) -> None:
    found = load(land(hostile.ENCRYPTED.read_bytes(), name="5-帮扶措施.xlsx"))
    assert file_defects(warehouse, found) == [(None, "F01", "rejected")]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_garbled_headings_are_told_from_missing_ones(warehouse: str, form: str) -> None:
    rows = [[mishaps.garbled(cell) for cell in line] for line in SOUND]
    content = csv_bytes(rows, encoding="utf-8") if form == "csv" else hostile.workbook(rows)
    found = load(land(content, name=f"5-帮扶措施.{form}"))
    assert file_defects(warehouse, found) == [(None, "D18", "rejected")]


def test_every_refusal_has_words_for_its_sender() -> None:
    with (PROJECT_ROOT / "dbt_project/seeds/ref_defect.csv").open(encoding="utf-8") as file:
        known = {line["defect_code"]: line for line in csv.DictReader(file)}
    used = {code for _, code, _, _ in REFUSED.values()}
    assert used <= set(known)
    assert {code for code in known if code.startswith("F")} <= used
    assert all(known[code]["remedy_zh"] for code in used)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/5-帮扶措施.csv", "5-帮扶措施.csv"),
        ("..\\..\\5-帮扶措施.csv", "5-帮扶措施.csv"),
        ("5-帮扶措施\r\n2026 INFO.csv", "5-帮扶措施__2026 INFO.csv"),
        ("5-帮扶措施\u202evsc.exe", "5-帮扶措施_vsc.exe"),
        ("5-措施-431099197001010012-13800000000.xls", "5-措施-…-….xls"),
        ("6-监测对象_20250902-608人.xlsx", "6-监测对象_20250902-608人.xlsx"),
        ("..", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_names_are_made_plain(name: str, shown: str) -> None:
    assert plain_name(name) == shown


def test_the_end_of_a_long_name_is_kept() -> None:
    shown = plain_name("5-帮扶措施" + "长" * 500 + "-12条.xlsx")
    assert len(shown) < 130
    assert shown.endswith("-12条.xlsx")


@pytest.mark.parametrize(
    ("title", "name", "stated"),
    [
        ("汝城县台账(2026年1月)", "5-帮扶措施.csv", "2026-01"),
        ("汝城县台账（2026年02月份）", "5-帮扶措施_202601.csv", "2026-02"),
        ("2026年1月至2月", "5-帮扶措施.csv", None),
        ("制表日期：2026年3月2日", "5-帮扶措施_20260302.csv", None),
        ("台账", "5-帮扶措施_202601-2条.csv", "2026-01"),
        ("台账", "5-帮扶措施_20260131-2条.csv", "2026-01"),
        ("台账", "5-帮扶措施_20260201-2条.csv", None),
        ("2026年1月 2026年2月", "5-帮扶措施.csv", None),
    ],
)
def test_the_month_a_file_names_is_recorded(
    warehouse: str, title: str, name: str, stated: str | None
) -> None:
    for content, suffix in (
        (csv_bytes([[title, *[""] * 5], *SOUND]), ".csv"),
        (hostile.workbook([[title], *SOUND]), ".xlsx"),
    ):
        landed = land(content, name=name.replace(".csv", suffix))
        assert delivery(warehouse, load(landed))["stated_period"] == stated


MEASURE = """
import resource, sys
from pathlib import Path
from include.errors import UnreadableDelivery
from include.reader import close, table
from tests.unit.landed import HEADER
try:
    with table(Path(sys.argv[1]), "5-帮扶措施", frozenset(HEADER)) as found:
        ending = sum(map(len, found.chunks()))
except UnreadableDelivery as refusal:
    ending = refusal.code
close()  # only an ended process's memory is counted
# Not RUSAGE_SELF: that of the process which started this one counts in it.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
own = int(status["VmHWM"].split()[0])
print(ending, max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) >> 10)
"""
LARGE: dict[str, tuple[Callable[[], Iterable[bytes]], str]] = {
    "zip bomb": (lambda: [hostile.zip_bomb(1000)], "F04"),
    "lying zip bomb": (lambda: [hostile.lying_bomb(1000)], "F04"),
    "far cell": (lambda: [hostile.far_cell()], "F04"),
    "last row": (lambda: [hostile.far_cell("A1048576")], ""),
    "200 columns of nothing, long": (lambda: [hostile.blank_columns(5000)], ""),
    "csv of 300 MB": (
        lambda: chain([csv_bytes([HEADER])], repeat(csv_bytes([row(1, "养" * 400)] * 300), 1000)),
        "",
    ),
    "quote not closed": (
        lambda: chain([csv_bytes([HEADER]) + b'"'], repeat(csv_bytes([row(1)] * 10_000), 500)),
        "F05",
    ),
    "one line": (lambda: repeat(b"x" * (1 << 20), 300), "D17"),
    "one line of Chinese": (
        lambda: chain(repeat("郴州市汝城县".encode() * 10_000, 100), [b"\xff"]),
        "D17",
    ),
    "one line of cells": (
        lambda: [hostile.patched(hostile.SHEET, lambda xml: xml + b'<c r="A1" ' * 300_000 + b"<f")],
        "F02",
    ),
    "encrypted": (lambda: [hostile.ENCRYPTED.read_bytes()], "F01"),
}


@pytest.mark.parametrize("case", LARGE)
def test_memory_stays_under_a_gigabyte(home: Path, case: str) -> None:
    file = home / "file"
    make, refused = LARGE[case]
    with file.open("wb") as target:
        target.writelines(make())
    done = subprocess.run(
        [sys.executable, "-P", "-c", MEASURE, str(file)],
        env={"PYTHONPATH": str(PROJECT_ROOT), "WAREHOUSE_HOME": str(home)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    ending, megabytes = done.stdout.split()
    assert ending == refused if refused else int(ending) > 0
    assert int(megabytes) < 1024

"""Receipts: what senders are told, where it is written, and that no cell's value is in it."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncssh
import openpyxl
import pytest
import xlsxwriter
from typer.testing import CliRunner, Result

from include import receipts
from include.cli.main import app
from include.errors import WarehouseError
from include.load import load
from include.pipeline import judge_deliveries
from include.receipts.model import Finding, Place, column_letter, masked, row_ranges, rows_in_words
from include.receipts.page import MOST_FINDINGS, page
from include.settings import settings
from include.simulator import sftp_server as simulated
from include.simulator.sftp_server import USER
from tests.expectations.deliveries import resident_id
from tests.unit.landed import COUNTY, NAME, PERIOD, PHONE, csv_bytes, household_no, land
from tests.unit.test_county_source import PASSWORD, sftp_server

KIND = "county_household"
HEADER = [
    "县", "乡镇", "行政村", "户编号", "户主姓名", "户主身份证号", "户类型", "监测对象类别",
    "监测对象识别时间", "风险是否已消除", "风险消除时间", "家庭人口", "联系电话", "人均纯收入",
]  # fmt: skip
BAD_ID = resident_id(7)[:-1] + ("0" if resident_id(7)[-1] != "0" else "1")


def household(order: int, **cells: str) -> list[str]:
    sound = {
        "县": "汝城县", "乡镇": "卢阳镇", "行政村": "云善村", "户编号": household_no(order),
        "户主姓名": NAME, "户主身份证号": resident_id(order), "户类型": "脱贫户(享受政策)",
        "监测对象类别": "", "监测对象识别时间": "", "风险是否已消除": "否", "风险消除时间": "",
        "家庭人口": "3", "联系电话": PHONE, "人均纯收入": "12000.50",
    }  # fmt: skip
    return list((sound | cells).values())


ROWS = [household(n) for n in range(20)]
ROWS[1] = household(1, 户编号="9.9E+15")
ROWS[4] = household(4, 户主身份证号=BAD_ID)
ROWS[5] = household(5, 人均纯收入="12,000元")
ROWS[6] = household(6, 人均纯收入="1,300元")


def workbook(rows: list[list[str]]) -> bytes:
    """Title, header, records: the first record is in row 3."""
    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet("户表")
        for number, cells in enumerate([["汝城县防止返贫监测户信息"], HEADER, *rows]):
            for column, cell in enumerate(cells):
                sheet.write_string(number, column, cell)
    return content.getvalue()


def deliver(content: bytes, name: str = "1-户信息.xlsx") -> receipts.Receipt:
    delivery_id = load(land(content, name=name, kind=KIND))
    judge_deliveries("county", PERIOD)
    return receipts.receipt(delivery_id)


def found(of: receipts.Receipt) -> dict[tuple[str, str], Finding]:
    return {(each.defect, each.place.text): each for each in of.findings}


@pytest.fixture
def accepted(warehouse: str) -> receipts.Receipt:
    """The receipt of a workbook with a few defective cells."""
    return deliver(workbook(ROWS))


def test_a_finding_names_the_place_as_the_sender_sees_it(accepted: receipts.Receipt) -> None:
    findings = found(accepted)
    assert accepted.sheet == "户表"
    unusable = findings["D02", "D 列 户编号"]
    assert (unusable.treatment, unusable.first_rows) == ("quarantined", (4,))
    assert unusable.remedy_zh
    wrong = findings["D04", "F 列 户主身份证号"]
    assert (wrong.treatment, wrong.first_rows) == ("flagged", (7,))
    respelt = findings["D13", "N 列 人均纯收入"]
    assert (respelt.treatment, respelt.rows, respelt.first_rows) == ("repaired", 2, (8, 9))
    assert accepted.findings[0].treatment == "quarantined"


def test_rows_are_counted_once(accepted: receipts.Receipt) -> None:
    counts = (accepted.rows, accepted.used, accepted.quarantined, accepted.flagged)
    assert counts == (20, 19, 1, 1)
    assert accepted.repaired == 2
    assert accepted.outcome == "accepted"
    assert accepted.sender == "汝城县"


def test_an_expectation_that_warns_is_told_with_its_share(accepted: receipts.Receipt) -> None:
    told = {each.expectation: each for each in accepted.judgements}
    warning = told["malformed_key_share"]
    assert (warning.rejects, warning.observed, warning.defect) == (False, "占 5.00%", "D02")
    assert warning.remedy_zh


def test_a_delivery_without_defects_says_so(warehouse: str) -> None:
    clean = deliver(csv_bytes([HEADER, *(household(n) for n in range(20))]), "1-户信息.csv")
    (heading,) = {each.treatment for each in clean.findings} or {"repaired"}
    assert heading == "repaired"
    assert clean.judgements == ()
    assert (clean.outcome, clean.used, clean.sheet) == ("accepted", 20, None)


def test_a_rejected_file_says_what_is_missing_and_uses_nothing(warehouse: str) -> None:
    without = [[cell for n, cell in enumerate(row) if n != 3] for row in (HEADER, *ROWS)]
    rejected = deliver(csv_bytes(without), "1-户信息.csv")
    assert (rejected.outcome, rejected.used) == ("rejected", 0)
    (told,) = (each for each in rejected.judgements if each.rejects)
    assert (told.observed, told.defect) == ("缺少：户编号", "D17")
    assert "退回" in receipts.files(rejected)[1].read_text(encoding="utf-8")


def test_an_unreadable_file_is_told_by_its_code(warehouse: str) -> None:
    rejected = deliver(b"PK\x03\x04 and nothing of it")
    (told,) = (each for each in rejected.judgements if each.rejects)
    assert told.defect == "F02"
    assert "损坏" in told.observed
    assert told.remedy_zh


def texts(of: receipts.Receipt) -> dict[str, str]:
    """All that leaves the warehouse of a receipt."""
    xlsx, html = receipts.files(of)
    with zipfile.ZipFile(xlsx) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    return parts | {
        "page": html.read_text(encoding="utf-8"),
        "data": json.dumps([asdict(each) for each in receipts.all_lines(of)], default=str)
        + repr(of),
        "names": f"{xlsx} {html}",
    }


def test_no_cells_value_is_in_a_receipt(accepted: receipts.Receipt) -> None:
    planted = [NAME, PHONE, BAD_ID, *(resident_id(n) for n in range(20)), household_no(3)]
    for place, text in texts(accepted).items():
        assert [value for value in planted if value in text] == [], place


def test_the_page_needs_nothing_from_elsewhere(accepted: receipts.Receipt) -> None:
    written = receipts.files(accepted)[1].read_text(encoding="utf-8")
    assert not re.search(r"(src|href|url)\s*[=(]", written)
    assert "size: A4" in written
    for word in ("数据报送回执", "汝城县", "F 列 户主身份证号", "共 2 行：8–9", "户表"):
        assert word in written


def cells(path: Path, sheet: str) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))


def test_the_workbook_lists_every_finding(accepted: receipts.Receipt) -> None:
    xlsx, _ = receipts.files(accepted)
    head, *lines = cells(xlsx, "问题明细")
    assert head[:5] == ("序号", "行", "列", "列名", "代码")
    assert [line[0] for line in lines] == list(range(1, len(lines) + 1))
    assert {line[1:5] for line in lines} >= {
        (4, "D", "户编号", "D02"),
        (7, "F", "户主身份证号", "D04"),
        (8, "N", "人均纯收入", "D13"),
        (9, "N", "人均纯收入", "D13"),
    }
    assert all(line[5] and line[6] and line[7] for line in lines)
    summary = {row[0]: row[1] for row in cells(xlsx, "回执")}
    assert (summary["收到行数"], summary["采用行数"], summary["工作表"]) == ("20", "19", "户表")


def test_a_large_receipt_is_written_through_the_disk_and_says_the_same(
    accepted: receipts.Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    xlsx, _ = receipts.files(accepted)
    small = [cells(xlsx, sheet) for sheet in ("回执", "问题明细")]
    monkeypatch.setattr(receipts.workbook, "_IN_MEMORY", 0)
    receipts.write(accepted)
    assert [cells(xlsx, sheet) for sheet in ("回执", "问题明细")] == small


def test_of_more_lines_than_fit_the_gravest_are_listed(
    accepted: receipts.Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MOST_LINES", 2)
    assert [line.treatment for line in receipts.all_lines(accepted)] == ["quarantined", "flagged"]


def test_the_page_is_bounded_and_says_what_it_leaves_out(accepted: receipts.Receipt) -> None:
    (first, *_) = accepted.findings
    full = page(replace(accepted, findings=(first,) * MOST_FINDINGS))
    over = page(replace(accepted, findings=(first,) * (MOST_FINDINGS + 5)))
    assert full.count("<tr>") == over.count("<tr>")
    assert "另有" not in full
    assert "另有 5 类问题" in over


def test_a_heading_that_reads_like_a_formula_stays_text(warehouse: str) -> None:
    name = "=1+1.csv"
    rows = [HEADER, *(household(n) for n in range(20))]
    one = deliver(csv_bytes(rows), name)
    xlsx, html = receipts.files(one)
    with zipfile.ZipFile(xlsx) as archive:
        assert not any("<f>" in archive.read(n).decode() for n in archive.namelist())
    assert name in html.read_text(encoding="utf-8")


def test_a_receipt_is_written_once_a_delivery_is_judged(accepted: receipts.Receipt) -> None:
    xlsx, html = receipts.files(accepted)
    assert xlsx.parent == settings().home / "receipts" / PERIOD / COUNTY
    assert xlsx.exists()
    html.unlink()
    assert receipts.write_due("county", PERIOD) == []
    assert not html.exists()


def test_what_was_judged_and_not_written_is_written_next_time(
    warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(receipts, "write", _out_of_space)
        with pytest.raises(OSError, match="No space"):
            deliver(workbook(ROWS))
    judge_deliveries("county", PERIOD)
    (number,) = receipts.numbers(PERIOD)
    assert all(path.exists() for path in receipts.files(receipts.receipt(number)))


def _out_of_space(*those: receipts.Receipt) -> None:
    raise OSError(28, "No space left on device")


@pytest.fixture
def receipt_drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder below which a county finds its receipts; the SFTP server over it takes files."""
    folder = tmp_path / "outbox"
    folder.mkdir()
    monkeypatch.setattr(simulated, "_ReadOnly", asyncssh.SFTPServer)
    return folder


def point_at(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("WAREHOUSE_RECEIPT_URL", f"sftp://{USER}@127.0.0.1:{port}/")
    monkeypatch.setenv("WAREHOUSE_SFTP_PASSWORD", PASSWORD)
    settings.cache_clear()


def test_the_sender_finds_the_receipt_on_the_sftp_server(
    warehouse: str, receipt_drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sftp_server(receipt_drop) as port:
        point_at(monkeypatch, port)
        one = deliver(workbook(ROWS))
    for path in receipts.files(one):
        assert (receipt_drop / PERIOD / COUNTY / path.name).read_bytes() == path.read_bytes()


def test_a_server_that_is_away_gets_its_receipts_later(
    warehouse: str,
    receipt_drop: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with sftp_server(receipt_drop) as port:
        pass
    point_at(monkeypatch, port)
    one = deliver(workbook(ROWS))
    assert one.outcome == "accepted"
    assert "1 receipts stay due" in caplog.text
    assert PASSWORD not in caplog.text
    with sftp_server(receipt_drop) as port:
        point_at(monkeypatch, port)
        judge_deliveries("county", PERIOD)
        receipts.write_due("county", PERIOD)
    assert sorted(path.name for path in receipt_drop.rglob("*.*")) == sorted(
        path.name for path in receipts.files(one)
    )


@pytest.mark.parametrize(
    ("rows", "text"),
    [((), ""), ((7,), "7"), ((3, 4, 5, 9), "3–5、9"), ((1, 3, 5), "1、3、5"), ((1, 2), "1–2")],
)
def test_row_numbers_are_written_as_ranges(rows: tuple[int, ...], text: str) -> None:
    assert row_ranges(rows) == text


def test_many_rows_are_told_as_many() -> None:
    many = Finding("D04", "", "", "flagged", Place("A", "户"), 31, tuple(range(1, 61, 2))[:30])
    assert rows_in_words(many).startswith("共 31 行：1、3、")
    assert rows_in_words(many).endswith("……")


@pytest.mark.parametrize(
    ("position", "letter"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (703, "AAA")]
)
def test_column_letters(position: int, letter: str) -> None:
    assert column_letter(position) == letter


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("1-户信息_20260304-608户.xlsx", "1-户信息_20260304-608户.xlsx"),
        (f"2-家庭成员{resident_id(1)}.csv", f"2-家庭成员431****{resident_id(1)[-4:]}.csv"),
        ("6-走访13800000000.csv", "6-走访138****0000.csv"),
    ],
)
def test_file_names_lose_the_digits_of_persons(name: str, seen: str) -> None:
    assert masked(name) == seen


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_command_gives_machines_the_same(accepted: receipts.Receipt) -> None:
    one = json.loads(run("receipt", str(accepted.delivery_id), "--json").stdout)
    assert (one["outcome"], one["rows"], one["used"]) == ("accepted", 20, 19)
    assert [Path(name).suffix for name in one["files"]] == [".xlsx", ".html"]
    assert {
        (line["row_no"], line["place"]["heading"], line["defect"]) for line in one["lines"]
    } >= {
        (4, "户编号", "D02"),
        (7, "户主身份证号", "D04"),
    }
    listed = json.loads(run("receipt", "--period", PERIOD, "--county", COUNTY, "--json").stdout)
    assert [each["delivery_id"] for each in listed] == [accepted.delivery_id]
    assert json.loads(run("receipt", "--period", "2026-01", "--json").stdout) == []


def test_the_command_shows_and_writes_a_receipt_anew(accepted: receipts.Receipt) -> None:
    for path in receipts.files(accepted):
        path.unlink()
    shown = run("receipt", str(accepted.delivery_id)).stdout
    assert "已接收" in shown
    assert "共 2 行：8–9" in shown
    for path in receipts.files(accepted):
        assert path.exists()
        assert str(path) in shown
    assert "家庭" not in run("receipt").stdout
    assert "户信息" in run("receipt").stdout


def test_a_number_nobody_delivered(warehouse: str) -> None:
    assert isinstance(run("receipt", "7").exception, WarehouseError)

"""Sources that are wrong at first: which cells, and that what was right is kept."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from include.contracts import contracts
from include.evaluation.corrections import Correction, plan, spoil

PERIODS = ["2026-01", "2026-02"]
KIND, COUNTY = "county_fund_project", "431003"
PAID = contracts()[KIND].column("paid_amt")


def sent(home: Path, suffix: str, rows: list[str], period: str = "2026-01") -> Path:
    """A county's file of projects: a title, the headings, an amount per row, and a sum."""
    header = [column.headers[0] for column in contracts()[KIND].columns]
    at = header.index(PAID.headers[0])
    lines = [["衔接资金项目"], header]
    lines += [["2026"] + [""] * (at - 1) + [amount] for amount in rows]
    lines += [["合计"] + [""] * (at - 1) + ["99.00"]]
    stem = contracts()[KIND].file_stem
    folder = home / "sources" / "county" / period / COUNTY
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}_20260204{suffix}"
    if suffix == ".csv":
        text = io.StringIO()
        csv.writer(text).writerows(lines)
        path.write_bytes(text.getvalue().encode("gb18030"))
    else:
        book = openpyxl.Workbook()
        for line in lines:
            book.worksheets[0].append(line)
        book.save(path)
    return path


def amounts(path: Path) -> list[str]:
    if path.suffix == ".csv":
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="gb18030"))))
    else:
        lines = [
            [str(cell or "") for cell in line]
            for line in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
        ]
    at = lines[1].index(PAID.headers[0])
    return [line[at] for line in lines[2:]]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_each_third_row_is_wrong_and_the_right_file_waits(home: Path, suffix: str) -> None:
    path = sent(home, suffix, ["1.00", "2.00", "3.00", "4.00", "5.00", "不详"])
    right, stamp = path.read_bytes(), path.stat().st_mtime
    spoil(home, [Correction(KIND, COUNTY, "2026-01", "2026-02")])
    assert amounts(path) == ["1.00", "2.00", "1003.00", "4.00", "5.00", "不详", "99.00"]
    assert path.stat().st_mtime == stamp
    (kept,) = (home / "sources" / "right").rglob(path.name)
    assert kept.read_bytes() == right


def test_an_empty_file_stays_as_it_is(home: Path) -> None:
    path = sent(home, ".csv", [])
    spoil(home, [Correction(KIND, COUNTY, "2026-01", "2026-01")])
    assert amounts(path) == ["99.00"]


def test_corrections_come_after_their_month_and_are_each_of_something_else(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.evaluation.corrections.counties", lambda: {COUNTY: "宜章县"})
    for period in PERIODS:
        sent(home, ".csv", ["1.00"], period)
    # Two departments' kinds of two months each, and one county's file of two months.
    planned = plan(home, PERIODS, 6, seed=1)
    assert len({(one.kind, one.county_code, one.period) for one in planned}) == 6
    assert all(one.after >= one.period for one in planned)
    assert plan(home, PERIODS, 6, seed=1) == planned
    assert plan(home, PERIODS, 0, seed=1) == []
    with pytest.raises(ValueError, match="nothing left to correct after 6"):
        plan(home, PERIODS, 7, seed=1)


def test_a_file_with_a_second_version_is_left_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.evaluation.corrections.counties", lambda: {COUNTY: "宜章县"})
    path = sent(home, ".csv", ["1.00"])
    path.with_stem(f"{path.stem}-更正").write_bytes(path.read_bytes())
    assert {one.kind for one in plan(home, ["2026-01"], 2, seed=1)} == {
        "mz_dibao_payment", "yb_med_aid",
    }  # fmt: skip

"""The copy that a person gets of what is held on him: a workbook in Chinese."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import xlsxwriter
import yaml

from include.settings import PROJECT_ROOT
from include.subject.holdings import Holdings

_SOURCES = {
    "county": "县（市、区）",
    "civil_affairs": "民政部门",
    "health_insurance": "医疗保障和卫生健康部门",
}
_OUTCOMES = {"accepted": "已采用", "rejected": "退回", None: "待审核"}


def write_copy(path: Path, held: Holdings) -> None:
    """Write the workbook, readable by its owner alone from the first byte on."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        headings = ("编号", "来源", "内容", "月份", "文件", "收到时间", "结果", "涉及行数")
        _sheet(book, "来源", headings, (
            (d["delivery_id"], _SOURCES[d["source"]], d["title_zh"], d["period"], d["file_name"],
             d["received_at"], _OUTCOMES[d["outcome"]], d["rows"])
            for d in held["deliveries"]
        ))  # fmt: skip
        _sheet(book, "原始记录", ("来源编号", "内容", "行", "项目", "值"), (
            (row["delivery_id"], row["title_zh"], row["row_no"], heading, cell)
            for row in held["rows"] for heading, cell in row["cells"].items()
        ))  # fmt: skip
        _sheet(book, "分析结果", ("数据表", "月份", "项目", "值"), _figures(held["marts"]))
        _sheet(
            book, "历史版本", ("数据表", "月份", "项目", "值"), _figures(held["archived_versions"])
        )
        _sheet(book, "查询记录", ("时间", "账号", "用途", "事由"), (
            (e["at"], e["account"], e["purpose"], e["reason"]) for e in held["looks"]
        ))  # fmt: skip
        _sheet(book, "更正请求", ("编号", "来源编号", "行", "项目", "内容", "期限", "答复"), (
            (c["correction_id"], c["delivery_id"], c["row_no"], c["column_name"], c["what"],
             c["due_on"], c["answer"]) for c in held["corrections"]
        ))  # fmt: skip


def _figures(marts: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[Any, ...]]:
    for mart, rows in marts.items():
        labels = _labels().get(mart, {})
        for row in rows:
            for name, value in row.items():
                if value is not None and name != "period":
                    yield mart, row.get("period"), labels.get(name, name), value


@cache
def _labels() -> dict[str, dict[str, str]]:
    """Mart -> column -> its Chinese label, from the models' descriptions."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((PROJECT_ROOT / "dbt_project" / "models" / "marts").glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or ():
            found[model["name"]] = {
                column["name"]: column.get("config", {}).get("meta", {}).get("label_zh", "")
                or column["name"]
                for column in model.get("columns", ())
            }
    return found


def _sheet(book: Any, name: str, headings: Sequence[str], rows: Any) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, headings, book.add_format({"bold": True}))
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(headings) - 1, 22)
    for n, row in enumerate(rows, start=1):
        sheet.write_row(n, 0, ["" if cell is None else str(cell) for cell in row])

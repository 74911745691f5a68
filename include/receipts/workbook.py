"""The receipt as a workbook: a summary to read, and every single finding to work through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from include.receipts.model import (
    OUTCOMES,
    Judgement,
    Line,
    Receipt,
    defect_words,
    facts,
    rows_in_words,
    treated,
)

MOST_LINES = 1_000_000
"""What fits on a worksheet; of a delivery with more findings the gravest are listed."""
_IN_MEMORY = 20_000
"""Lines up to which a workbook is made in memory."""
_LIST = (
    ("序号", 7), ("行", 9), ("列", 6), ("列名", 24), ("代码", 7), ("问题", 34), ("处理", 18),
    ("怎么办", 60),
)  # fmt: skip
"""Headings of the list and the widths of their columns, in characters."""


def write_workbook(path: Path, receipt: Receipt, lines: Iterable[Line]) -> None:
    """Write the workbook of a receipt with the lines of its list."""
    is_large = sum(finding.rows for finding in receipt.findings) > _IN_MEMORY
    with xlsxwriter.Workbook(
        str(path),
        {
            # Row by row through the disk, or at once: most receipts are small, and there are many.
            "constant_memory": is_large,
            "in_memory": not is_large,
            # Text stays text: no cell of a receipt is a formula or a link.
            "strings_to_formulas": False,
            "strings_to_urls": False,
        },
    ) as book:
        made: datetime = receipt.decided_at or receipt.received_at
        book.set_properties(
            {"title": f"数据报送回执 {receipt.delivery_id}", "created": made.replace(tzinfo=None)}
        )
        _write_summary(book, receipt)
        _write_list(book, receipt, lines)


def _write_summary(book: Any, receipt: Receipt) -> None:
    sheet = book.add_worksheet("回执")
    _set_up_page(sheet, is_wide=False)
    title = book.add_format({"bold": True, "font_size": 16})
    bold = book.add_format({"bold": True, "valign": "top"})
    plain = book.add_format({"text_wrap": True, "valign": "top", "align": "left"})
    verdict = book.add_format(
        {"bold": True, "font_color": "#a4262c" if receipt.outcome == "rejected" else "#1b6e3c"}
    )
    for column, width in enumerate((20, 22, 30, 34, 50)):
        sheet.set_column(column, column, width)
    sheet.write(0, 0, "数据报送回执", title)
    sheet.write(1, 0, OUTCOMES[receipt.outcome], verdict)
    row = 3
    for label, value in facts(receipt):
        sheet.write(row, 0, label, bold)
        sheet.write(row, 1, value, plain)
        row += 1
    row = _table(
        sheet, row + 1, "对整个文件的判定", ("结果", "要求", "实际", "代码", "怎么办"),
        [_judged(each) for each in receipt.judgements], bold, plain,
    )  # fmt: skip
    _table(
        sheet, row, "发现的问题（逐行清单见“问题明细”）",
        ("处理", "问题", "列", "行", "怎么办"),
        [
            (
                treated(receipt.outcome, each.treatment),
                f"{each.defect} {each.name_zh}",
                each.place.text,
                rows_in_words(each),
                each.remedy_zh,
            )
            for each in receipt.findings
        ],
        bold, plain,
    )  # fmt: skip


def _judged(judgement: Judgement) -> tuple[str, ...]:
    return (
        "未通过" if judgement.rejects else "提醒",
        judgement.label_zh,
        judgement.observed,
        judgement.defect or "",
        judgement.remedy_zh,
    )


def _table(
    sheet: Any,
    row: int,
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    bold: Any,
    plain: Any,
) -> int:
    """Write a table with its title; returns the row behind it and a blank one."""
    sheet.write(row, 0, title, bold)
    row += 1
    for column, text in enumerate(headings if rows else ("无",)):
        sheet.write(row, column, text, bold if rows else plain)
    for cells in rows:
        row += 1
        for column, text in enumerate(cells):
            sheet.write_string(row, column, text, plain)
    return row + 2


def _write_list(book: Any, receipt: Receipt, lines: Iterable[Line]) -> None:
    sheet = book.add_worksheet("问题明细")
    _set_up_page(sheet, is_wide=True)
    bold = book.add_format({"bold": True, "bottom": 1})
    for column, (text, width) in enumerate(_LIST):
        sheet.set_column(column, column, width)
        sheet.write(0, column, text, bold)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    number = 0
    for number, line in enumerate(lines, start=1):
        words = defect_words().get(line.defect)
        sheet.write_number(number, 0, number)
        if line.row_no is not None:
            sheet.write_number(number, 1, line.row_no)
        for column, text in enumerate(
            (
                line.place.letter,
                line.place.heading or ("（整个文件）" if line.row_no is None else "（整行）"),
                line.defect,
                words.name_zh if words else "",
                treated(receipt.outcome, line.treatment),
                words.remedy_zh if words else "",
            ),
            start=2,
        ):
            sheet.write_string(number, column, text)
    sheet.autofilter(0, 0, max(number, 1), len(_LIST) - 1)


def _set_up_page(sheet: Any, *, is_wide: bool) -> None:
    """A4, as wide as the page, with page numbers."""
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C第 &P 页，共 &N 页")
    if is_wide:
        sheet.set_landscape()

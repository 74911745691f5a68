"""An extract's files: CSV, workbook, page and manifest. The same sheet gives the same bytes."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.publication_log import Version
from include.release.sheet import HIDDEN, Sheet

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)
_BEIJING = ZoneInfo("Asia/Shanghai")
MOST_LINES = 1000
"""Lines that the page shows; the workbook and the CSV have all."""


def made(
    name: str, sheet: Sheet, version: Version, published_at: datetime, limits: dict[str, int]
) -> dict[str, bytes]:
    """File name -> bytes; the last is the manifest, with the digests of the others."""
    stem = f"{name}_{version.period}_v{version.version}"
    files = {
        f"{stem}.csv": _csv(sheet),
        f"{stem}.xlsx": _workbook(sheet, version, published_at),
        f"{stem}.html": _page(sheet, version, published_at),
    }
    manifest = {
        "extract": name,
        "title_zh": sheet.title_zh,
        "period": version.period,
        "publication_id": version.publication_id,
        "version": version.version,
        "published_at": published_at.astimezone(_BEIJING).isoformat(),
        "limits": limits,
        "lines": len(sheet.lines),
        "hidden_figures": sheet.hidden,
        "notes_zh": sheet.notes,
        "anonymity": [asdict(each) for each in sheet.anonymity],
        "files": {file: sha256(content) for file, content in files.items()},
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    return files | {f"{stem}.manifest.json": text.encode()}


def sha256(content: bytes) -> str:
    """The digest that manifests and the record have."""
    return hashlib.sha256(content).hexdigest()


def facts(version: Version, published_at: datetime) -> list[tuple[str, str]]:
    """What all forms say of where the figures are from."""
    return [
        ("数据月份", version.period),
        ("发布编号", f"{version.publication_id}（第 {version.version} 版）"),
        ("发布时间", f"{published_at.astimezone(_BEIJING):%Y-%m-%d %H:%M}（北京时间）"),
    ]


def _csv(sheet: Sheet) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(sheet.header)
    writer.writerows(sheet.lines)
    return text.getvalue().encode("utf-8-sig")  # Excel takes it for UTF-8 then


def _workbook(sheet: Sheet, version: Version, published_at: datetime) -> bytes:
    content = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, options) as book:
        created = published_at.astimezone(_BEIJING).replace(tzinfo=None)
        book.set_properties({"title": sheet.title_zh, "created": created})
        _write_table(book, sheet)
        _write_notes(book, sheet, version, published_at)
    return content.getvalue()


def _write_table(book: Any, sheet: Sheet) -> None:
    page = book.add_worksheet("数据")
    page.set_paper(9)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "vcenter"})
    number = book.add_format({"num_format": "#,##0"})
    hidden = book.add_format({"align": "right", "font_color": "#5a626b"})
    for column, label in enumerate(sheet.header):
        page.set_column(column, column, max(12, min(22, 2 * len(label) + 2)))
        page.write_string(0, column, label, head)
    for row, line in enumerate(sheet.lines, start=1):
        for column, cell in enumerate(line):
            if isinstance(cell, int):
                page.write_number(row, column, cell, number)
            else:
                is_hidden = column >= sheet.texts and cell == HIDDEN
                page.write_string(row, column, cell, hidden if is_hidden else None)
    page.freeze_panes(1, min(sheet.texts, 2))
    page.repeat_rows(0)


def _write_notes(book: Any, sheet: Sheet, version: Version, published_at: datetime) -> None:
    page = book.add_worksheet("说明")
    bold = book.add_format({"bold": True, "valign": "top"})
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    page.set_column(0, 0, 16)
    page.set_column(1, 1, 90)
    lines = [
        ("表名", sheet.title_zh),
        *facts(version, published_at),
        *(("说明", note) for note in sheet.notes),
    ]
    for row, (label, value) in enumerate(lines):
        page.write_string(row, 0, label, bold)
        page.write_string(row, 1, value, plain)


def _page(sheet: Sheet, version: Version, published_at: datetime) -> bytes:
    text = _TEMPLATES.get_template("extract.html").render(
        sheet=sheet, facts=facts(version, published_at), most=MOST_LINES, hidden=HIDDEN
    )
    return text.encode()

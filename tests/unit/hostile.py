"""Files that senders really make, and some that nobody should: each as bytes."""

from __future__ import annotations

import codecs
import html
import io
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
import xlwt
from xlwt.CompoundDoc import XlsDoc

from tests.unit.landed import HEADER, csv_bytes, row

ENCRYPTED = Path(__file__).parent / "data" / "encrypted.xlsx"
"""Agile encryption of a workbook of one record, as Excel writes it."""
Rows = Sequence[Sequence[Any]]


def workbook(*sheets: Rows) -> bytes:
    """An .xlsx of the given sheets; dates as Excel keeps them."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"default_date_format": "yyyy/m/d"}) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return content.getvalue()


def old_workbook(rows: Rows) -> bytes:
    """A BIFF8 .xls, as Excel 97 to 2003 wrote it."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for number, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            sheet.write(number, column, cell)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def gbk_workbook(rows: Rows) -> bytes:
    """A BIFF5 .xls whose texts are GBK bytes, as Excel 95 wrote it and exports still do."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def begin(of: int) -> bytes:
        return record(0x0809, struct.pack("<HHHH", 0x0500, of, 0x0DBB, 1996))

    end = record(0x000A, b"")
    cells = b"".join(
        record(0x0204, struct.pack("<HHHH", r, c, 0, len(text)) + text)
        for r, line in enumerate(rows)
        for c, text in enumerate(str(cell).encode("gbk") for cell in line)
    )
    sheet = begin(0x0010) + cells + end
    head = begin(0x0005) + record(0x0042, struct.pack("<H", 936))
    name = "台账".encode("gbk")
    size = len(head) + 4 + 7 + len(name) + len(end)
    bound = record(0x0085, struct.pack("<IHB", size, 0, len(name)) + name)
    return in_ole(head + bound + end + sheet)


def in_ole(stream: bytes) -> bytes:
    """A compound document with one stream, named Workbook."""
    content = io.BytesIO()
    XlsDoc().save(content, stream)
    return content.getvalue()


def locked_old_workbook() -> bytes:
    """An .xls with a password: a FILEPASS record after the first."""
    stream = old_workbook([HEADER, row(1)])[512:]
    first = 4 + struct.unpack("<H", stream[2:4])[0]
    rc4 = struct.pack("<HHHHH", 0x002F, 54, 1, 1, 1) + bytes(48)
    return in_ole(stream[:first] + rc4 + stream[first:])


def hidden(*sheets: tuple[bool, Rows]) -> bytes:
    """An .xlsx of (whether hidden, rows), the first of them visible."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        for is_hidden, rows in sheets:
            sheet = book.add_worksheet()
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
            if is_hidden:
                sheet.hide()
    return content.getvalue()


def with_formula(*, has_result: bool) -> bytes:
    """A record whose detail is computed; openpyxl stores no result, xlsxwriter the one given."""
    content = io.BytesIO()
    if has_result:
        with xlsxwriter.Workbook(content) as book:
            sheet = book.add_worksheet()
            for number, cells in enumerate([HEADER, row(1)]):
                sheet.write_row(number, 0, cells)
            sheet.write_formula(1, 3, '=CONCATENATE("种","植")', None, "养殖")
    else:
        other = openpyxl.Workbook()
        assert other.active is not None
        for cells in [HEADER, row(1)]:
            other.active.append(cells)
        other.active["D2"] = '=CONCATENATE("种","植")'
        other.save(content)
    return content.getvalue()


def with_macros() -> bytes:
    """A workbook with a program in it (which is never run)."""
    content = io.BytesIO(workbook([HEADER, row(1)]))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b'Attribute VB_Name = "Workbook_Open"')
    return content.getvalue()


def merged(rows: Rows, *ranges: tuple[int, int, int, int]) -> bytes:
    """An .xlsx with merged cells (first row, first column, last row, last column; from 0)."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        for place in ranges:
            sheet.merge_range(*place, "")
        for number, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if cell != "":
                    sheet.write(number, column, cell)
    return content.getvalue()


def patched(part: str, change: Any) -> bytes:
    """A sound workbook with one part of its archive changed."""
    source = zipfile.ZipFile(io.BytesIO(workbook([HEADER, row(1), row(2)])))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in source.infolist():
            body = source.read(entry)
            archive.writestr(entry.filename, change(body) if entry.filename == part else body)
    return content.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def far_cell(reference: str = "XFD1048576") -> bytes:
    """A blank typed by accident into the last cell there is: the sheet's table is 17 billion."""
    far = f'<row r="1048576"><c r="{reference}" t="str"><v>x</v></c></row></sheetData>'
    return patched(SHEET, lambda xml: xml.replace(b"</sheetData>", far.encode()))


def zip_bomb(megabytes: int = 400) -> bytes:
    """A sheet that unpacks to a thousand times its size."""
    source = zipfile.ZipFile(io.BytesIO(workbook([HEADER, row(1)])))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in source.infolist():
            with archive.open(entry.filename, "w") as part:
                body = source.read(entry)
                if entry.filename == SHEET:
                    body, end = body.split(b"</sheetData>")
                    part.write(body)
                    for _ in range(megabytes):
                        part.write(b" " * (1 << 20))
                    body = b"</sheetData>" + end
                part.write(body)
    return content.getvalue()


def lying_bomb(megabytes: int = 400) -> bytes:
    """The same, and the archive's directory says that it is small."""
    content = bytearray(zip_bomb(megabytes))
    directory = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET.encode()))
    struct.pack_into("<I", content, directory + 24, 1000)
    return bytes(content)


def blank_columns(rows: int = 3, columns: int = 200) -> bytes:
    """Styled cells without content beside and below the table."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet, grey = book.add_worksheet(), book.add_format({"bg_color": "#EEEEEE"})
        for number in range(rows):
            for column in range(columns):
                sheet.write_blank(number, column, None, grey)
        for number, cells in enumerate([HEADER, row(1), row(2)]):
            sheet.write_row(number, 0, cells)
    return content.getvalue()


def web_page(rows: Rows) -> bytes:
    """A table as many systems export it to '.xls'."""
    lines = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>" for line in rows
    )
    return f"<html><head><meta charset=gbk></head><table>{lines}</table></html>".encode("gbk")


def mixed_encodings(*encodings: str) -> bytes:
    """A csv whose lines are pasted together from files in these encodings, the header's first."""
    lines = [HEADER, *map(row, range(1, len(encodings)))]
    return b"".join(
        csv_bytes([line], encoding=encoding)
        for line, encoding in zip(lines, encodings, strict=True)
    )


def unicode_text(rows: Rows) -> bytes:
    """What Excel calls 'Unicode text': UTF-16 with tabs."""
    lines = "".join("\t".join(line) + "\r\n" for line in rows)
    return codecs.BOM_UTF16_LE + lines.encode("utf-16-le")

"""Writers of a county's files: the forms offices really send, byte for byte reproducible."""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import xlsxwriter

_UNITS = {
    "county_person": "人",
    "county_measure": "条",
    "county_employment": "人",
    "county_welfare_post": "人",
    "county_fund_project": "个",
}


@dataclass(frozen=True)
class Form:
    """How an office fills in one kind of file."""

    is_workbook: bool
    titles: tuple[str, ...]
    header: tuple[str, ...]
    total: str | None
    """First cell of a closing row with the count, if the office writes one."""
    note: str | None
    encoding: str = "gb18030"
    pads_titles: bool = True


class _Sink(Protocol):
    def write(self, cells: Sequence[str]) -> None: ...

    def close(self) -> None: ...


class _Csv:
    def __init__(self, path: Path, form: Form) -> None:
        self._file = path.open("w", encoding=form.encoding, newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")

    def write(self, cells: Sequence[str]) -> None:
        self._writer.writerow(cells)

    def close(self) -> None:
        self._file.close()


class _Workbook:
    """Rows go to disk as they come; the document's own dates are fixed."""

    def __init__(self, path: Path, form: Form) -> None:
        self._book = xlsxwriter.Workbook(
            str(path), {"constant_memory": True, "strings_to_numbers": False}
        )
        self._book.set_properties({"created": dt.datetime(2026, 1, 1)})  # noqa: DTZ001  # a label
        self._sheet = self._book.add_worksheet("Sheet1")
        self._row = 0
        self._width = len(form.header)

    def write(self, cells: Sequence[str]) -> None:
        if len(cells) == 1:  # a title stands over the whole table
            self._sheet.merge_range(self._row, 0, self._row, self._width - 1, cells[0])
        else:
            for column, cell in enumerate(cells):
                if cell:
                    self._sheet.write_string(self._row, column, cell)
        self._row += 1

    def close(self) -> None:
        self._book.close()


class CountyFile:
    """One delivery being written; its name, with the number of records, is known at the end.

    ``write`` returns the row number as the receiver counts it (titles and header included).
    """

    def __init__(self, folder: Path, kind: str, stem: str, date: dt.date, form: Form) -> None:
        self._folder, self.kind, self._stem, self._date = folder, kind, stem, date
        self._form, self._records = form, 0
        folder.mkdir(parents=True, exist_ok=True)
        self._draft = folder / f".{stem}_{date}"
        self._sink: _Sink = (_Workbook if form.is_workbook else _Csv)(self._draft, form)
        width = len(form.header)
        for title in form.titles:
            is_padded = form.pads_titles and not form.is_workbook
            self._sink.write([title, *[""] * (width - 1)] if is_padded else [title])
        self._sink.write(form.header)
        self._row = len(form.titles) + 1

    def write(self, cells: Sequence[str]) -> int:
        """Add a record."""
        self._sink.write(cells)
        self._records += 1
        self._row += 1
        return self._row

    def close(self, modified: dt.datetime, cut_off: int = 0) -> Path:
        """Close with total and note, give the file its name and the sender's time stamp.

        The name announces ``cut_off`` records more than there are.
        """
        width = len(self._form.header)
        if self._form.total:
            self._sink.write([self._form.total, str(self._records), *[""] * (width - 2)])
        if self._form.note:
            self._sink.write([self._form.note, *[""] * (width - 1)])
        self._sink.close()
        suffix = "xlsx" if self._form.is_workbook else "csv"
        unit = _UNITS.get(self.kind, "户")
        name = f"{self._stem}_{self._date:%Y%m%d}-{self._records + cut_off}{unit}.{suffix}"
        path = self._draft.replace(self._folder / name)
        os.utime(path, (modified.timestamp(), modified.timestamp()))
        return path

    def __enter__(self) -> CountyFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._draft.unlink(missing_ok=True)


def money(fen: Any) -> str:
    """Fen as yuan with two decimals."""
    value = int(fen)
    return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"

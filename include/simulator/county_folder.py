"""A county office's folder of a month: its twelve files, in its habits and with its mishaps."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from include.contracts import contracts
from include.simulator import mishaps
from include.simulator.areas import County
from include.simulator.county_files import WRITERS
from include.simulator.mishaps import Defects, Record
from include.simulator.months import CHINA, delivery_date, period
from include.simulator.spreadsheets import CountyFile, Form
from include.simulator.village import VillageMonth

_WORKBOOKS = ("county_household", "county_measure", "county_welfare_post", "county_visit")
"""What most offices keep in a workbook; every second office has it the other way round."""

_NAMES = [column.name for column in contracts()["county_person"].columns]
_CUT_OFF = 7
"""Records that a file lacks of those its name announces."""
Planted = tuple[str, str, str]
"""(row or empty, defect code, column or empty)."""
Sent = tuple[str, Record, Defects]
"""A kind of file, and a row for it."""


def form(county: County, kind: str, month: int) -> Form:
    """How this office fills in this kind of file; habits stay from month to month."""
    contract = contracts()[kind]
    habit = county.position
    swaps = habit % 2 == 1
    year, number = divmod(month, 12)
    title = f"{county.name}防止返贫监测{contract.title_zh}({year}年{number + 1}月)"
    titles = () if habit % 4 == 3 else (title,) if habit % 5 else (title, "单位：元、人")
    return Form(
        is_workbook=(kind in _WORKBOOKS) != swaps,
        titles=titles,
        header=tuple(c.headers[habit % len(c.headers)] for c in contract.columns),
        total="合计" if habit % 3 == 0 else None,
        note="备注：数据来自全国防返贫监测信息系统" if habit % 4 == 1 else None,
        encoding="utf-8-sig" if habit == 5 else "gb18030",
        pads_titles=habit % 2 == 0,
    )


def delay(county: County, month: int) -> int:
    """Days after the export on which an office sends its files: at times after the due day."""
    return 2 + county.position % 4 if (month + county.position) % 6 == 0 else 0


@dataclass
class _Version:
    """A file being written, and (row, defect code, column) of what is spoilt in it."""

    file: CountyFile
    planted: list[Planted]
    filled: Counter[str] = field(default_factory=Counter)
    spelt: list[Planted] = field(default_factory=list)
    """What is only spelt otherwise, and the office's habit where most of a column is."""

    def write(
        self, record: Record, defects: Defects, spelt: Defects = (), more: tuple[str, ...] = ()
    ) -> None:
        contract = contracts()[self.file.kind]
        cells = [record.get(column.name, "") for column in contract.columns]
        row = self.file.write([*cells, *more])
        self.planted += [(str(row), code, column) for code, column in defects]
        self.spelt += [(str(row), code, column) for code, column in spelt]
        self.filled.update(
            column.name
            for column, cell in zip(contract.columns, cells, strict=True)
            if cell not in ("", "/", "0000-00-00")
        )

    def told(self) -> list[Planted]:
        """What is planted; the spelling of most of a column's cells is a habit, and told once."""
        counts = Counter(one[1:] for one in self.spelt)
        habits = {
            (code, column)
            for (code, column), count in counts.items()
            if count >= 2 and count * 2 > self.filled[column]
        }
        return [
            *self.planted,
            *(one for one in self.spelt if one[1:] not in habits),
            *(("", code, column) for code, column in sorted(habits)),
        ]


class CountyFolder:
    """One county's files of one month, written village by village."""

    def __init__(self, home: Path, seed: int, county: County, month: int) -> None:
        self._folder = home / "sources" / "county" / period(month) / county.code
        self.county, self.month, self._seed = county, month, seed
        self._mishap = mishaps.mishap(county, month)
        self._files = {kind: self._version(kind, form(county, kind, month)) for kind in WRITERS}
        self._first = self._first_version()
        self._is_spoilt = False

    def add(self, village: VillageMonth) -> Iterator[tuple[County, Sent]]:
        """Write a village's rows; those of other counties are given back.

        Nobody writes of a household before it is founded, or after it went up in another: but for
        the farewell to its people.
        """
        for kind, rows in WRITERS.items():
            for record, defects in rows(village):
                number = record.get("household_no", "")
                if county := village.elsewhere.get(number):
                    yield county, (kind, record, defects)
                elif kind == "county_person" or number not in village.vacant:
                    self.receive(kind, record, defects)

    def receive(self, kind: str, record: Record, defects: Defects) -> None:
        """Write a row, its damaged copy if it has one, and what a first version says of it."""
        record["county"] = self.county.name
        record, respelt = mishaps.respelt(self._seed, contracts()[kind], record)
        known = (*defects, *respelt)
        spelt = (*respelt, *mishaps.habits(contracts()[kind], record, known))
        rows = [(record, defects)]
        if copy := mishaps.copied(self._seed, kind, record):
            rows.append((copy, (*defects, ("D02", "household_no"))))
        for row, spoilt in rows:
            self._files[kind].write(row, spoilt, spelt)
            if self._first and self._mishap and kind == self._mishap.kind:
                self._write_first(self._first, row, spoilt, spelt)

    def close(self) -> list[tuple[str, str, Planted]]:
        """Finish the files, in the order of their kinds, a minute apart: what is planted in them.

        (kind, file name, (row or empty, defect code, column or empty)).
        """
        sent_on = delivery_date(self.month) + dt.timedelta(days=delay(self.county, self.month))
        start = dt.datetime.combine(sent_on, dt.time(9), CHINA)
        start += dt.timedelta(minutes=self.county.position * 20)
        found: list[tuple[str, str, Planted]] = []
        if self._first and self._mishap:
            extra = _CUT_OFF if self._mishap.way == "miscounted" else 0
            path = self._first.file.close(start - dt.timedelta(hours=3), extra)
            if self._mishap.way == "spoilt" and not self._is_spoilt:
                path.unlink()  # it would be the right file under another name
            else:
                found += self._planted(self._first, path)
        for number, version in enumerate(self._files.values()):
            sent_at = start + dt.timedelta(minutes=number)
            path = version.file.close(sent_at)
            found += self._planted(version, path)
            if self._mishap == mishaps.Mishap(version.file.kind, "twice"):
                again = path.with_stem(f"{path.stem}(重报)")
                shutil.copyfile(path, again)
                stamp = (sent_at + dt.timedelta(hours=1)).timestamp()
                os.utime(again, (stamp, stamp))
                found.append((version.file.kind, again.name, ("", "D19", "")))
        return found

    def _version(self, kind: str, how: Form, days_before: int = 0) -> _Version:
        exported_on = delivery_date(self.month) - dt.timedelta(days=days_before)
        stem = str(contracts()[kind].file_stem)
        version = _Version(CountyFile(self._folder, kind, stem, exported_on, how), [])
        if how.titles or how.total or how.note:
            version.planted.append(("", "D16", ""))
        version.planted += [
            ("", "D17", column.name)
            for column, header in zip(contracts()[kind].columns, how.header, strict=False)
            if header != column.headers[0]
        ]
        return version

    def _first_version(self) -> _Version | None:
        if self._mishap is None or self._mishap.way == "twice":
            return None
        kind, way = self._mishap.kind, self._mishap.way
        how = form(self.county, kind, self.month)
        if way == "misdated":
            how = replace(how, titles=form(self.county, kind, self.month - 1).titles)
        elif way == "doubled":
            how = replace(how, header=(*how.header, how.header[_NAMES.index("cert_no")]))
        elif way == "garbled":
            how = replace(
                how,
                titles=tuple(map(mishaps.garbled, how.titles)),
                header=tuple(map(mishaps.garbled, how.header)),
                note=mishaps.garbled(how.note) if how.note else None,
            )
        version = self._version(kind, how, days_before=1)
        if way in mishaps.REJECTED:
            # The file as a whole is refused: what is wrong in it beside that is not asked.
            version.planted = [("", mishaps.REJECTED[way], "")]
        return version

    def _write_first(
        self, version: _Version, record: Record, defects: Defects, spelt: Defects
    ) -> None:
        assert self._mishap
        match self._mishap.way:
            case "spoilt":
                contract = contracts()[version.file.kind]
                spoilt, more = mishaps.spoilt(self._seed, contract, record, self.month)
                columns = {column for _, column in more}
                self._is_spoilt |= bool(more)
                lasting, other = (
                    tuple(defect for defect in some if defect[1] not in columns)
                    for some in (defects, spelt)
                )
                version.write(spoilt, (*lasting, *more), other)
            case "rounded":
                number = record.get("household_no", "")
                version.write(record | {"household_no": f"{number[:15]}0"}, ())
            case "garbled":
                version.write({name: mishaps.garbled(cell) for name, cell in record.items()}, ())
            case "doubled":
                version.write(record, (), more=(record.get("cert_no", ""),))
            case _:
                version.write(record, ())

    def _planted(self, version: _Version, path: Path) -> list[tuple[str, str, Planted]]:
        return [(version.file.kind, path.name, planted) for planted in version.told()]

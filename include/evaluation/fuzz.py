"""Damaged files through the door: each ends accepted, quarantined or rejected, with every row.

The files are a simulated municipality's own, of every kind and form. What is damaged goes the way
of any delivery: into landing, into ``raw``, before its expectation suite.
"""

from __future__ import annotations

import csv
import io
import resource
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import psycopg
import xlwt
from psycopg import sql

from include import reader
from include.acceptance import judge
from include.contracts import Source, contracts, kinds_of
from include.database import OWNER, connect
from include.evaluation.counting import count_records
from include.evaluation.mutations import MUTATIONS, Form, Original
from include.landing import Landed, opened, store
from include.load import load
from include.reader import table
from include.sources import civil_affairs, health_insurance

ENDINGS = ("accepted", "quarantined", "rejected")
_SOURCES: tuple[Source, ...] = ("county", "civil_affairs", "health_insurance")
_BATCH = 1000
"""Files before one judgement: a checkpoint costs the same for one delivery and for many."""
HUNG_S = 300


class Hung(Exception):
    """A file kept the loader busy beyond all measure."""


@dataclass(frozen=True)
class Delivered:
    """A damaged file that was loaded; ``records`` are those another reader counts, if it can."""

    number: int
    mutation: str
    delivery_id: int
    kind: str
    records: int | None


@dataclass
class Result:
    """What became of the files."""

    files: int
    seed: int
    endings: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(mutation, ending) -> files. Quarantined: accepted, with rows that do not go on."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Defect code -> files that could not be read for it."""
    rows: int = 0
    compared: int = 0
    """Loaded files whose records another reader counted as well."""
    faults: list[tuple[str, int, str]] = field(default_factory=list)
    """(mutation, number of the file, what happened)."""
    peak_mb: int = 0
    """Largest memory of this process, or of one that opened a workbook."""

    @property
    def is_sound(self) -> bool:
        """Whether every file has an ending, and no row was lost."""
        return not self.faults and self.endings.total() == self.files

    def figures(self) -> dict[str, Any]:
        """Everything as plain dicts and lists, for JSON."""
        mutations = sorted({mutation for mutation, _ in self.endings})
        return {
            "files": self.files,
            "seed": self.seed,
            "is_sound": self.is_sound,
            "endings": {
                name: {ending: self.endings[name, ending] for ending in ENDINGS}
                for name in mutations
            },
            "refusals": dict(sorted(self.refusals.items())),
            "rows": self.rows,
            "compared": self.compared,
            "peak_mb": self.peak_mb,
            "faults": [list(fault) for fault in self.faults],
        }


def originals(home: Path, period: str) -> list[Original]:
    """The files of one month of a simulated municipality whose services run.

    One county file of each kind is there as .xls as well.
    """
    found: list[Original] = []
    stems = {contract.file_stem: contract.kind for contract in kinds_of("county")}
    for folder in sorted((home / "sources" / "county" / period).iterdir()):
        for path in sorted(folder.iterdir()):
            kind = stems[path.name.partition("_")[0]]
            form: Form = "xlsx" if path.suffix == ".xlsx" else "csv"
            found.append(Original(kind, folder.name, path.name, path.read_bytes(), form))
    each = {file.kind: file for file in found}
    found += [_as_xls(file, home, period) for file in each.values()]
    for source, form in ((civil_affairs, "csv"), (health_insurance, "jsonl")):
        name = source.__name__.rpartition(".")[2]
        for contract in contracts().values():
            if contract.source == name:
                landed = source.extract(period, contract.kind)
                with opened(landed.path) as file:
                    content = file.read()
                found.append(
                    Original(contract.kind, landed.county_code, landed.file_name, content, form)
                )
    return found


def run(
    files: Sequence[Original],
    period: str,
    count: int,
    seed: int,
    progress: Callable[[], object] = lambda: None,
) -> Result:
    """Damage ``count`` files as ``seed`` has it and deliver them into the settings' warehouse."""
    result = Result(count, seed)
    delivered: list[Delivered] = []
    for number in range(count):
        draw = Random(f"{seed}/{number}")  # noqa: S311  # chance, no secret
        file = draw.choice(files)
        mutate = draw.choice([one for one, forms in MUTATIONS.items() if file.form in forms])
        try:
            with _time_limit():
                content = mutate(draw, file, files)
                delivery_id = load(_landed(file, content, period, number))
                records = count_records(content, file.kind, file.county_code, period)
        except Exception as error:  # noqa: BLE001  # a fault to report, whatever it is
            result.faults.append((mutate.__name__, number, type(error).__name__))
        else:
            delivered.append(Delivered(number, mutate.__name__, delivery_id, file.kind, records))
        if (number + 1) % _BATCH == 0 or number + 1 == count:
            for source in _SOURCES:
                judge(source, period)
        progress()
    with connect(OWNER) as connection:
        _tell(connection, delivered, result)
    own = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    reader.close()  # only ended processes are counted
    readers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    result.peak_mb = max(int(own["VmHWM"].split()[0]), readers) >> 10
    return result


def _tell(
    connection: psycopg.Connection[Any], delivered: Sequence[Delivered], result: Result
) -> None:
    """Each file's ending, and whether all of its rows are there."""
    held = {
        delivery_id: count
        for contract in contracts().values()
        for delivery_id, count in connection.execute(
            sql.SQL("select _delivery_id, count(*) from {} group by 1").format(
                sql.Identifier("raw", contract.kind)
            )
        )
    }
    state = {
        delivery_id: facts
        for delivery_id, *facts in connection.execute(
            "select d.delivery_id, d.row_count, d.refusal_code, d.unreadable is null "
            "and d.missing_headers = '{}', coalesce(a.outcome, 'nothing'), exists (select from "
            "ops.delivery_defect as f where f.delivery_id = d.delivery_id "
            "and f.treatment = 'quarantined') from ops.delivery as d "
            "left join ops.acceptance as a using (delivery_id)"
        )
    }
    for file in delivered:
        rows, refusal, is_read, outcome, has_quarantined = state[file.delivery_id]
        if outcome == "accepted" and has_quarantined:
            outcome = "quarantined"
        if outcome not in ENDINGS:
            result.faults.append((file.mutation, file.number, "never judged"))
            continue
        result.endings[file.mutation, outcome] += 1
        if refusal:
            result.refusals[refusal] += 1
        result.rows += rows
        there = held.get(file.delivery_id, 0)
        if there != rows:
            result.faults.append((file.mutation, file.number, f"{rows} rows told, {there} there"))
        if is_read and file.records is not None:
            result.compared += 1
            if file.records != rows:
                told = f"{file.records} records counted, {rows} loaded"
                result.faults.append((file.mutation, file.number, told))


def _landed(file: Original, content: bytes, period: str, number: int) -> Landed:
    path, size, sha256 = store([content])
    return Landed(
        source=contracts()[file.kind].source,
        kind=file.kind,
        county_code=file.county_code,
        period=period,
        uri=f"fuzz://{number}/{file.name}",
        file_name=file.name,
        path=path,
        bytes=size,
        sha256=sha256,
    )


def _as_xls(file: Original, home: Path, period: str) -> Original:
    known = contracts()[file.kind].headers_in(file.county_code, period)
    path = home / "sources" / "county" / period / file.county_code / file.name
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    with table(path, file.name, frozenset(known)) as found:
        codec = {"GB18030": "gb18030"}.get(found.encoding, "utf-8")
        text = b"".join(found.chunks()).decode(codec)
        records = csv.reader(io.StringIO(text, newline=""))
        rows = [list(found.header), *([*r[1:]] if found.is_numbered else r for r in records)]
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell:
                sheet.write(number, column, cell)
    content = io.BytesIO()
    book.save(content)
    name = f"{Path(file.name).stem}.xls"
    return Original(file.kind, file.county_code, name, content.getvalue(), "xls")


@contextmanager
def _time_limit() -> Iterator[None]:
    def hung(signum: int, frame: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(HUNG_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

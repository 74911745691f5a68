"""A history with corrections: every version is proven, and the end is what it should be.

Months are built forward; corrections arrive late and out of order, and what they change is built
again. Then every version ever published is rebuilt from the log, and the months are compared with
those of a warehouse that had the right data from the start.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from rich.console import Console

from include.database import OWNER, connect
from include.evaluation.corrections import Correction, arrive, plan, spoil
from include.evaluation.history import BUILD, municipality, run_months
from include.inputs import changed_months
from include.marts import Mart, candidate_marts
from include.verify import Verified, verify, versions

BY_RIGHT = {
    "data_health": {
        "arrivals", "versions", "resent", "last_sent_on", "freshness_days", "accepted_versions",
        "superseded_rows", "delivered_rows",
    },
}  # fmt: skip
"""What says how often and when was delivered: it differs where more was delivered."""
_SOURCE_ROW = re.compile(r"\b((?:county|mz|yb|wj)_[a-z_]+)/(\d+)/(?=\d)")

Table = dict[str, dict[str, str | None]]
"""Key of a row -> its columns as text."""
Marts = Mapping[tuple[str, str], Table]
"""(period, mart) -> its rows. Deliveries are told by kind, county and month, not by number."""


class Exported(Mapping[tuple[str, str], Table]):
    """Marts kept as files of a folder, one per month and mart: two years do not fit in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, key: tuple[str, str]) -> Table:
        try:
            table: Table = json.loads(self.file(*key).read_bytes())
        except FileNotFoundError:
            raise KeyError(key) from None
        return table

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for path in sorted(self._folder.glob("*/*.json")):
            yield path.parent.name, path.stem

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def file(self, period: str, mart: str) -> Path:
        return self._folder / period / f"{mart}.json"


@dataclass(frozen=True)
class Difference:
    """A mart of a month that ended otherwise: how many rows, and in which columns."""

    period: str
    mart: str
    rows: int
    columns: tuple[str, ...]

    @property
    def is_by_right(self) -> bool:
        return bool(self.columns) and set(self.columns) <= BY_RIGHT.get(self.mart, set())


@dataclass(frozen=True)
class History:
    """What came of it. ``sha256`` is over all marts of all months, in order, without what differs
    by right; ``expected`` that of the warehouse that was right from the start."""

    corrections: tuple[Correction, ...]
    builds: int
    build_s: float
    versions: tuple[Verified, ...]
    rows: int
    sha256: str
    expected: str
    differing: tuple[Difference, ...]

    @property
    def is_proven(self) -> bool:
        return all(version.is_proven for version in self.versions)

    @property
    def is_equal(self) -> bool:
        return self.sha256 == self.expected and all(one.is_by_right for one in self.differing)


def evaluate(
    profile: str,
    periods: list[str],
    count: int,
    seed: int,
    console: Console,
    tell: Callable[[Verified], None] = lambda _: None,
) -> History:
    """Run the history and the one that was right from the start, each in a municipality of its own.

    ``tell`` hears of each version that was verified.
    """
    first, last = periods[0], periods[-1]
    with tempfile.TemporaryDirectory(prefix="warehouse-evaluation-") as folder:
        secrets = Path(folder, "secrets.json")
        with municipality(profile, first, last, console) as home:
            planned = plan(home, periods, count, seed)
            spoil(home, planned)
            began = time.monotonic()
            builds = build(home, periods, planned, console)
            built_s = time.monotonic() - began
            proven = []
            for outcome in verify(versions()):
                proven.append(outcome)
                tell(outcome)
            found = export(periods, Path(folder, "found"))
            # The other warehouse names people and households by the same keys.
            shutil.copy(home / "secrets.json", secrets)
        other = Path(folder, "right")
        other.mkdir(mode=0o711)
        Path(folder).chmod(0o711)
        shutil.copy(secrets, other / "secrets.json")
        with municipality(profile, first, last, console, other):
            run_months(periods, console)
            expected = export(periods, Path(folder, "expected"))
        return History(
            tuple(planned),
            builds,
            built_s,
            tuple(proven),
            sum(map(len, found.values())),
            digest(found),
            digest(expected),
            differences(found, expected),
        )


def build(home: Path, periods: list[str], planned: list[Correction], console: Console) -> int:
    """Months forward; after each the corrections that come then, and what they change; builds."""
    builds = 0
    for number, period in enumerate(periods, start=1):
        run_months([period], console)
        builds += 1
        due = [one for one in planned if one.after == period]
        # A few come at a time, as a day brings them.
        for some in (due[at : at + 3] for at in range(0, len(due), 3)):
            for one in some:
                arrive(home, one, periods[:number])
            with connect(OWNER) as connection:
                changed = [one.period for one in changed_months(connection)]
            run_months(changed, console, BUILD)
            builds += len(changed)
    return builds


def export(periods: list[str], folder: Path) -> Exported:
    """Write all rows of the months' marts in the current warehouse into a folder."""
    exported = Exported(folder)
    with connect(OWNER) as connection:
        deliveries = {
            str(number): f"{county}/{period}"
            for number, county, period in connection.execute(
                "select delivery_id, county_code, period from ops.delivery"
            )
        }
        for period in periods:
            (folder / period).mkdir(parents=True)
            for mart in candidate_marts(connection):
                table = _rows(connection, mart, period, deliveries)
                exported.file(period, mart.name).write_text(json.dumps(table, ensure_ascii=False))
    return exported


def _rows(
    connection: psycopg.Connection[Any], mart: Mart, period: str, deliveries: dict[str, str]
) -> Table:
    def plain(cell: str | None) -> str | None:
        if cell is None or "/" not in cell:
            return cell
        told = _SOURCE_ROW.sub(lambda m: f"{m[1]}/{deliveries.get(m[2], m[2])}/", cell)
        # Rows are listed in the order of deliveries' numbers, which is a warehouse's own.
        if told != cell and told.startswith("{"):
            return "{" + ",".join(sorted(told.strip("{}").split(","))) + "}"
        return told

    names = mart.content_columns
    connection.execute("set local timezone = 'UTC'")
    found = connection.execute(
        sql.SQL("select {} from {} where period = %s").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(n)) for n in names),
            sql.Identifier("marts", mart.name),
        ),
        [period],
    )
    rows = ({n: plain(c) for n, c in zip(names, row, strict=True)} for row in found)
    return {"|".join(str(row[name]) for name in mart.grain): row for row in rows}


def digest(found: Marts) -> str:
    """Ordered hash of all rows, without the columns that may differ."""
    total = hashlib.sha256()
    for period, mart in sorted(found):
        table = found[period, mart]
        left_out = BY_RIGHT.get(mart, set())
        total.update(f"{period} {mart}\n".encode())
        for key, row in sorted(table.items()):
            cells = [cell for name, cell in row.items() if name not in left_out]
            total.update(f"{key} {cells}\n".encode())
    return total.hexdigest()


def differences(found: Marts, expected: Marts) -> tuple[Difference, ...]:
    """Marts that are not the same; a row on one side alone differs in no column by name."""
    differing = []
    for period, mart in sorted(found.keys() | expected.keys()):
        one, other = found.get((period, mart), {}), expected.get((period, mart), {})
        keys = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
        both = [key for key in keys if key in one and key in other]
        columns = {n for key in both for n, cell in one[key].items() if cell != other[key][n]}
        if len(both) < len(keys):
            columns = set()
        if keys:
            differing.append(Difference(period, mart, len(keys), tuple(sorted(columns))))
    return tuple(differing)

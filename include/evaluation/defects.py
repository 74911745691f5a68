"""The defects that were found beside those the simulator planted, code by code.

What counts as found is what the product itself holds: ops.delivery_defect (what receipts list), the
verdicts on whole deliveries, the marts' contradictions, the spine's changes, the pairs for review.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from include.build import DBT_PROJECT
from include.contracts import contracts, kinds_of
from include.database import OWNER, connect
from include.evaluation import contradictions, households
from include.simulator.health_store import open_store
from include.simulator.identifiers import is_resident_id
from include.vault import identifier_key

Cell = tuple[str, ...]
"""What names one planted or found defect; all parts are text."""
CONTRADICTIONS = {
    "D06": ("person_in_two_households", "person_in_two_counties"),
    "D08": (
        "deceased_paid_tekun", "deceased_paid_disability", "deceased_paid_orphan",
        "deceased_paid_welfare_post", "deceased_covered_dibao", "deceased_on_file",
        "deceased_paid_dibao",
    ),
}  # fmt: skip
"""Defects between records -> the cases of the reconciliation in which they show."""


@dataclass(frozen=True)
class CodeFigures:
    """One defect code. ``false`` were found and not planted."""

    code: str
    name_zh: str
    planted: int
    found: int
    missed: int
    false: int
    examples: list[str]
    """Some of what was missed or false: period/county/kind/file/row/column, no values."""


def evaluate(home: Path, periods: list[str], unlinked: set[str]) -> list[CodeFigures]:
    """Compare the settings' warehouse, built for ``periods``, with what was planted; all codes."""
    planted: dict[str, set[Cell]] = defaultdict(set)
    found: dict[str, set[Cell]] = defaultdict(set)
    for code, cell in (
        *_planted_in_files(home, periods),
        *_planted_in_systems(home, periods),
        *_planted_aliases(home, periods),
    ):
        planted[code].add(cell)
    for code, cell in (
        *_found_in_files(periods),
        *_found_in_systems(periods),
        *_found_aliases(periods),
    ):
        found[code].add(cell)
    figures = {code: _compared(code, planted[code], found[code]) for code in _names()}
    conflicts = contradictions.figures(contradictions.CONFLICTS, home, periods, unlinked)
    for code, cases in CONTRADICTIONS.items():
        of = [one for one in conflicts.codes if one.code in cases]
        figures[code] = CodeFigures(
            code, _names()[code], sum(one.expected for one in of), sum(one.found for one in of),
            sum(one.missed for one in of), sum(one.extra for one in of),
            [f"{one.code} {key}" for one in of for key in one.missed_keys + one.extra_keys][:5],
        )  # fmt: skip
    changes = households.evaluate(home, periods)
    figures["D09"] = CodeFigures(
        "D09", _names()["D09"], sum(one.expected for one in changes),
        sum(one.found for one in changes), sum(one.missed for one in changes),
        sum(one.extra for one in changes),
        [one.kind for one in changes if one.missed or one.extra],
    )  # fmt: skip
    # F codes are of files that nobody can read; the simulator plants none.
    return [one for code, one in sorted(figures.items()) if code < "F" or one.planted or one.found]


def is_exact(figures: list[CodeFigures]) -> bool:
    """Everything planted was found, nothing else, and no code is without a case."""
    return all(one.planted and not one.missed and not one.false for one in figures)


def _compared(code: str, planted: set[Cell], found: set[Cell]) -> CodeFigures:
    differing = sorted(planted ^ found)
    return CodeFigures(
        code, _names()[code], len(planted), len(found), len(planted - found), len(found - planted),
        ["/".join(cell) for cell in differing[:5]],
    )  # fmt: skip


def _planted_in_files(home: Path, periods: list[str]) -> Iterator[tuple[str, Cell]]:
    """The county files: (period, county, kind, file, row, column)."""
    for period in periods:
        path = home / "truth" / period / "planted.csv"
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                code, kind = row["defect_code"], row["kind"]
                if code in ("D06", "D07"):
                    continue  # seen between deliveries: by case, by person
                cell = (row["county_code"], kind, row["file_name"], row["row_no"], row["column"])
                yield code, (period, *cell)


def _found_in_files(periods: list[str]) -> Iterator[tuple[str, Cell]]:
    with connect(OWNER) as connection:
        yield from _coded(
            connection.execute(
                "select d.defect_code, v.period, v.county_code, v.kind, v.file_name, "
                "coalesce(d.row_no::text, ''), coalesce(d.column_name, '') "
                "from ops.delivery_defect as d inner join ops.delivery as v using (delivery_id) "
                "inner join ops.acceptance as a using (delivery_id) "
                "where v.source = 'county' and v.period = any(%s) "
                "and (a.outcome = 'accepted' or d.treatment = 'rejected')",
                [periods],
            ).fetchall()
        )
        # What the suite rejected a file for.
        yield from _coded(
            connection.execute(
                "select distinct reason ->> 'defect', v.period, v.county_code, v.kind, "
                "v.file_name, '', '' from ops.delivery as v "
                "inner join ops.acceptance as a using (delivery_id) "
                "cross join lateral jsonb_array_elements(a.reasons) as reason "
                "where v.source = 'county' and v.period = any(%s) and v.unreadable is null "
                "and reason ->> 'defect' is not null",
                [periods],
            ).fetchall()
        )
        # A file that came again under another name.
        yield from _coded(
            connection.execute(
                "select 'D19', v.period, v.county_code, v.kind, "
                "substring(n.uri from '[^/]+$'), '', '' from ops.delivery as v "
                "inner join ops.arrival as n using (delivery_id) where v.source = 'county' "
                "and v.period = any(%s) and substring(n.uri from '[^/]+$') <> v.file_name",
                [periods],
            ).fetchall()
        )


def _planted_in_systems(home: Path, periods: list[str]) -> Iterator[tuple[str, Cell]]:
    """IDs that are none and settlements given twice: (kind, what names the record, column)."""
    seen: dict[str, int] = defaultdict(int)
    with open_store(home) as store:
        for contract in kinds_of("health_insurance"):
            for period in periods:
                for body in store.page(contract.kind, period, 0, 10**9):
                    record = json.loads(body)
                    yield from _without_id(contract.kind, record)
                    if contract.kind == "yb_settle":
                        seen[record["setl_id"]] += 1
    yield from (("D24", ("yb_settle", number, "setl_id")) for number, n in seen.items() if n > 1)
    delivered = _delivered_keys()
    for contract in kinds_of("civil_affairs"):
        path = home / "sources" / "civil_affairs" / f"{contract.kind}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            for record in csv.DictReader(file):
                for code, cell in _without_id(contract.kind, record):
                    if cell[:2] in delivered:
                        yield code, cell


def _planted_aliases(home: Path, periods: list[str]) -> Iterator[tuple[str, Cell]]:
    """People whom a list has by a former number and the insurance by their own: (period, key).

    Whom no department knows at all has no second number that could be found.
    """
    for period in periods:
        folder = home / "truth" / period
        persons, enrolments = (
            pd.read_csv(folder / f"{name}.csv", dtype=str) for name in ("persons", "enrolments")
        )
        lost = persons[(persons.is_lost == "1") & persons.person_id.isin(enrolments.person_id)]
        for number in lost.person_id:
            yield "D07", (period, identifier_key("person", number))


def _found_aliases(periods: list[str]) -> Iterator[tuple[str, Cell]]:
    with connect(OWNER) as connection:
        yield from _coded(
            connection.execute(
                "select distinct 'D07', v.period, c.person_key from vault.alias_candidate as c "
                "inner join ops.delivery as v using (delivery_id) where v.period = any(%s)",
                [periods],
            ).fetchall()
        )


def _without_id(kind: str, record: dict[str, str]) -> Iterator[tuple[str, Cell]]:
    contract = contracts()[kind]
    for column in contract.columns:
        if column.type != "resident_id":
            continue
        number = record.get(column.name) or ""
        core = number[:18] if len(number) in (20, 22) else number
        key = "|".join(record.get(name) or "" for name in contract.grain)
        if not is_resident_id(core) and (number or column.filled):
            yield "D04", (kind, key, column.name)
        elif len(number) == 20 and kind != "mz_disab_subsidy":
            yield "D05", (kind, key, column.name)


def _delivered_keys() -> set[tuple[str, str]]:
    keys: set[tuple[str, str]] = set()
    with connect(OWNER) as connection:
        for contract in kinds_of("civil_affairs"):
            grain = ", ".join(f"coalesce({name}, '')" for name in contract.grain)
            query = f"select distinct concat_ws('|', {grain}) from raw.{contract.kind}"
            keys |= {(contract.kind, key) for (key,) in connection.execute(query.encode())}
    return keys


def _found_in_systems(periods: list[str]) -> Iterator[tuple[str, Cell]]:
    with connect(OWNER) as connection:
        for contract in (*kinds_of("civil_affairs"), *kinds_of("health_insurance")):
            grain = ", ".join(f"coalesce(r.{name}, '')" for name in contract.grain)
            yield from _coded(
                connection.execute(
                    f"select distinct d.defect_code, v.kind, concat_ws('|', {grain}), "
                    "d.column_name from ops.delivery_defect as d "
                    "inner join ops.delivery as v using (delivery_id) "
                    f"inner join raw.{contract.kind} as r on d.delivery_id = r._delivery_id "
                    "and d.row_no = r._row_no where v.kind = %s and v.period = any(%s)".encode(),
                    [contract.kind, periods],
                ).fetchall()
            )
        yield from _coded(
            connection.execute(
                "select distinct 'D24', 'yb_settle', setl_id, 'setl_id' "
                "from staging.base_yb_settle where disposition = 'superseded' "
                "and period = any(%s)",
                [periods],
            ).fetchall()
        )


def _coded(rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, Cell]]:
    for code, *cell in rows:
        yield code, tuple(cell)


def _names() -> dict[str, str]:
    with (DBT_PROJECT / "seeds" / "ref_defect.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # Codes of files that cannot be opened (F..) are for `evaluate fuzz`.
    return {
        row["defect_code"]: row["name_zh"] for row in rows if row["defect_code"].startswith("D")
    }

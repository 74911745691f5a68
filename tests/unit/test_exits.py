"""What may leave, by the column classes: a value planted in every closed column of every contract
is searched for in receipts, Data Docs, logs, commands' output, exceptions and the register."""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from include.cli.main import _record, app
from include.contracts import Column, Contract, contracts
from include.errors import WarehouseError
from include.load import load
from include.pipeline import judge_deliveries
from include.receipts.model import masked
from include.settings import settings
from tests.expectations.deliveries import resident_id
from tests.unit.landed import COUNTY, PERIOD, csv_bytes, land

CLOSED = ("direct", "sensitive")
"""Classes that leave by none of these ways."""
JSON = ("--json",)
ROWS = 6


@dataclass
class Planted:
    """Every value that must not leave, and what was seen of the ways out."""

    values: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)

    def found(self, text: str) -> set[str]:
        """Planted values in a text."""
        return {value for value in re.findall(r"QX[0-9A-Z]+Z", text) if value in self.values} | {
            value for value in re.findall(r"4310[0-9]{13}[0-9X]", text) if value in self.values
        }


def value(planted: Planted, contract: Contract, column: Column, row: int) -> str:
    """A cell that is nowhere else; of a number half the rows have one that is well formed."""
    if column.privacy not in CLOSED:
        return ""
    if column.type == "resident_id" and row % 2:
        number = len(planted.values)
        made = resident_id(number % 1000, birth=f"{1950 + number // 1000}0101")
    else:
        made = f"QX{len(planted.values):05d}{contract.kind.replace('_', '').upper()}Z"
    planted.values.add(made)
    return made


def deliver(planted: Planted, contract: Contract) -> None:
    """A delivery of the kind with a value in every closed column; the others are empty."""
    cells = [[column.headers[0] for column in contract.columns]]
    cells += [
        [value(planted, contract, column, row) for column in contract.columns]
        for row in range(ROWS)
    ]
    load(
        land(
            csv_bytes(cells),
            name=f"{contract.file_stem or contract.kind}.csv",
            kind=contract.kind,
            county_code=COUNTY if contract.source == "county" else "431000",
            uri=f"file:///drop/{contract.kind}.csv",
        )
    )


@pytest.fixture(scope="module")
def planted(warehouse_module: str) -> Planted:
    """All kinds delivered, judged and answered; the ways out as text."""
    found = Planted()
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        for contract in contracts().values():
            deliver(found, contract)
        for source in ("county", "civil_affairs", "health_insurance"):
            judge_deliveries(source, PERIOD)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    found.texts = {"log": log.getvalue(), **dict(written(settings().home)), **dict(said())}
    return found


def written(home: Path) -> Iterator[tuple[str, str]]:
    """Files below the home folder, but landing; of workbooks their parts."""
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.is_relative_to(home / "landing"):
            continue
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                for name in book.namelist():
                    yield f"{path.name}:{name}", book.read(name).decode(errors="ignore")
        else:
            yield str(path.relative_to(home)), path.read_text(errors="ignore")


def said() -> Iterator[tuple[str, str]]:
    """What commands print, to people and to machines."""
    with psycopg.connect(settings().dsn) as db:
        numbers = [str(n) for (n,) in db.execute("select delivery_id from ops.delivery")]
    lists = [("receipt", "--period", PERIOD), ("quarantine", "--period", PERIOD), ("expectations",)]
    commands = [(*one, *form) for one in [*lists, ("receipt", numbers[0])] for form in ((), JSON)]
    for command in [*commands, *(("receipt", number, *JSON) for number in numbers[1:])]:
        done = CliRunner().invoke(app, command)
        yield " ".join(command), f"{done.output}{done.exception!r}"


def test_every_closed_column_of_every_contract_is_planted(planted: Planted) -> None:
    columns = [c for k in contracts().values() for c in k.columns if c.privacy in CLOSED]
    assert len(columns) > 150
    with psycopg.connect(settings().dsn) as db:
        arrived = "\n".join(
            row
            for kind in contracts()
            for (row,) in db.execute(f"select t::text from raw.{kind} as t".encode())
        )
    # The control: raw has them all, and is closed.
    assert planted.values - planted.found(arrived) == set()


def test_no_way_out_shows_a_planted_value(planted: Planted) -> None:
    assert {way for way in planted.texts if way.startswith(("receipt", "data_docs", "log"))}
    seen = {
        way: len(found) for way, text in planted.texts.items() if (found := planted.found(text))
    }
    assert seen == {}


def test_the_ways_out_say_something(planted: Planted) -> None:
    """Or nothing would be found in them for want of words."""
    lengths = {way: len(text) for way, text in planted.texts.items()}
    assert sum(way.endswith(".html") for way in lengths) > len(contracts())
    assert sum(":xl/" in way for way in lengths) > len(contracts())
    listed = json.loads(CliRunner().invoke(app, ["receipt", "--period", PERIOD, "--json"]).stdout)
    assert len(listed) == len(contracts())
    assert lengths["log"] > 1000


def test_the_register_and_what_suites_judge_hold_no_planted_value(planted: Planted) -> None:
    with psycopg.connect(settings().dsn) as db:
        tables = db.execute(
            "select format('%I.%I', table_schema, table_name) from information_schema.tables"
            " where table_schema in ('ops', 'quality', 'marts', 'archive', 'candidate')"
            " and table_type = 'BASE TABLE'"
        ).fetchall()
        seen = [
            table
            for (table,) in tables
            if any(planted.found(row) for (row,) in db.execute(f"select t::text from {table} as t"))
        ]
    assert len(tables) > 20
    assert seen == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda text: text.encode("gb18030") + "重音é".encode(), id="two encodings"),
        pytest.param(lambda text: b"PK\x03\x04" + text.encode(), id="no archive"),
        pytest.param(lambda text: (text + '"').encode("gb18030"), id="an open quotation"),
        pytest.param(lambda text: text.replace(",", ";").encode("gb18030"), id="other separators"),
        pytest.param(lambda text: text.encode("utf-16")[:-1], id="half a character"),
        pytest.param(lambda text: (text + "\0").encode("gb18030"), id="a zero byte"),
    ],
)
def test_no_refusal_quotes_a_planted_value(planted: Planted, broken: object) -> None:
    contract = contracts()["county_person"]
    rows = [[column.headers[0] for column in contract.columns]]
    rows += [[value(planted, contract, column, n) for column in contract.columns] for n in (0, 1)]
    text = csv_bytes(rows).decode("gb18030")
    content = broken(text)  # type: ignore[operator]
    landed = land(content, name="2-家庭成员.csv", kind="county_person", period="2026-03")
    told = ""
    try:
        load(landed)
    except WarehouseError as refusal:
        told = f"{refusal} {refusal.what} {refusal.remedy} {refusal.__context__!r}"
    judge_deliveries("county", "2026-03")
    told += "".join(text for way, text in written(settings().home) if "2026-03" in way)
    assert told
    assert planted.found(told) == set()


def test_a_defect_of_the_program_is_recorded_without_its_message(planted: Planted) -> None:
    one = min(planted.values, key=lambda each: (not each.startswith("QX"), each))
    with psycopg.connect(settings().dsn) as db, pytest.raises(psycopg.Error) as raised:
        db.execute("select %s::integer", [one])
    assert one in str(raised.value)  # the control: the database's own message quotes it
    recorded = _record(raised.value).read_text(encoding="utf-8")
    assert "22P02" in recorded
    assert planted.found(recorded) == set()


def test_a_number_in_a_file_s_name_is_masked() -> None:
    number = resident_id(7)
    assert number not in masked(f"2-家庭成员{number}.csv")
    assert masked(f"2-家庭成员{number}.csv").count(number[-4:]) == 1

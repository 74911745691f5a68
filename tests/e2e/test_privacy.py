"""What leaves the warehouse's own schemas is searched for every planted person: nobody is there."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from include.areas.history import current
from include.contracts import contracts
from include.services import embedded
from include.simulator.helpers import POSITIONS, UNITS
from tests.conftest import only_environment
from tests.e2e.conftest import Stage
from tests.e2e.municipality import postgres_tool

_NUMBER = re.compile(r"[0-9]{6,}[0-9Xx]|[0-9]{7,}")
_WORDS = re.compile(r"[\u4e00-\u9fff·]{3,}")
_LONGEST_NAME = 5
_SHOWN_SCHEMAS = ("ops", "quality", "marts", "archive", "candidate", "seeds")
_FOLDERS = ("logs", "data_docs", "gx", "receipts", "builds", "dbt_target", "airflow")


@pytest.fixture(scope="module")
def people(demo: Stage) -> tuple[set[str], set[str]]:
    """(numbers, names of three characters and more) of everybody in the delivered files."""
    numbers: set[str] = set()
    names: set[str] = set()
    for contract in contracts().values():
        for column in contract.columns:
            if column.privacy != "direct" and column.type != "household_no":
                continue
            found = demo.municipality.query(
                f"select distinct {column.name} from raw.{contract.kind} "
                f"where {column.name} is not null"
            )
            for (value,) in found:
                text = str(value).strip("' ")
                if re.fullmatch(r"[0-9]{10,}[0-9Xx]", text):
                    numbers.add(text.upper())
                elif re.fullmatch(rf"[\u4e00-\u9fff·]{{3,{_LONGEST_NAME}}}", text):
                    names.add(text)
    return numbers, {name for name in names if name not in offices()}


@cache
def offices() -> str:
    """Offices and positions: a place may be called as a person is, and a visitor be written of by
    his position."""
    areas = [area.name for area in current().values()]
    units = (unit.format(township=area, village=area) for area in areas for unit in UNITS)
    return "\n".join((*units, *POSITIONS))


def found_in(text: str, people: tuple[set[str], set[str]]) -> set[str]:
    """What kind of thing of a person a text holds; never the thing itself."""
    numbers, names = people
    kinds = set()
    for written in _NUMBER.findall(text):
        # A number may stand in a longer run of digits, and a disability certificate holds an ID.
        lengths = {len(written), 11, 16, 18, 19}
        if any(
            written[start : start + length].upper() in numbers
            for length in lengths
            for start in range(len(written) - length + 1)
        ):
            kinds.add("number")
    for written in _WORDS.findall(text):
        if any(
            written[start : start + length] in names
            for length in range(3, _LONGEST_NAME + 1)
            for start in range(len(written) - length + 1)
        ):
            kinds.add("name")
    return kinds


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """(path, content) of all files below a folder; of workbooks their parts."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                for name in book.namelist():
                    yield f"{path}:{name}", book.read(name).decode(errors="ignore")
        elif path.is_file():
            yield str(path), f"{path.name}\n{path.read_text(errors='ignore')}"


def test_people_are_searched_for_at_all(people: tuple[set[str], set[str]]) -> None:
    numbers, names = people
    assert len(numbers) > 3000
    assert len(names) > 500
    number, name = min(numbers, key=lambda n: (len(n) != 18, n)), min(names)
    assert found_in(f'{{"id": "{number}41", "who": "户主{name}"}}', people) == {"number", "name"}
    assert found_in("户主张某 43109919700101", people) == set()
    assert found_in("", people) == set()


@pytest.mark.parametrize("folder", _FOLDERS)
def test_no_file_the_warehouse_writes_names_a_person(
    demo: Stage, people: tuple[set[str], set[str]], folder: str
) -> None:
    home = demo.municipality.home
    seen = {path: kinds for path, text in texts(home / folder) if (kinds := found_in(text, people))}
    assert seen == {}


def test_no_path_the_warehouse_writes_names_a_person(
    demo: Stage, people: tuple[set[str], set[str]]
) -> None:
    home = demo.municipality.home
    own = (path for folder in (*_FOLDERS, "landing") for path in (home / folder).rglob("*"))
    assert found_in("\n".join(str(path.relative_to(home)) for path in own), people) == set()


@pytest.mark.parametrize("database", ["airflow", "warehouse"])
def test_no_table_outside_the_closed_schemas_names_a_person(
    demo: Stage, people: tuple[set[str], set[str]], database: str
) -> None:
    with only_environment(home=str(demo.municipality.home)):
        dsn = embedded.dsn("postgres", database)
    schemas = [f"--schema={name}" for name in _SHOWN_SCHEMAS] if database == "warehouse" else []
    dumped = postgres_tool("pg_dump", *schemas, dsn=dsn).decode()
    table = ""
    seen: dict[str, set[str]] = {}
    for line in dumped.splitlines():
        if line.startswith("COPY "):
            table = line.split(" ")[1]
        elif kinds := found_in(line, people):
            seen[table] = kinds
    assert len(dumped) > 10_000
    assert seen == {}

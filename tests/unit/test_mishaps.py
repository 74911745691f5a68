"""What offices spoil on purpose of the simulator: each spelling and each slip, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from include.contracts import contracts
from include.simulator import mishaps
from include.simulator.areas import counties
from include.simulator.county_folder import CountyFolder
from include.simulator.months import month, spell
from tests.unit.test_defects import sound

MONTH = month("2026-02")
KINDS = [contract for contract in contracts().values() if contract.source == "county"]


def test_each_way_comes_up_in_a_year_and_each_kind_is_spoilt() -> None:
    ways: Counter[str] = Counter()
    spoilt: Counter[str] = Counter()
    for period in spell("2026-01", "2026-12"):
        for county in counties():
            if found := mishaps.mishap(county, month(period)):
                ways[found.way] += 1
                spoilt[found.kind] += found.way == "spoilt"
    assert set(ways) == {"spoilt", "twice", *mishaps.REJECTED}
    assert {kind for kind, count in spoilt.items() if count} == {c.kind for c in KINDS}


def test_an_office_without_titles_names_no_month() -> None:
    for county in counties():
        found = mishaps.mishap(county, MONTH)
        assert not (found and found.way == "misdated" and county.position % 4 == 3)


@pytest.mark.parametrize("contract", KINDS, ids=lambda c: c.kind)
def test_a_spelling_changes_one_cell_and_stays(contract: object) -> None:
    kind = contracts()[contract.kind]  # type: ignore[attr-defined]
    seen = 0
    for n in range(4000):
        record = sound(kind) | dict.fromkeys(kind.grain[:1], f"{n:016d}")
        written, defects = mishaps.respelt(1, kind, record)
        assert mishaps.respelt(1, kind, record) == (written, defects)
        differing = {name for name in record if record[name] != written[name]}
        assert differing == {name for _, name in defects}
        assert len(differing) <= 1
        seen += len(differing)
    assert (seen > 0) == any(c.type in ("money", "integer", "month", "date") for c in kind.columns)


@pytest.mark.parametrize("contract", KINDS, ids=lambda c: c.kind)
def test_a_spoilt_row_has_one_spoilt_cell(contract: object) -> None:
    kind = contracts()[contract.kind]  # type: ignore[attr-defined]
    codes: Counter[str] = Counter()
    for n in range(2000):
        record = sound(kind) | dict.fromkeys(kind.grain[:1], f"{n:016d}")
        if n % 2:  # an office's own spelling of amounts and days
            record |= {c.name: "1,000.00元" for c in kind.columns if c.type == "money"}
            record |= {c.name: "2026年1月5日" for c in kind.columns if c.type == "date"}
        written, defects = mishaps.spoilt(1, kind, record, MONTH)
        differing = {name for name in record if record[name] != written[name]}
        assert differing == {name for _, name in defects}
        codes.update(code for code, _ in defects)
    assert codes
    assert 2000 * mishaps.SPOILT / 2 < codes.total() < 2000 * mishaps.SPOILT * 2


def test_a_garbled_text_is_utf_8_read_as_gb18030() -> None:
    assert mishaps.garbled("郴州市") == "閮村窞甯?"
    assert mishaps.garbled("") == ""


def test_a_damaged_number_is_none() -> None:
    for draw in range(4):
        assert len(mishaps.damaged("9900000000000017", draw)) != 16


def test_habits_are_days_and_amounts_in_another_spelling() -> None:
    contract = contracts()["county_visit"]
    record = sound(contract) | {"visited_on": "2026.1.5"}
    assert mishaps.habits(contract, record, ()) == (("D14", "visited_on"),)
    assert mishaps.habits(contract, record, (("D15", "visited_on"),)) == ()
    assert mishaps.habits(contract, sound(contract), ()) == ()
    assert mishaps.habits(contract, {}, ()) == ()


def test_what_is_planted_is_told_by_file(tmp_path: object) -> None:
    county = next(c for c in counties() if (m := mishaps.mishap(c, MONTH)) and m.way == "spoilt")
    found = mishaps.mishap(county, MONTH)
    assert found is not None
    folder = CountyFolder(tmp_path, 1, county, MONTH)  # type: ignore[arg-type]
    contract = contracts()[found.kind]
    for n in range(300):
        record = sound(contract) | {
            "household_no": f"99{n:013d}1",
            contract.grain[0]: f"99{n:013d}1",
        }
        folder.receive(found.kind, record, ())
    planted = folder.close()
    names = {name for kind, name, _ in planted if kind == found.kind}
    by_file = Counter(name for kind, name, (row, *_) in planted if kind == found.kind and row)
    first, final = sorted(names, key=lambda name: -by_file[name])
    # About a twelfth of the first version's rows are spoilt, beside what stays in both.
    assert by_file[first] - by_file[final] > 300 * mishaps.SPOILT / 2

"""Damaged files of every kind and form: an ending for each, no row lost, and faults are told."""

from __future__ import annotations

import csv
import io
import json
from random import Random

import pytest

from include.contracts import contracts
from include.evaluation import fuzz
from include.evaluation.counting import count_records
from include.evaluation.mutations import MUTATIONS, Form, Original
from tests.expectations.deliveries import COUNTY, PERIOD, SOUND
from tests.unit.hostile import old_workbook, workbook

ROWS = 30


def original(kind: str, form: Form) -> Original:
    """Thirty sound rows, each with its own numbers."""
    contract = contracts()[kind]
    header = [column.headers[0] for column in contract.columns]
    records = [
        [str(SOUND[kind].get(column.name) or "").replace("001", f"{n:03}", 1) or f"{n}"
         for column in contract.columns]
        for n in range(ROWS)
    ]  # fmt: skip
    if form == "jsonl":
        data = [dict(zip(header, record, strict=True)) for record in records]
        content = json.dumps({"data": data}, ensure_ascii=False).encode() + b"\n"
    elif form == "csv":
        text = io.StringIO()
        csv.writer(text).writerows([["台账"], header, *records, ["合计", str(ROWS)]])
        content = text.getvalue().encode("gb18030")
    else:
        make = workbook if form == "xlsx" else old_workbook
        content = make([["台账"], header, *records, ["合计", str(ROWS)]])
    county = COUNTY if contract.source == "county" else "431000"
    return Original(kind, county, f"{contract.file_stem or kind}.{form}", content, form)


@pytest.fixture(scope="module")
def files() -> list[Original]:
    of_source: dict[str, tuple[Form, ...]] = {
        "county": ("csv", "xlsx", "xls"),
        "civil_affairs": ("csv",),
        "health_insurance": ("jsonl",),
    }
    return [original(kind, form) for kind, c in contracts().items() for form in of_source[c.source]]


def test_each_damaged_file_has_an_ending_and_all_its_rows(
    warehouse: str, files: list[Original]
) -> None:
    result = fuzz.run(files, PERIOD, 120, seed=5)
    assert result.faults == []
    assert result.is_sound
    assert result.endings.total() == 120
    assert {ending for _, ending in result.endings} <= set(fuzz.ENDINGS)
    assert result.compared > 20
    # How much is bounded by tests/unit/test_hostile.py: this process has had other children.
    assert result.peak_mb > 0
    told = json.loads(json.dumps(result.figures()))
    assert sum(sum(endings.values()) for endings in told["endings"].values()) == 120
    assert sum(told["refusals"].values()) <= 120


def test_a_lost_row_is_a_fault(
    warehouse: str, files: list[Original], monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_more(*file: object) -> int | None:
        found = count_records(*file)  # type: ignore[arg-type]
        return None if found is None else found + 1

    monkeypatch.setattr(fuzz, "count_records", one_more)
    monkeypatch.setattr(fuzz, "MUTATIONS", dict(list(MUTATIONS.items())[:1]))
    result = fuzz.run(files[:3], "2026-03", 3, seed=1)
    assert not result.is_sound
    assert {what for _, _, what in result.faults} == {f"{ROWS + 1} records counted, {ROWS} loaded"}


def test_an_error_is_a_fault_and_told_by_its_name_alone(
    warehouse: str, files: list[Original], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(landed: object) -> int:
        raise ValueError(f"a cell of {landed}")

    monkeypatch.setattr(fuzz, "load", broken)
    result = fuzz.run(files[:3], "2026-04", 2, seed=1)
    assert [what for _, _, what in result.faults] == ["ValueError"] * 2
    assert not result.is_sound


def test_a_hang_is_a_fault(
    warehouse: str, files: list[Original], monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(landed: object) -> int:
        while True:
            pass

    monkeypatch.setattr(fuzz, "load", endless)
    monkeypatch.setattr(fuzz, "HUNG_S", 1)
    result = fuzz.run(files[:3], "2026-05", 1, seed=1)
    assert [what for _, _, what in result.faults] == ["Hung"]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_mutation_is_the_same_for_the_same_seed(files: list[Original], mutation: object) -> None:
    assert callable(mutation)
    for file in files:
        if file.form in MUTATIONS[mutation]:
            for seed in range(3):
                first, second = (mutation(Random(seed), file, files) for _ in range(2))
                assert first == second

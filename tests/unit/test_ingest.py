"""Files from outside: what they are is read from themselves, or refused; then as any delivery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from include import receipts
from include.cli.main import app
from include.ingest import Asked, IngestRefused, Stated, candidates, land, take_in
from include.load import load
from tests.expectations.deliveries import resident_id
from tests.unit import landed
from tests.unit.landed import COUNTY, HEADER, NAME, PERIOD, PHONE, csv_bytes, query, row
from tests.unit.test_receipts import HEADER as HOUSEHOLD
from tests.unit.test_receipts import ROWS, workbook

SOUND = csv_bytes([HEADER, *(row(n) for n in range(20))])
TITLE = ["汝城县帮扶措施(2026年2月)"]


def silent(asked: Asked, name: str) -> str | None:
    """Nobody to ask."""
    return None


def put(folder: Path, name: str, content: bytes = SOUND) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def told(path: Path, stated: Stated | None = None) -> tuple[str, str, str]:
    found = land(path, stated or Stated(), silent)
    return found.kind, found.county_code, found.period


def ingest(*arguments: str) -> tuple[Result, dict[str, Any]]:
    result = CliRunner().invoke(app, ["ingest", *arguments, "--json"])
    return result, json.loads(result.stdout) if result.stdout else {}


@pytest.mark.parametrize("folder", ["2026-02/431026", "汝城县/202602", "汝城/2026年2月"])
def test_folders_say_county_and_month(warehouse: str, tmp_path: Path, folder: str) -> None:
    path = put(tmp_path, f"{folder}/5-帮扶措施.csv")
    assert told(path) == ("county_measure", COUNTY, PERIOD)


def test_headings_rows_and_title_say_it_where_names_say_nothing(
    warehouse: str, tmp_path: Path
) -> None:
    path = put(tmp_path, "数据.csv", csv_bytes([TITLE, HEADER, row(1), row(2)]))
    assert told(path) == ("county_measure", COUNTY, PERIOD)
    book = put(tmp_path, "x.xlsx", workbook(ROWS))
    assert told(book, Stated(period=PERIOD)) == ("county_household", COUNTY, PERIOD)


def test_a_day_in_the_name_is_the_exports(warehouse: str, tmp_path: Path) -> None:
    assert told(put(tmp_path, "5-帮扶措施_20260304.csv"))[2] == "2026-02"
    assert told(put(tmp_path, "5-帮扶措施_20260104.csv"))[2] == "2025-12"
    late = put(tmp_path, "2026-02/5-帮扶措施_20260404.csv")
    assert told(late)[2] == "2026-02"


def test_the_citys_registers_are_of_no_county(warehouse: str, tmp_path: Path) -> None:
    content = csv_bytes([["id_no", "county_code", "amount_m", "start_ym", "updated_at"]])
    path = put(tmp_path, "mz_tekun_2026-02.csv", content)
    assert told(path) == ("mz_tekun", "431000", PERIOD)


CONTRADICTIONS: dict[str, tuple[str, bytes, Stated, str]] = {
    "county by option and rows": (
        "2026-02/5-帮扶措施.csv", SOUND, Stated(county="431027"),
        "county is not certain: 431027 by --county; 431026 by its rows",
    ),
    "county by folder and rows": (
        "2026-02/431027/5-帮扶措施.csv", SOUND, Stated(),
        "431027 by its folder; 431026 by its rows",
    ),
    "county by folder and title": (
        "2026-02/431027/5-帮扶措施.csv", csv_bytes([TITLE, HEADER]), Stated(),
        "431027 by its folder; 431026 by its title",
    ),
    "month by folder and title": (
        "2026-01/5-帮扶措施.csv", csv_bytes([TITLE, HEADER, row(1)]), Stated(),
        "period is not certain: 2026-01 by its folder; 2026-02 by its title",
    ),
    "month by option and name": (
        "5-帮扶措施_2026-01.csv", SOUND, Stated(period="2026-02"),
        "2026-02 by --period; 2026-01 by its name",
    ),
    "kind by name and headings": (
        "2026-02/1-户信息.csv", SOUND, Stated(),
        "kind is not certain: county_household by the file's name; county_measure by its headings",
    ),
    "month after the export": (
        "2026-02/5-帮扶措施_20260104.csv", SOUND, Stated(), "exported on 20260104",
    ),
    "no month": ("5-帮扶措施.csv", SOUND, Stated(), "of which period"),
    "no county": (
        "2026-02/5-帮扶措施.csv", csv_bytes([HEADER]), Stated(), "of which county",
    ),
    "no kind": ("2026-02/x.csv", csv_bytes([["甲", "乙"], ["1", "2"]]), Stated(), "cannot be read"),
    "a county elsewhere": (
        "2026-02/5-帮扶措施.csv", csv_bytes([HEADER]), Stated(county="430100"), "no county of this",
    ),
    "no such month": (
        "5-帮扶措施.csv", SOUND, Stated(period="2026-13"), "is no month",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_is_not_certain_is_refused_by_name(warehouse: str, tmp_path: Path, case: str) -> None:
    name, content, stated, words = CONTRADICTIONS[case]
    path = put(tmp_path, name, content)
    with pytest.raises(IngestRefused, match=words) as refusal:
        land(path, stated, silent)
    assert refusal.value.file == path.name
    assert refusal.value.remedy
    assert query(warehouse, "select count(*) from ops.delivery") == [(0,)]


def test_headings_of_several_kinds_are_no_answer(warehouse: str, tmp_path: Path) -> None:
    path = put(tmp_path, "2026-02/x.csv", csv_bytes([["县", "户编号"], ["汝城县", "1"]]))
    with pytest.raises(IngestRefused, match=r"kind is not certain: .* by its headings") as refusal:
        land(path, Stated(), silent)
    assert "begin its name" in refusal.value.remedy


def test_what_nothing_says_is_asked_for(warehouse: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(what: Asked, name: str) -> str | None:
        asked.append(what)
        return {"kind": "", "county": "431027", "period": "2026-02"}[what]

    found = land(put(tmp_path, "5-帮扶措施.csv", csv_bytes([HEADER])), Stated(), answer)
    assert asked == ["county", "period"]
    assert (found.county_code, found.period) == ("431027", "2026-02")


def test_a_file_ends_with_its_receipt(warehouse: str, tmp_path: Path) -> None:
    path = put(tmp_path, "2026-02/汝城县/1-户信息.xlsx", workbook(ROWS))
    result, said = ingest(str(path))
    assert result.exit_code == 0
    (one,) = said["receipts"]
    assert (one["outcome"], one["rows"], one["quarantined"]) == ("accepted", 20, 1)
    assert all(Path(name).exists() for name in one["files"])
    assert (said["refused"], said["months_to_rebuild"]) == ([], [])
    shown = CliRunner().invoke(app, ["ingest", str(path)]).stdout
    for words in ("已接收", "D 列 户编号", one["files"][0], "No published month is built again."):
        assert words in shown
    for value in (NAME, PHONE, resident_id(3)):
        assert value not in result.stdout + shown


def test_a_published_month_is_said_to_be_built_again(warehouse: str, tmp_path: Path) -> None:
    query(
        warehouse,
        "with built as (insert into ops.build (period, known_at, seeds_sha256, code_sha256)"
        " values ('2026-03', now(), '', '') returning build_id, period)"
        " insert into ops.publication (period, version, build_id, state)"
        " select period, 1, build_id, 'published' from built returning 1",
    )
    path = put(tmp_path, "2026-02/汝城县/1-户信息.xlsx", workbook(ROWS))
    assert ingest(str(path))[1]["months_to_rebuild"] == ["2026-03"]
    shown = CliRunner().invoke(app, ["ingest", str(path)]).stdout
    assert "Months that will be built again: 2026-03." in shown


def test_a_file_that_cannot_be_read_is_rejected_with_a_receipt(
    warehouse: str, tmp_path: Path
) -> None:
    path = put(tmp_path, "2026-02/431026/1-户信息.xlsx", b"PK\x03\x04 and nothing of it")
    result, said = ingest(str(path))
    assert result.exit_code == 3
    assert said["receipts"][0]["outcome"] == "rejected"
    assert said["receipts"][0]["judgements"][0]["defect"] == "F02"


def test_a_content_that_came_before_has_the_receipt_it_had(warehouse: str, tmp_path: Path) -> None:
    first = put(tmp_path, "a/2026-02/431026/5-帮扶措施.csv")
    again = put(tmp_path, "b/2026-02/431026/5-帮扶措施-再.csv")
    numbers = [ingest(str(path))[1]["receipts"][0]["delivery_id"] for path in (first, again)]
    assert numbers[0] == numbers[1]
    assert query(warehouse, "select count(*) from raw.county_measure") == [(20,)]


def test_other_deliveries_wait_for_their_own_verdict(warehouse: str, tmp_path: Path) -> None:
    waiting = load(landed.land(csv_bytes([HEADER, row(1)])))
    (one,) = take_in([land(put(tmp_path, "2026-02/5-帮扶措施.csv"), Stated(), silent)])
    assert one.outcome == "accepted"
    assert query(warehouse, "select delivery_id from ops.acceptance") == [(one.delivery_id,)]
    assert receipts.receipt(waiting).outcome == "undecided"


def test_a_folder_goes_on_past_what_is_refused(warehouse: str, tmp_path: Path) -> None:
    put(tmp_path, "2026-02/431026/5-帮扶措施.csv")
    put(tmp_path, "2026-02/431026/1-户信息.xlsx", workbook(ROWS))
    put(tmp_path, "2026-02/431026/1-户信息-2.csv", csv_bytes([HOUSEHOLD[:5], ROWS[0][:5]]))
    put(tmp_path, "2026-01/5-帮扶措施.csv", csv_bytes([TITLE, HEADER, row(1)]))
    put(tmp_path, "2026-02/431026/说明.docx")
    result, said = ingest(str(tmp_path))
    assert result.exit_code == 3
    outcomes = [(one["kind"], one["outcome"]) for one in said["receipts"]]
    assert sorted(outcomes) == [
        ("county_household", "accepted"),
        ("county_household", "rejected"),
        ("county_measure", "accepted"),
    ]
    (refused,) = said["refused"]
    assert refused["file"] == "5-帮扶措施.csv"
    assert "2026-01 by its folder" in refused["what"]


def test_links_and_what_programs_leave_behind_are_no_files(tmp_path: Path) -> None:
    sound = put(tmp_path, "drop/a.csv")
    put(tmp_path, "drop/~$a.xlsx")
    put(tmp_path, "drop/.a.csv")
    put(tmp_path, "drop/a.csv.part")
    outside = put(tmp_path, "outside/b.csv")
    (tmp_path / "drop" / "b.csv").symlink_to(outside)
    assert candidates(tmp_path / "drop") == [sound]


@pytest.mark.parametrize("name", ["nothing.csv", "empty"])
def test_nothing_to_take_in(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(IngestRefused, match="no such file, or no table"):
        candidates(tmp_path / name)


def test_a_number_in_a_name_is_kept_nowhere(warehouse: str, tmp_path: Path) -> None:
    number = resident_id(9)
    path = put(tmp_path, f"2026-02/5-帮扶措施{number}.csv")
    result, said = ingest(str(path))
    assert said["receipts"][0]["file_name"] == f"5-帮扶措施431****{number[-4:]}.csv"
    assert number not in result.output
    kept = query(warehouse, "select file_name || uri from ops.delivery inner join ops.arrival"
                 " using (delivery_id)")  # fmt: skip
    assert number not in kept[0][0]


def test_a_source_nobody_has(home: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["ingest", str(tmp_path), "--source", "bank"])
    assert isinstance(result.exception, IngestRefused)

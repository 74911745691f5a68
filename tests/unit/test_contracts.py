"""Contracts are data: sound in themselves, and refused with file and line where they are not."""

from __future__ import annotations

import textwrap
from functools import partial
from pathlib import Path

import pytest
import yaml

from include.areas import counties
from include.contracts import FOLDER, Column, Contract, Rule, contracts
from include.contracts.reading import read
from include.errors import BadContract
from include.load import load
from include.settings import PROJECT_ROOT
from tests.unit.hostile import merged
from tests.unit.landed import COUNTY, HEADER, PERIOD, csv_bytes, delivery, land, raw_rows, row

SOUND = (FOLDER / "county_measure.yml").read_text(encoding="utf-8").split("feeds:\n")[0]


def written(folder: Path, text: str) -> Path:
    path = folder / "county_measure.yml"
    path.write_text(text, encoding="utf-8")
    return path


def with_lines(*lines: str) -> str:
    """The contract with these lines above its columns."""
    return SOUND.replace("columns:\n", "\n".join([*lines, "columns:\n"]), 1)


def test_all_contracts_are_sound() -> None:
    assert set(contracts()) == {path.stem for path in FOLDER.glob("*.yml")}


def test_synonyms_name_counties_that_exist() -> None:
    named = {code for c in contracts().values() for s in c.synonyms for code in s.counties}
    assert named <= set(counties())


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


BAD: dict[str, tuple[str, str, str]] = {
    "unknown key": (with_lines("colour: red"), "colour", "colour: red"),
    "missing key": (SOUND.replace("version:", "# version:"), "version", "kind:"),
    "no such type": (SOUND.replace("type: month", "type: moon"), "type", "type: moon"),
    "key twice": (with_lines("layout: C6"), "given twice", "layout: C6"),
    "header twice": (
        SOUND.replace("[措施内容]", "[措施内容, 户编号]"), "header given twice", "措施内容",
    ),
    "header that is never met": (
        SOUND.replace("[措施内容]", "[措施（内容）]"), "never met", "措施（内容）",
    ),
    "column twice": (SOUND.replace("name: measure_detail", "name: county"), "twice", "措施内容"),
    "grain of no column": (
        SOUND.replace("grain: [household_no,", "grain: [number,"), "no column number", "grain:",
    ),
    "synonym of no column": (
        with_lines("synonyms:", "  - {column: id, header: 证件号}"), "no column id", "column: id",
    ),
    "synonym in no county": (
        with_lines("synonyms:", "  - {column: county, header: 县名, counties: [440100]}"),
        "counties", "县名",
    ),
    "synonym that ends before it begins": (
        with_lines("synonyms:", "  - {column: county, header: 县名, from: 2025-02, to: 2025-01}"),
        "ends before", "县名",
    ),
    "synonym in no month": (
        with_lines("synonyms:", "  - {column: county, header: 县名, from: 2025-13}"), "from",
        "县名",
    ),
    "synonyms with two meanings": (
        with_lines(
            "synonyms:",
            f"  - {{column: county, header: 名称, counties: [{COUNTY}], from: 2025-01}}",
            "  - {column: measure_detail, header: 名称, to: 2026-12}",
        ),
        "header given twice", "column: measure_detail, header",
    ),
    "pattern without a group": (
        SOUND.replace(r"control_total: (\d+)条$", r"control_total: \d+条$"), "0 groups",
        "control_total",
    ),
    "no pattern": (SOUND.replace(r"(\d+)条$", "(条"), "no pattern", "control_total"),
    "most below least": (
        SOUND.replace("{least: 1,", "{least: 9000000,"), "most is less", "rows:",
    ),
    "rule on no column": (
        with_lines("rules:", "  - {code: D22, column: day, within_period: true}"),
        "no column day", "column: day",
    ),
    "rule with no code": (
        with_lines("rules:", "  - {code: D99, column: started_ym, within_period: true}"),
        "no code D99", "D99",
    ),
    "rule that is not asked of texts": (
        with_lines("rules:", "  - {code: D22, column: county, within_period: true}"),
        "not asked of text", "column: county, within",
    ),
    "rule with two conditions": (
        with_lines("rules:", "  - {code: D22, column: county, within_period: true, at_least: 0}"),
        "one condition", "at_least: 0",
    ),
    "no such code list": (
        SOUND.replace("ref_measure_group.label", "ref_measure_group.lable"), "no code list",
        "lable",
    ),
    "no such seed": (SOUND.replace("ref_measure_group.", "ref_x."), "no code list", "ref_x"),
    "feeds of no column": (
        with_lines("feeds:", "  nothing: raw only"), "no column nothing", "nothing: raw only",
    ),
    "another kind's name": (
        SOUND.replace("kind: county_measure", "kind: county_x"), "named", "kind:",
    ),
    "broken YAML": (SOUND.replace("grain: [", "grain: [["), "", "title_zh"),
    "nothing": ("", "no contract", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_contract_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    text, told, where = BAD[case]
    assert text != SOUND
    with pytest.raises(BadContract) as refusal:
        read(written(tmp_path, text))
    assert told in str(refusal.value)
    assert refusal.value.file == "county_measure.yml"
    if case == "broken YAML":
        assert refusal.value.row is not None
    else:
        assert refusal.value.row == (line_of(text, where) if text else 1)


def measure_with(*synonyms: str) -> Contract:
    return Contract.model_validate(yaml.safe_load(with_lines("synonyms:", *synonyms)))


def test_a_synonym_holds_in_its_counties_and_months(warehouse: str) -> None:
    contract = measure_with(
        f"  - {{column: implementation, header: 落实, counties: [{COUNTY}],"
        " from: 2026-02, to: 2026-03}"
    )
    content = csv_bytes([[*HEADER[:-1], "落实"], row(1)])
    for period, is_known in (
        ("2026-01", False),
        (PERIOD, True),
        ("2026-03", True),
        ("2026-04", False),
    ):
        found = delivery(warehouse, load(land(content, period=period), contract))
        assert found["missing_headers"] == ([] if is_known else ["实施情况"])
    assert raw_rows(warehouse) == [(2, *row(1))] * 2
    assert "落实" not in contract.headers_in("431002", PERIOD)


def test_the_same_heading_may_mean_something_else_elsewhere() -> None:
    contract = measure_with(
        "  - {column: county, header: 名称, counties: [431002]}",
        "  - {column: measure_detail, header: 名称, counties: [431003]}",
    )
    assert contract.headers_in("431002", PERIOD)["名称"].name == "county"
    assert contract.headers_in("431003", PERIOD)["名称"].name == "measure_detail"
    assert "名称" not in contract.headers_in("431021", PERIOD)


PAGE = (PROJECT_ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")


def test_the_recipe_makes_the_odd_spreadsheet_load(warehouse: str, tmp_path: Path) -> None:
    """The table and the lines of docs/contracts.md, as they stand there."""
    lines = PAGE.split("first rows are\n")[1].split("\nand its receipt")[0].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    del rows[1]  # markdown's own line
    title, group, below, *records = rows
    content = merged([title[:1], group, below, *records], (0, 0, 0, 5), (1, 2, 1, 3))
    yizhang = partial(land, content, name="5-帮扶措施_20260303.xlsx", county_code="431022")
    refused = delivery(warehouse, load(yizhang()))
    assert refused["missing_headers"] == ["户编号", "实施情况"]

    recipe = textwrap.dedent(PAGE.split("```yaml\n")[1].split("   ```")[0])
    text = with_lines(recipe.rstrip())
    assert load(yizhang(), read(written(tmp_path, text))) == refused["delivery_id"]
    raised = text.replace('version: "1.0"', 'version: "1.1"')
    assert raised != text
    found = delivery(warehouse, load(yizhang(), read(written(tmp_path, raised))))
    assert (found["missing_headers"], found["row_count"]) == ([], 2)
    assert (found["stated_period"], found["contract_version"]) == ("2026-02", "1.1")
    assert raw_rows(warehouse) == [(4, *records[0]), (5, *records[1])]


def test_the_page_names_every_key_of_a_contract() -> None:
    for name in (*Contract.model_fields, *Column.model_fields):
        assert f"`{name}`" in PAGE, name
    for name in Rule.model_fields.keys() - {"code", "column", "tolerance", "unless"}:
        assert f"`{name}`" in PAGE, name

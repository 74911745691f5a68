"""Every column is described once, labelled in Chinese and classed by privacy; the page follows."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from include.contracts import contracts
from include.contracts.parts import Feeds
from include.dictionary import classes
from include.dictionary.feeds import feeds
from include.dictionary.formulas import Formulas
from include.dictionary.page import PAGE, generate
from include.dictionary.project import Project, manifest


@pytest.fixture(scope="module")
def project() -> Project:
    return Project(manifest())


def described(project: Project) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(model, column, its entry or {}) of all but base models, whose columns staging describes.

    Columns are those of the SQL, or of the YAML alone where a macro writes the SQL.
    """
    formulas = Formulas(project)
    for model, node in project.models.items():
        if model.startswith("base_"):
            continue
        for column in formulas.columns(model) or list(node["columns"]):
            yield model, column, node["columns"].get(column, {})


def meta(column: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = column.get("meta") or column.get("config", {}).get("meta", {})
    return found


def test_every_column_has_an_english_description(project: Project) -> None:
    lacking = [
        f"{model}.{name}"
        for model, name, column in described(project)
        if not re.search("[A-Za-z]{3}", column.get("description", ""))
        or column["description"] == name
    ]
    assert lacking == []


def test_every_column_has_a_chinese_label(project: Project) -> None:
    entries = described(project)
    assert [f"{m}.{n}" for m, n, entry in entries if not meta(entry).get("label_zh")] == []


def test_every_column_has_a_privacy_class_and_none_is_direct(project: Project) -> None:
    allowed = ("none", "quasi", "sensitive")
    entries = described(project)
    assert [f"{m}.{n}" for m, n, entry in entries if classes.class_of(entry) not in allowed] == []


def with_class(project: Project, column: str, found: str | None) -> Project:
    """The project with another class of a column of person_month."""
    changed = copy.deepcopy(project.manifest)
    node = next(n for n in changed["nodes"].values() if n["name"] == "person_month")
    for place in (node["columns"][column], node["columns"][column]["config"]):
        place["meta"] = {"privacy": found} if found else {}
    return Project(changed)


def test_the_classes_of_marts_are_let_through(project: Project) -> None:
    assert classes.refusals(project) == []
    classes.demand(project)
    assert classes.refusals(Project({"nodes": {}, "sources": {}})) == []


@pytest.mark.parametrize(
    ("column", "found", "why"),
    [
        ("health_code", None, "no class"),
        ("health_code", "direct", "direct"),
        ("health_code", "secret", "secret is no class"),
        ("household_key", "none", "a key is quasi at least"),
    ],
)
def test_a_mart_column_is_refused_by_its_class(
    project: Project, column: str, found: str | None, why: str
) -> None:
    changed = with_class(project, column, found)
    assert classes.refusals(changed) == [f"person_month.{column}: {why}"]
    with pytest.raises(classes.ColumnClassRefused, match=f"person_month.{column}"):
        classes.demand(changed)


def test_every_mart_column_has_a_formula(project: Project) -> None:
    formulas = Formulas(project)
    lacking = [
        f"{mart}.{column}"
        for mart in project.marts
        for column in project.models[mart]["columns"]
        if formulas.of(mart, column) is None
    ]
    assert lacking == []


def test_a_formula_leads_to_its_deliveries_and_rules(project: Project) -> None:
    formulas = Formulas(project)
    formula = formulas.of("household_month", "is_below_line")
    assert formula is not None
    assert formula.steps[0] == ("is_below_line", "income.net_income_pp < line.income_line_pp")
    assert ("ref_income_line", "yuan_pp") in formula.inputs
    leaves = formulas.leaves("household_month", "is_below_line")
    assert {"raw.county_income", "ref_income_line"} <= leaves
    assert "raw.yb_settle" not in leaves
    assert "raw.yb_settle" in formulas.leaves("county_scorecard", "out_of_pocket_ytd_amt")
    assert formulas.of("household_month", "no_such_column") is None


def test_the_page_is_what_the_code_says(project: Project) -> None:
    assert PAGE.read_text(encoding="utf-8") == generate(project), "write it anew: ./warehouse docs"


def test_contracts_say_what_their_columns_feed(project: Project) -> None:
    said = {kind: dict(contract.feeds) for kind, contract in contracts().items()}
    assert said == feeds(project, Formulas(project)), "write it anew: ./warehouse docs"


def test_feeds_lead_through_joins_and_the_linkage_to_the_marts(project: Project) -> None:
    found = feeds(project, Formulas(project))

    def fed(kind: str, column: str) -> Feeds:
        one = found[kind][column]
        return one if isinstance(one, Feeds) else Feeds()

    assert found["county_household"]["phone"] == "raw only"
    assert fed("county_household", "net_income_pp").staging == ("net_income_pp",)
    staged = set(fed("county_household", "monitor_category").staging)
    assert {"monitor_category", "monitor_code"} <= staged
    assert "household_month" in fed("county_household", "household_no").marts
    name = fed("county_person", "name")
    assert (name.linkage, name.staging) == (True, ())
    assert {"person_key", "sex", "birth_date"} <= set(fed("county_person", "cert_no").staging)
    assert "medical_burden" in fed("yb_settle", "psn_part_amt").marts

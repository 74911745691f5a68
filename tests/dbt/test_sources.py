"""The contracts, dbt's sources and the raw tables name the same columns, in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from include.build import DBT_PROJECT
from include.contracts import contracts
from include.load import ensure_raw_tables

BOOKKEEPING = {"_delivery_id", "_row_no", "_loaded_at", "_unmapped"}


def sources(path: Path = DBT_PROJECT / "models" / "sources.yml") -> dict[str, dict[str, Any]]:
    """table -> column -> its entry, of the source ``raw``."""
    raw = next(s for s in yaml.safe_load(path.read_text())["sources"] if s["name"] == "raw")
    return {t["name"]: {c["name"]: c for c in t["columns"]} for t in raw["tables"]}


def difference(left: dict[str, set[str]], right: dict[str, set[str]]) -> list[str]:
    """What each side has that the other lacks, a line each."""
    return [
        f"{sign}{table}.{column}"
        for table in sorted(set(left) | set(right))
        for sign, one, other in (("-", left, right), ("+", right, left))
        for column in sorted(one.get(table, set()) - other.get(table, set()))
    ]


def expected() -> dict[str, set[str]]:
    return {kind: {c.name for c in k.columns} | BOOKKEEPING for kind, k in contracts().items()}


def test_sources_have_the_columns_of_the_contracts() -> None:
    assert difference(expected(), {t: set(c) for t, c in sources().items()}) == []


def test_raw_tables_have_the_columns_of_the_contracts(warehouse: str) -> None:
    ensure_raw_tables()
    found: dict[str, set[str]] = {}
    with psycopg.connect(warehouse) as connection:
        for table, column in connection.execute(
            "select table_name, column_name from information_schema.columns "
            "where table_schema = 'raw'"
        ):
            found.setdefault(table, set()).add(column)
    assert difference(expected(), found) == []


@pytest.mark.parametrize(
    ("left", "right", "lines"),
    [
        ({"t": {"a"}}, {"t": {"a"}}, []),
        ({"t": {"a", "b"}}, {"t": {"a", "c"}}, ["-t.b", "+t.c"]),
        ({}, {"t": {"a"}}, ["+t.a"]),
        ({}, {}, []),
    ],
)
def test_a_difference_is_said(
    left: dict[str, set[str]], right: dict[str, set[str]], lines: list[str]
) -> None:
    assert difference(left, right) == lines


def test_sources_state_the_privacy_of_the_contracts() -> None:
    found = sources()
    differing = [
        f"{kind}.{column.name}"
        for kind, contract in contracts().items()
        for column in contract.columns
        if found[kind][column.name]["config"]["meta"]["privacy"] != column.privacy
    ]
    assert differing == []


def test_no_staging_or_mart_column_is_a_direct_identifier() -> None:
    direct = {
        f"{k}.{c.name}" for k, v in contracts().items() for c in v.columns if c.privacy == "direct"
    }
    shown = {
        f"{model['name']}.{column['name']}"
        for path in (DBT_PROJECT / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text()).get("models", [])
        for column in model.get("columns", [])
        if f"{model['name'].removeprefix('stg_')}.{column['name']}" in direct
        or column.get("config", {}).get("meta", {}).get("privacy") == "direct"
    }
    assert direct
    assert shown == set()


def test_every_mart_column_has_a_privacy_class_and_a_chinese_label() -> None:
    marts = [
        model
        for path in sorted((DBT_PROJECT / "models" / "marts").glob("*.yml"))
        for model in yaml.safe_load(path.read_text()).get("models", [])
    ]
    lacking = [
        f"{mart['name']}.{column['name']}"
        for mart in marts
        for column in mart["columns"]
        if column["config"]["meta"].get("privacy") not in ("quasi", "sensitive", "none")
        or not column["config"]["meta"].get("label_zh")
        or not column["description"]
    ]
    assert marts
    assert lacking == []

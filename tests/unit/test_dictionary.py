"""Formulas are read from SQL: through expressions, unions, stars and lists of values."""

from __future__ import annotations

from typing import Any

import pytest

from include.dictionary.formulas import Formulas
from include.dictionary.project import Project


def formulas(**models: str) -> Formulas:
    """Of a project of these models; each reads the one before, the first ``raw.kind``."""
    nodes: dict[str, Any] = {}
    before = "source.p.raw.kind"
    for name, text in models.items():
        nodes[f"model.p.{name}"] = {
            "name": name, "resource_type": "model", "schema": "core", "raw_code": text,
            "depends_on": {"nodes": [before]}, "columns": {},
        }  # fmt: skip
        before = f"model.p.{name}"
    sources = {"source.p.raw.kind": {"source_name": "raw", "name": "kind"}}
    return Formulas(Project({"nodes": nodes, "sources": sources}))


def steps(text: str, column: str) -> list[tuple[str, str]]:
    found = formulas(m=text).of("m", column)
    return [] if found is None else list(found.steps)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select a.x + 1 as y from {{ ref('a') }} as a", [("y", "a.x + 1")]),
        ("select a.y from {{ ref('a') }} as a", []),
        ("with c as (select 2 * x as y from a) select c.y from c", [("y", "2 * x")]),
        ("with c as (select 2 * x as y from a) select c.* from c", [("y", "2 * x")]),
        ("select x as y from a union all select -z from b", [("y", "x"), ("y", "-z")]),
        (
            "select i.y from a cross join lateral (values ('p', a.x + 1), ('q', null)) as i (k, y)",
            [("y of 'p'", "a.x + 1")],
        ),
        ("select {{ period() }} as y", [("y", ":period")]),
    ],
)
def test_the_steps_of_a_formula(text: str, expected: list[tuple[str, str]]) -> None:
    assert steps(text, "y") == expected


def test_what_cannot_be_read_has_no_formula() -> None:
    assert formulas(m="{{ base('kind') }}").of("m", "y") is None
    assert formulas(m="select 1 as x").of("m", "y") is None
    assert formulas(m="select from where").columns("m") == []


def test_columns_are_those_of_the_last_select() -> None:
    assert formulas(m="with c as (select 1 as z) select c.z as x, 2 as y from c").columns("m") == [
        "x", "y",
    ]  # fmt: skip


def test_a_column_rests_on_the_sources_of_what_it_reads() -> None:
    found = formulas(
        a="select r.x from {{ source('raw', 'kind') }} as r", b="select a.x, 1 as y from a"
    )
    assert found.leaves("b", "x") == {"raw.kind"}
    assert found.leaves("b", "y") == frozenset()

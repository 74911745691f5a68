"""Two months with two corrections: every version is proven, and the end is what it should be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from include.evaluation.corrected import BY_RIGHT, Difference, Marts, differences, digest, export
from tests.e2e.municipality import Municipality
from tests.recovery.conftest import FIRST, LAST, folder, run_months

PERIODS = [FIRST, LAST]


def test_every_version_is_proven(small: Municipality) -> None:
    log = small.query("select period, version from ops.publication where state = 'published'")
    before = small.marts()
    done = small.run("verify", "--all", "--json")
    assert done.code == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout)
    assert sorted((o["period"], o["version"]) for o in figures["outcomes"]) == sorted(log)
    assert len(log) >= 4  # each month was corrected
    assert (figures["proven"], figures["differences"]) == (len(log), 0)
    assert small.marts() == before


def test_the_end_is_what_a_warehouse_shows_that_was_right_from_the_start(
    small: Municipality, tmp_path: Path
) -> None:
    home = folder("warehouse-right-")
    right = Municipality(home)
    try:
        shutil.copy(small.home / "secrets.json", home)  # the same keys of persons
        run_months(home, FIRST, LAST)
        assert right.run("up", "postgres").code == 0
        with right.as_settings():
            expected = export(PERIODS, tmp_path / "expected")
    finally:
        right.run("down")
        shutil.rmtree(home)
    with small.as_settings():
        found = export(PERIODS, tmp_path / "found")
    assert digest(found) == digest(expected)
    differing = differences(found, expected)
    assert {one.mart for one in differing} == {"data_health"}
    assert all(one.is_by_right for one in differing)


@pytest.fixture
def table() -> Marts:
    return {(FIRST, "data_health"): {"a": {"kind": "a", "arrivals": "1", "grade": "A"}}}


def test_what_differs_is_named(table: Marts) -> None:
    ((key, rows),) = table.items()
    assert differences(table, table) == ()
    assert differences({}, {}) == ()
    more = {key: {"a": rows["a"] | {"arrivals": "2"}}}
    (by_right,) = differences(more, table)
    assert (by_right, by_right.is_by_right) == (
        Difference(*key, 1, ("arrivals",)),
        True,
    )
    assert digest(more) == digest(table)
    worse = {key: {"a": rows["a"] | {"arrivals": "2", "grade": "B"}}}
    (wrong,) = differences(worse, table)
    assert (wrong.columns, wrong.is_by_right) == (("arrivals", "grade"), False)
    assert digest(worse) != digest(table)
    (gone,) = differences({key: {}}, table)
    assert (gone.rows, gone.columns, gone.is_by_right) == (1, (), False)
    assert not replace(by_right, mart="household_month").is_by_right
    assert "grade" not in BY_RIGHT["data_health"]

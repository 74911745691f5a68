"""A loader killed in the middle (the kill matrix has more: ./warehouse evaluate kills)."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.evaluation.kills.hooks import Trigger
from include.evaluation.kills.strike import run, strike
from include.settings import settings
from tests.unit.landed import HEADER, csv_bytes, query, row

COUNTY, PERIOD = "431026", "2026-02"


@pytest.mark.parametrize(
    "trigger",
    [
        Trigger(call="os:fsync"),
        Trigger(call="pathlib:Path.replace"),
        Trigger(call="psycopg:Copy.write", after=True),
        Trigger(commit="insert into ops.arrival"),
        Trigger(commit="insert into ops.arrival", after=True),
    ],
    ids=["draft", "naming", "copying", "commit", "committed"],
)
def test_a_killed_loader_loses_and_doubles_nothing(
    warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trigger: Trigger
) -> None:
    folder = tmp_path / "drop" / PERIOD / COUNTY
    folder.mkdir(parents=True)
    (folder / "5-帮扶措施.csv").write_bytes(csv_bytes([HEADER, *(row(n) for n in range(7))]))
    monkeypatch.setenv("WAREHOUSE_COUNTY_URL", f"file://{tmp_path}/drop")
    settings.cache_clear()
    task = ("county_delivery.fetch_and_load", {"county_code": COUNTY, "period": PERIOD})
    assert strike(*task, trigger, "task", lambda: None) == []
    assert run(*task).code == 0
    counted = "(select count(*) from raw.county_measure)"
    assert query(warehouse, f"select row_count, {counted} from ops.delivery") == [(7, 7)]
    assert len([path for path in settings().landing.rglob("*") if path.is_file()]) == 1


def test_a_point_that_is_not_reached_is_a_fault(warehouse: str) -> None:
    never = Trigger(sql="no such statement")
    assert strike("monthly_build.open_build", {"period": PERIOD}, never, "task", lambda: None) == [
        "the point was not reached (exit code 0)"
    ]

"""The catalogue names every expectation of every suite, and when it last failed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest
from typer.testing import CliRunner

from expectations import catalogue, data_docs
from expectations.catalogue import Entry
from include.acceptance import judge
from include.cli.main import app
from include.contracts import contracts
from include.settings import PROJECT_ROOT, settings
from tests.expectations.deliveries import COUNTY, SOUND, deliver

KIND = "county_household"


@pytest.fixture(scope="module")
def entries(warehouse: str) -> dict[tuple[str, str], Entry]:
    """The catalogue after two months' deliveries, the first of them rejected."""
    with psycopg.connect(warehouse, autocommit=True) as db:
        deliver(db, KIND, [], period="2026-01")
        judge("county", "2026-01")
        deliver(db, KIND, [SOUND[KIND]], period="2026-02")
        judge("county", "2026-02")
        db.execute(
            "insert into ops.build (build_id, period, known_at, seeds_sha256, code_sha256)"
            " overriding system value values (1, '2026-01', now(), '', ''), (2, '2026-02', now(),"
            " '', '')"
        )
        db.execute(
            "insert into ops.gate_result (build_id, suite, expectation, severity, success)"
            " values (1, 'marts.county_scorecard', 'one_period', 'critical', false),"
            " (2, 'marts.county_scorecard', 'one_period', 'critical', true)"
        )
    return {(entry.suite, entry.check.id): entry for entry in catalogue.catalogue()}


def test_every_suite_is_in_it(entries: dict[tuple[str, str], Entry]) -> None:
    folder = PROJECT_ROOT / "expectations" / "marts"
    marts = {p.stem for p in folder.glob("*.py") if "\nTABLE = " in p.read_text(encoding="utf-8")}
    assert {suite for suite, _ in entries} == {
        *(f"deliveries.{kind}" for kind in contracts()),
        *(f"marts.{mart}" for mart in marts),
    }
    for entry in entries.values():
        assert entry.check.label_zh and entry.check.reason and entry.check.remedy


def test_a_failure_of_a_delivery_is_dated_and_placed(
    entries: dict[tuple[str, str], Entry],
) -> None:
    failed = entries[f"deliveries.{KIND}", "rows_beyond_bounds"]
    assert (failed.evaluated, failed.failed, failed.last_failed) == (2, 1, f"2026-01 {COUNTY}")
    assert failed.last_failed_at is not None
    met = entries[f"deliveries.{KIND}", "unreadable_files"]
    assert (met.evaluated, met.failed, met.last_failed_at, met.last_failed) == (2, 0, None, None)
    unasked = entries["deliveries.mz_death", "unreadable_files"]
    assert (unasked.evaluated, unasked.failed) == (0, 0)


def test_a_failure_of_a_mart_is_dated(entries: dict[tuple[str, str], Entry]) -> None:
    failed = entries["marts.county_scorecard", "one_period"]
    assert (failed.evaluated, failed.failed, failed.last_failed) == (2, 1, "2026-01")


def test_the_judge_writes_the_page(entries: dict[tuple[str, str], Entry]) -> None:
    page = (settings().data_docs / "expectations.html").read_text(encoding="utf-8")
    for suite, expectation in entries:
        assert f'id="{suite}"' in page
        assert f">{expectation}</code>" in page
    assert f"2026-01 {COUNTY}" in page


def loaded_from_elsewhere(page: Path) -> list[str]:
    return re.findall(
        r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']*|url\(\s*["']?https?:|@import""",
        page.read_text(encoding="utf-8"),
    )


def test_no_page_loads_anything_from_elsewhere(entries: dict[tuple[str, str], Entry]) -> None:
    pages = list(settings().data_docs.rglob("*.html"))
    assert len(pages) > 3
    for page in pages:
        assert loaded_from_elsewhere(page) == [], page
        assert "<script" not in page.read_text(encoding="utf-8"), page


def test_the_index_leads_to_every_page_of_a_run(entries: dict[tuple[str, str], Entry]) -> None:
    index = settings().data_docs / "index.html"
    written = re.findall(r'href="([^"]+)"', index.read_text(encoding="utf-8"))
    links = [unquote(link) for link in written]
    assert len(links) == 3  # the catalogue, and one suite of each of two runs
    for link in links:
        assert (index.parent / link).exists()
        for back in re.findall(r'href="([^"#]+)"', (index.parent / link).read_text("utf-8")):
            assert ((index.parent / link).parent / back).exists(), (link, back)
    assert "1 critical failed" in index.read_text(encoding="utf-8")


def test_the_index_lists_the_latest_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_docs, "_LISTED_RUNS", 2)
    (home / "gx").mkdir()
    for name in ("first", "second", "third"):
        data_docs._add_to_index(data_docs.Run(name, "2026-02-01T00:00:00+00:00", ()))
    page = (settings().data_docs / "index.html").read_text(encoding="utf-8")
    assert page.index("third") < page.index("second")
    assert "first" not in page


def test_the_command_gives_machines_the_same(entries: dict[tuple[str, str], Entry]) -> None:
    result = CliRunner().invoke(app, ["expectations", KIND, "--failed", "--json"])
    failed = {entry["expectation"]: entry for entry in json.loads(result.stdout)}
    assert failed["rows_beyond_bounds"]["last_failed"] == f"2026-01 {COUNTY}"
    assert failed["rows_beyond_bounds"]["defect"] == "D20"
    assert all(entry["failed"] for entry in failed.values())

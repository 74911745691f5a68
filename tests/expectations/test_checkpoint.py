"""What leaves Great Expectations: counts and row keys; no value, whatever the expectation."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
import pytest

from expectations.check import Check, Subject, no_rows
from expectations.checkpoint import Report, run
from include.database import acting_as
from include.settings import settings
from tests.expectations.deliveries import resident_id

IDS = [resident_id(n) for n in range(40)]
_WORDS: Any = {"description": "d", "label_zh": "标签", "reason": "r.", "remedy": "m."}


def _check(id: str, expectation: str, **arguments: object) -> Check:
    return Check(id, expectation, "warning", **_WORDS, arguments=arguments)


CHECKS = (
    _check("regex", "ExpectColumnValuesToMatchRegex", column="id_no", regex="^never$"),
    _check("unique", "ExpectColumnValuesToBeUnique", column="id_no"),
    _check("in_set", "ExpectColumnValuesToBeInSet", column="id_no", value_set=["never"]),
    _check("between", "ExpectColumnValuesToBeBetween", column="id_no", max_value="0"),
    _check("distinct", "ExpectColumnDistinctValuesToBeInSet", column="id_no", value_set=["never"]),
    _check("most_common", "ExpectColumnMostCommonValueToBeInSet", column="id_no", value_set=["x"]),
    _check("max", "ExpectColumnMaxToBeBetween", column="id_no", max_value="0"),
    _check("pair", "ExpectColumnPairValuesToBeEqual", column_A="id_no", column_B="row_key"),
    _check("compound", "ExpectCompoundColumnsToBeUnique", column_list=["id_no", "name"]),
    no_rows("rows", "select row_key, id_no from judged", **_WORDS),
    no_rows("quoting", "select row_key from judged where id_no::numeric(3) > 1", **_WORDS),
    no_rows("casting", "select row_key from judged where (id_no || 'y')::bigint > 1", **_WORDS),
)


@pytest.fixture(scope="module")
def report(warehouse: str) -> Report:
    with psycopg.connect(warehouse) as db:
        db.execute("create table quality.people (n bigint, id_no text, name text)")
        with db.cursor() as cursor:
            cursor.executemany(
                "insert into quality.people values (%s, %s, '欧阳测试')",
                [*enumerate(IDS), (40, IDS[0])],
            )
    with acting_as("loader"):
        return run(
            "privacy", "privacy", [Subject("privacy", "quality.people", "n", CHECKS)], max_keys=30
        )


def test_every_expectation_fails_and_shows_keys_at_most(report: Report) -> None:
    by_id = {outcome.check.id: outcome for outcome in report.outcomes}
    assert list(by_id) == [check.id for check in CHECKS]
    assert not any(outcome.success for outcome in report.outcomes)
    assert set(by_id["unique"].row_keys) == {0, 40}
    assert by_id["regex"].unexpected_count == 41
    assert len(by_id["regex"].row_keys) == len(by_id["rows"].row_keys) == 30


def test_an_expectation_that_raises_blocks_whatever_its_severity(report: Report) -> None:
    by_id = {outcome.check.id: outcome for outcome in report.outcomes}
    assert by_id["casting"].error and by_id["casting"].blocks
    assert not by_id["regex"].blocks


def test_neither_results_nor_data_docs_nor_logs_hold_a_value(
    report: Report, warehouse: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), acting_as("loader"):
        again = run(
            "privacy", "again", [Subject("privacy", "quality.people", "n", CHECKS)], max_keys=30
        )
    files = [p for p in settings().home.rglob("*") if p.is_file()]
    assert {report.pages["privacy"], again.pages["privacy"]} <= set(files)
    texts = {str(p): p.read_bytes().decode("utf-8", "replace") for p in files}
    texts |= {"log": caplog.text, "output": "".join(capfd.readouterr()), "report": repr(again)}
    for planted in ("欧阳测试", *IDS):
        assert [place for place, text in texts.items() if planted in text] == []


def test_the_page_says_what_was_expected_and_why(report: Report) -> None:
    page = report.pages["privacy"].read_text(encoding="utf-8")
    assert "标签 · d. Why: r. What to do: m." in page
    index = (settings().data_docs / "index.html").read_text(encoding="utf-8")
    assert report.pages["privacy"].name in index

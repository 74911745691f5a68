"""Every planted defect is found through Airflow, the real sources and the gates, and no other."""

from __future__ import annotations

from include.evaluation.defects import CodeFigures


def test_what_was_planted_is_found_and_nothing_else(defects: list[CodeFigures]) -> None:
    assert [one.code for one in defects] == [f"D{n:02d}" for n in range(1, 25)]
    assert [(one.code, one.examples) for one in defects if one.missed or one.false] == []


def test_every_code_has_cases(defects: list[CodeFigures]) -> None:
    assert [one.code for one in defects if not one.planted] == []

"""Figures of small comparisons: all found, some missed or too many, and nothing at all."""

from __future__ import annotations

import pandas as pd
import pytest

from include.evaluation import contradictions
from include.evaluation.comparison import Figures, compare
from include.evaluation.contradictions import CONFLICTS, FINDINGS, Kind, expected_cases, seed_names
from include.vault import identifier_key

NAMES = {"A1": "甲", "A2": "乙", "A3": "丙"}
PERSON, HOME, OTHER = "431099199001010019", "9900000000000011", "9900000000000022"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contradictions, "identifier_key", lambda kind, number: f"{kind}:{number}")


def truth(*rows: tuple[str, str, str, str, str]) -> pd.DataFrame:
    columns = ["code", "subject", "id", "household_no", "outcome"]
    return pd.DataFrame(rows, columns=columns).assign(period="2026-02")


KNOWN = {f"person:{PERSON}", f"household:{HOME}"}


def test_figures_of_a_code() -> None:
    expected = {("A1", "2026-02", "a"), ("A1", "2026-02", "b"), ("A2", "2026-02", "a")}
    found = {("A1", "2026-02", "b"), ("A1", "2026-02", "c"), ("A1", "2026-03", "b")}
    one, two, three = compare(NAMES, expected, found, {"A1": 4})
    assert (one.expected, one.found, one.missed, one.extra) == (2, 3, 1, 2)
    assert (one.precision, one.recall, one.near_misses) == (1 / 3, 1 / 2, 4)
    assert one.missed_keys == ["2026-02/a"]
    assert one.extra_keys == ["2026-02/c", "2026-03/b"]
    assert (two.precision, two.recall, two.is_exact) == (None, 0.0, False)
    assert (three.precision, three.recall, three.is_exact) == (None, None, True)
    assert three.near_misses is None


def test_all_codes_are_exact_or_the_whole_is_not() -> None:
    case = {("A1", "2026-02", "a")}
    assert Figures(compare(NAMES, case, case, {}), 0).is_exact
    assert not Figures(compare(NAMES, case, set(), {}), 0).is_exact
    assert Figures(compare(NAMES, set(), set(), {}), 0).is_exact


def test_the_key_names_the_household_where_the_truth_does() -> None:
    expected, near = expected_cases(
        truth(
            ("A1", "person", PERSON, HOME, "found"),
            ("A2", "person", PERSON, "", "found"),
            ("A3", "household", HOME, "", "found"),
        ),
        KNOWN,
    )
    assert expected == {
        ("A1", "2026-02", f"household:{HOME}/person:{PERSON}"),
        ("A2", "2026-02", f"person:{PERSON}"),
        ("A3", "2026-02", f"household:{HOME}"),
    }
    assert near == {}


def test_near_misses_are_no_cases() -> None:
    rows = truth(*[("A1", "household", HOME, "", "near")] * 2)
    assert expected_cases(rows, KNOWN) == (set(), {"A1": 2})


@pytest.mark.parametrize(("subject", "number"), [("person", PERSON), ("household", OTHER)])
def test_who_is_not_compared_is_left_out_on_both_sides(subject: str, number: str) -> None:
    known = {f"household:{HOME}"}
    for outcome in ("found", "near"):
        rows = truth(("A1", subject, number, HOME, outcome))
        assert expected_cases(rows, known) == (set(), {})


def test_an_empty_truth_asks_for_nothing() -> None:
    assert expected_cases(truth(), KNOWN) == (set(), {})


@pytest.mark.parametrize(("kind", "first"), [(FINDINGS, "X01"), (CONFLICTS, "deceased_paid_dibao")])
def test_codes_are_those_of_the_seed(kind: Kind, first: str) -> None:
    names = seed_names(kind)
    assert next(iter(names)) == first
    assert kind.has_near <= set(names)


def test_keys_are_those_of_the_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("WAREHOUSE_PERSON_KEY_SECRET", "s")
    from include.settings import settings

    settings.cache_clear()
    key = identifier_key("household", HOME)
    expected, _ = expected_cases(truth(("A1", "household", HOME, "", "found")), {key})
    assert expected == {("A1", "2026-02", key)}
    settings.cache_clear()

"""Links of rows without a usable ID: by score, by hand, for review, or a person of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.linkage import assign as linkage
from include.linkage import decisions
from include.linkage.model import compare, fixed_settings
from include.linkage.records import Reference, Subject
from include.linkage.training import prior_settings
from include.simulator.defects import departments_certificate, mistyped
from include.simulator.identifiers import check_digit
from tests.conftest import PERSON_KEY_SECRET, only_environment

PERIOD = "2026-03"
MAN = Reference(
    "man", "李小明", "19870203", "1", "431026", "5700000000000011", "h:1", "431099198702030015"
)
SISTER = replace(
    MAN, person_key="sister", name="李小红", birth="19890203", sex="2", number="h:2",
    resident_id="431099198902030021",
)  # fmt: skip
NAMESAKE = replace(
    MAN, person_key="namesake", birth="19550607", county="431002", household=None, number="h:3",
    resident_id="431099195506070011",
)  # fmt: skip
ROW = Subject(
    1, 3, "cert_no", "county_person", "李小明", "19870203", "1", "431026", "5700000000000011",
    None, None,
)  # fmt: skip
KNOWN = [MAN, SISTER, NAMESAKE]


@pytest.fixture(autouse=True)
def secret(tmp_path: Path) -> Iterator[None]:
    with only_environment(home=str(tmp_path), person_key_secret=PERSON_KEY_SECRET):
        yield


def one(subject: Subject, known: list[Reference], verdicts: linkage.Verdicts | None = None):
    links = linkage.assign([subject], known, verdicts or {}, PERIOD)
    return links[0] if links else None


def test_name_birth_sex_and_county_are_enough() -> None:
    found = one(replace(ROW, household=None), KNOWN)
    assert (found.person_key, found.method) == ("man", "splink")
    assert found.evidence == "name=exact; birth=exact; sex=exact; county=exact"
    assert found.score >= linkage.threshold("link_score", PERIOD)


def test_a_slip_in_the_id_is_enough_with_the_name() -> None:
    row = replace(
        ROW, birth=None, sex=None, county=None, household=None, damaged_id="431099198702030016"
    )
    assert one(row, KNOWN).person_key == "man"


def test_a_newborn_is_not_its_brother() -> None:
    row = replace(ROW, name="李小林", birth="20260203")
    found = one(row, KNOWN)
    assert (found.method, found.person_key) == ("provisional", linkage.subject_key(row))
    assert (found.sex, found.birth) == ("1", "20260203")


def test_two_people_who_fit_are_for_a_person_to_judge() -> None:
    twin = replace(MAN, person_key="twin", resident_id="431099198702030031", number="h:9")
    found = one(ROW, [MAN, twin])
    assert found.method == "review"
    assert found.person_key == linkage.subject_key(ROW)
    assert [rival.person_key for rival in found.rivals] == ["man", "twin"]


def test_a_judgement_links_and_another_keeps_apart() -> None:
    twin = replace(MAN, person_key="twin", resident_id="431099198702030031", number="h:9")
    key = linkage.subject_key(ROW)
    same = one(ROW, [MAN, twin], {(key, "twin"): "same"})
    assert (same.person_key, same.method) == ("twin", "decision")
    left = one(ROW, [MAN, twin], {(key, "twin"): "different"})
    assert (left.person_key, left.method) == ("man", "splink")


def test_a_row_with_nothing_to_go_by_is_nobodys() -> None:
    nothing = replace(ROW, birth=None, sex=None, county=None, household=None)
    assert one(nothing, []) is None
    assert one(replace(ROW, name=None), []) is None
    assert linkage.assign([], KNOWN, {}, PERIOD) == []


def test_next_months_row_gets_the_same_key() -> None:
    later = replace(ROW, delivery_id=9, row_no=77, damaged_id="", number="c:5")
    assert linkage.subject_key(later) == linkage.subject_key(ROW)
    assert linkage.subject_key(replace(ROW, name="李小林")) != linkage.subject_key(ROW)


def test_links_do_not_depend_on_the_order_of_rows() -> None:
    rows = [
        replace(ROW, row_no=n, name=name) for n, name in enumerate(["李小明", "李小红", "王五"])
    ]
    before = linkage.assign(rows, KNOWN, {}, PERIOD)
    shuffled = list(KNOWN)
    random.Random(1).shuffle(shuffled)
    after = linkage.assign(rows[::-1], shuffled, {}, PERIOD)
    assert sorted(before, key=repr) == sorted(after, key=repr)


def test_scores_at_the_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    score = compare([ROW], KNOWN, 0.5)[0][0].score
    for enough, method in ((score, "splink"), (score + 1e-6, "review")):
        monkeypatch.setattr(
            linkage, "threshold", lambda code, *_, at=enough: at if code == "link_score" else 0.5
        )
        assert one(ROW, [MAN]).method == method


def test_the_shipped_model_has_every_comparison_of_the_prior_one() -> None:
    def names(model: dict) -> list[str]:
        return [comparison["output_column_name"] for comparison in model["comparisons"]]

    assert names(fixed_settings()) == names(prior_settings())


@settings(max_examples=200, deadline=None)
@given(
    st.dates(datetime(1930, 1, 1).date(), datetime(2026, 1, 1).date()),
    st.integers(1, 998),
    st.floats(0, 1, exclude_max=True),
)
def test_a_slip_never_makes_a_valid_number(born: object, order: int, draw: float) -> None:
    first17 = f"431099{born:%Y%m%d}{order:03d}"
    wrong = mistyped(first17 + check_digit(first17), draw)
    assert len(wrong) == 18
    assert wrong[17] != check_digit(wrong[:17])


def test_departments_rarely_err() -> None:
    import numpy as np

    true_id = "431099198702030015"
    assert departments_certificate(true_id, np.array([0.5, 0.5])) == (true_id, False)
    assert departments_certificate(true_id, np.array([0.0, 0.1])) == ("", True)


def _review(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into vault.link_review (subject_key, candidate_key, kind, delivery_id, row_no, "
            "column_name, score, evidence) values ('s1', 'c1', 'county_person', 1, 3, 'cert_no', "
            "0.9, 'name=exact'), ('s1', 'c2', 'county_person', 1, 3, 'cert_no', 0.8, '')"
        )


def test_judgements_are_kept_taken_back_and_never_doubled(warehouse: str) -> None:
    _review(warehouse)
    assert [pair[:2] for pair in decisions.pending(10)] == [("s1", "c1"), ("s1", "c2")]
    number = decisions.decide("s", "c1", "same", "seen the register", "tester")
    assert [pair[:2] for pair in decisions.pending(10)] == [("s1", "c2")]
    with pytest.raises(decisions.DecisionRefused, match="is in force"):
        decisions.decide("s1", "c2", "same", "", "tester")
    with psycopg.connect(warehouse) as connection:
        now = datetime.now(UTC) + timedelta(hours=1)
        assert linkage._verdicts(connection, now) == {("s1", "c1"): "same"}
        assert linkage._verdicts(connection, datetime(2020, 1, 1, tzinfo=UTC)) == {}
    decisions.undo(number, "tester")
    with psycopg.connect(warehouse) as connection:
        assert linkage._verdicts(connection, datetime.now(UTC) + timedelta(hours=1)) == {}
    with pytest.raises(decisions.DecisionRefused, match="in force"):
        decisions.undo(number, "tester")


def test_an_unclear_pair_is_not_judged(warehouse: str) -> None:
    _review(warehouse)
    for subject, candidate in (("s", "c"), ("x", "c1")):
        with pytest.raises(decisions.DecisionRefused, match="pairs under review"):
            decisions.decide(subject, candidate, "same", "", "tester")


def test_two_keys_become_one_and_two_again(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "insert into vault.identifier (kind, value, key, key_version) "
            "values ('person', '1', 'old', 1), ('person', '2', 'new', 1)"
        )
    with pytest.raises(decisions.DecisionRefused, match="no person key"):
        decisions.merge("old", "nobody", "", "tester")
    number = decisions.merge("old", "new", "corrected number", "tester")
    with pytest.raises(decisions.DecisionRefused, match="already"):
        decisions.merge("new", "old", "", "tester")
    decisions.unmerge(number, "tester")
    decisions.merge("new", "old", "the other way round", "tester")

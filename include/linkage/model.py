"""The probabilistic model: Splink on DuckDB with parameters that are fixed in ``settings.json``.

The parameters are those of ``include/linkage/training.py`` and are never trained in a build, so
that a pair's score depends on the pair alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.linkage.records import Reference, Subject

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = Path(__file__).parent / "settings.json"
COMPARED = ("name", "birth", "sex", "county", "household", "number", "damaged_id")
_MEMORY = "400MB"
_NO_WEIGHT = 1e-9


@dataclass(frozen=True)
class Candidate:
    """A person a subject may be: ``subject`` is its position in the list given to ``compare``."""

    subject: int
    person_key: str
    score: float
    evidence: str
    sex: str
    birth: str


def compare(
    subjects: list[Subject],
    references: list[Reference],
    least: float,
    settings: dict[str, Any] | None = None,
) -> dict[int, list[Candidate]]:
    """Candidates scoring at least ``least`` by subject, the best first, one per person.

    ``settings`` are other parameters than the shipped ones, for evaluations.

    The order is total: score and what agreed, then key. Nothing depends on the order of the
    arguments' rows, and what is said of a subject's best candidate not on keys either.
    """
    if not subjects or not references:
        return {}
    model = settings or fixed_settings()
    weights = _weights(model)
    pairs = _predict(subject_frame(subjects), reference_frame(references), least, model)
    found: dict[int, dict[str, Candidate]] = {}
    for pair in pairs.to_dict("records"):
        position, other = int(pair["unique_id_l"]), references[int(pair["unique_id_r"])]
        words = _evidence(pair, weights)
        candidate = Candidate(
            position,
            other.person_key,
            round(float(pair["match_probability"]), 6),
            words,
            other.sex,
            other.birth,
        )
        known = found.setdefault(position, {})
        best = known.get(candidate.person_key)
        if best is None or _rank(candidate) < _rank(best):
            known[candidate.person_key] = candidate
    return {position: sorted(known.values(), key=_rank) for position, known in found.items()}


def _rank(candidate: Candidate) -> tuple[float, str, str, str, str]:
    said = (candidate.evidence, candidate.birth, candidate.sex)
    return -candidate.score, *said, candidate.person_key


def _evidence(pair: dict[Any, Any], weights: dict[str, list[tuple[float, str]]]) -> str:
    """What agreed and what did not, in the model's words; what was not compared is left out."""
    words = []
    for name, levels in weights.items():
        weight = float(pair[f"mw_{name}"])
        nearest = min(levels, key=lambda level: abs(level[0] - weight))
        if abs(weight) > _NO_WEIGHT:
            words.append(f"{name}={nearest[1]}")
    return "; ".join(words)


def _weights(settings: dict[str, Any]) -> dict[str, list[tuple[float, str]]]:
    """Comparison -> (match weight, label) of its levels."""
    return {
        comparison["output_column_name"]: [
            (log2(level["m_probability"] / level["u_probability"]), level["label_for_charts"])
            for level in comparison["comparison_levels"]
            if not level.get("is_null_level")
        ]
        for comparison in settings["comparisons"]
    }


def subject_frame(subjects: Iterable[Subject]) -> pd.DataFrame:
    """Subjects as Splink's left table."""
    return _frame(
        (n, s.name, s.birth, s.sex, s.county, s.household, s.number, s.damaged_id)
        for n, s in enumerate(subjects)
    )


def reference_frame(references: Iterable[Reference]) -> pd.DataFrame:
    """References as Splink's right table."""
    return _frame(
        (n, r.name, r.birth, r.sex, r.county, r.household, r.number, r.resident_id)
        for n, r in enumerate(references)
    )


def _frame(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd

    columns = ["unique_id", *COMPARED]
    frame = pd.DataFrame(list(rows), columns=columns)
    return frame.astype({"unique_id": "int64"} | dict.fromkeys(COMPARED, "string"))


def linker(left: pd.DataFrame, right: pd.DataFrame, settings: dict[str, Any]) -> Any:
    """Splink's linker over the two tables, in an in-memory DuckDB of one thread."""
    import logging

    import duckdb
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": _MEMORY})
    api = DuckDBAPI(connection=connection)
    tables = [
        api.register(left, dataset_display_name="l_subject"),
        api.register(right, dataset_display_name="r_reference"),
    ]
    return Linker(tables, settings, log_level=logging.ERROR)


def fixed_settings() -> dict[str, Any]:
    """The shipped parameters."""
    settings: dict[str, Any] = json.loads(SETTINGS.read_text(encoding="utf-8"))
    return settings


def _predict(
    left: pd.DataFrame, right: pd.DataFrame, least: float, settings: dict[str, Any]
) -> pd.DataFrame:
    link = linker(left, right, settings)
    frame: pd.DataFrame = link.inference.predict(
        threshold_match_probability=least
    ).as_pandas_dataframe()
    return frame

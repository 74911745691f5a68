"""Code lists that contracts name: a seed's column, or a code system of ref_code."""

from __future__ import annotations

import csv
from functools import cache

from include.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


def code_list(name: str, period: str) -> tuple[str, ...]:
    """The codes in force at some time of the month, of ``seed.column`` or ``source/code_system``.

    Raises FileNotFoundError or KeyError for a list that is not there.
    """
    return tuple(dict.fromkeys(c for c, row in _listed(name) if _is_in_force(row, period)))


def is_listed(name: str) -> bool:
    """Whether there is such a list."""
    try:
        return bool(_listed(name))
    except (FileNotFoundError, KeyError):
        return False


def defect_codes() -> frozenset[str]:
    """The codes of ref_defect."""
    return frozenset(row["defect_code"] for row in _seed("ref_defect"))


def _listed(name: str) -> list[tuple[str, dict[str, str]]]:
    """(code, its row) of a list, in force or not."""
    source, is_of_source, system = name.partition("/")
    if is_of_source:
        rows = [
            (row["code"], row)
            for row in _seed("ref_code")
            if (row["source"], row["code_system"]) == (source, system)
        ]
    else:
        seed, _, column = name.partition(".")
        rows = [(row[column], row) for row in _seed(seed)]
    if not rows:
        raise KeyError(name)
    return rows


def _is_in_force(row: dict[str, str], period: str) -> bool:
    begins, ends = row.get("effective_from") or "", row.get("effective_to") or "9999"
    return begins[:7] <= period <= ends[:7]


def sex_codes(name: str) -> tuple[list[str], list[str]]:
    """A source's own codes for men and for women."""
    source, _, system = name.partition("/")
    rows = [r for r in _seed("ref_code") if (r["source"], r["code_system"]) == (source, system)]
    return tuple([r["code"] for r in rows if (r["gb_code"] or r["code"]) == gb] for gb in "12")  # type: ignore[return-value]


@cache
def _seed(name: str) -> tuple[dict[str, str], ...]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))

"""The lines and thresholds of the seeds, as the simulated truth reads them: without dbt."""

from __future__ import annotations

import csv
from decimal import Decimal
from functools import cache

from include.simulator.areas import CITY, SEED


def income_line(year: int) -> Decimal | None:
    """The monitoring line, yuan per head; None for a year without."""
    lines = {row["year"]: row["yuan_pp"] for row in _city("ref_income_line")}
    return Decimal(lines[str(year)]) if str(year) in lines else None


def dibao_standard(year: int) -> Decimal:
    """The rural allowance standard, yuan per head and month: the year's, or the last one before."""
    rows = [row for row in _city("ref_dibao_standard") if row["urban_rural"] == "2"]
    known = {int(row["year"]): row["yuan_pp_m"] for row in rows if int(row["year"]) <= year}
    return Decimal(known[max(known)])


def threshold(code: str) -> Decimal:
    """A row of ref_threshold."""
    return next(Decimal(row["value"]) for row in _rows("ref_threshold") if row["code"] == code)


def _city(seed: str) -> list[dict[str, str]]:
    return [row for row in _rows(seed) if row["area_code"] == CITY]


@cache
def _rows(seed: str) -> tuple[dict[str, str], ...]:
    with (SEED.parent / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))

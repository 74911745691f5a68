"""What is known of Chenzhou's areas over time, derived from published lists."""

from __future__ import annotations

import csv
from functools import cache

from include.settings import PROJECT_ROOT

_SEED = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_area.csv"


@cache
def counties() -> dict[str, str]:
    """county_code (6 digits) -> name of the city's counties, from the area seed."""
    return {code[:6]: name for code, name in _areas("county").items()}


@cache
def townships() -> dict[str, str]:
    """township_code (9 digits) -> name of the city's townships and subdistricts."""
    return {code[:9]: name for code, name in _areas("township").items()}


def _areas(level: str) -> dict[str, str]:
    with _SEED.open(encoding="utf-8", newline="") as handle:
        return {
            row["area_code"]: row["name_zh"]
            for row in csv.DictReader(handle)
            if row["level"] == level
        }

"""How county offices write a household's township and village: not always by today's name."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache

from include.areas.history import SEEDS, current, stem
from include.simulator.areas import Village
from include.simulator.defects import is_planted
from include.simulator.randomness import stream

Written = tuple[str, str, tuple[tuple[str, str], ...]]
"""Township, village, and what is unusual in them: (defect code, column)."""


def written(seed: int, village: Village, households: int) -> list[Written]:
    """What the files say of each household's place; it stays so from month to month.

    D10 is an old name of the village or its township, D11 a name cut short. Both mean the
    village they stand for and no other: ``village_code`` of the truth is that one.
    """
    draws = stream(seed, "place names", village.index).random((households, 2))
    old, short = is_planted("D10", draws[:, 0]), is_planted("D11", draws[:, 1])
    names = _other_names()
    towns = names.get(("township", village.county.code, village.township_code), {})
    here = names.get(("village", village.township_code, village.code), {})
    bare = stem(village.name, village.township_name)
    is_clear = _stems()[village.township_code, bare] == 1
    plain: Written = village.township_name, village.name, ()
    found = [plain] * households
    for h in range(households):
        if old[h] and here.get("old_name"):
            found[h] = plain[0], here["old_name"], (("D10", "village"),)
        elif old[h] and towns.get("old_name"):
            found[h] = towns["old_name"], plain[1], (("D10", "township"),)
        elif short[h] and towns.get("suffix_dropped") and h % 2:
            found[h] = towns["suffix_dropped"], plain[1], (("D11", "township"),)
        elif short[h] and is_clear:
            found[h] = plain[0], bare, (("D11", "village"),)
    return found


@cache
def _other_names() -> dict[tuple[str, str, str], dict[str, str]]:
    """(level, county or township, area) -> kind of alias -> the first such name."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    with (SEEDS / "ref_area_alias.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place = row["township_code"] or row["county_code"]
            names = found.setdefault((row["level"], place, row["area_code"]), {})
            names.setdefault(row["kind"], row["alias"])
    return found


@cache
def _stems() -> Counter[tuple[str, str]]:
    """How many villages of a township have a stem: what two have names neither."""
    areas = current()
    return Counter(
        (area.parent, stem(area.name, areas[area.parent].name))
        for area in areas.values()
        if area.level == "village"
    )

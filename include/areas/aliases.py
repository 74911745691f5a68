"""Which other names of an area a file may carry: the rows of ``ref_area_alias``.

Spellings of one stem (云善, 云善村委会) are not listed: core.area_name knows them by their stem.

An alias names exactly one area within its county (townships) or its township (villages). What
could mean two is left out, and so is what is another area's own name: a household whose place is
not certain has none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from include.areas.history import Area, Change, stem, township_stem

PSEUDO_AREAS = (
    ("431003", "高新区", "431003101000"),
    ("431003", "郴州高新区", "431003101000"),
    ("431026", "经开区", "431026401000"),
    ("431026", "汝城经开区", "431026401000"),
)
"""(county, name in files, township): zones that are no division of GB/T 2260. Which township a
zone belongs to is an assumption of ours."""


@dataclass(frozen=True)
class Alias:
    """A row of ``ref_area_alias``. ``township_code`` is the current township a file puts the
    village in; empty for townships."""

    alias: str
    level: str
    county_code: str
    township_code: str
    area_code: str
    kind: str
    verified: str


def aliases(old: dict[str, Area], new: dict[str, Area], changed: list[Change]) -> list[Alias]:
    """All aliases of the areas of ``new``, ordered by where they hold and their text."""
    proposed: dict[tuple[str, str, str, str], set[tuple[str, str]]] = defaultdict(set)

    def propose(area: Area, township: str, name: str, kind: str) -> None:
        if name:
            proposed[area.level, area.county, township, name].add((area.code, kind))

    for area in new.values():
        if area.level == "township":
            propose(area, "", township_stem(area.name), "suffix_dropped")
        before = old.get(area.code)
        if before is not None and before.level == area.level in ("township", "village"):
            place = area.parent if area.level == "village" else ""
            propose(area, place, before.name, "old_name")
    for change in changed:
        if not (change.old_code and change.new_code):
            continue
        area = new[change.new_code]
        if change.level == "township":
            if change.kind != "split":
                propose(area, "", change.old_name, "old_name")
            continue
        before = old[change.old_code]
        root = stem(before.name, _township_name(before, old))
        towns = {area.parent, *_successors(before.parent, new, changed)}
        for township in sorted(towns):
            for name in {before.name, root + "村"}:
                propose(area, township, name, "old_name")
    for county, name, township in PSEUDO_AREAS:
        proposed["township", county, "", name].add((township, "pseudo_area"))

    by_stem: dict[tuple[str, str], set[str]] = defaultdict(set)
    for area in new.values():
        if area.level == "village":
            by_stem[area.parent, stem(area.name, _township_name(area, new))].add(area.code)

    own = {
        (a.level, a.county, a.parent if a.level == "village" else "", a.name) for a in new.values()
    }
    found = []
    for (level, county, township, name), meant in proposed.items():
        codes = {code for code, _ in meant}
        known = by_stem[township, stem(name, new[township].name)] if township else set()
        if known == codes:
            continue
        if len(codes) == 1 and (level, county, township, name) not in own:
            kind = min(kind for _, kind in meant)
            (code,) = codes
            found.append(Alias(name, level, county, township, code, kind, _verified(kind)))
    return sorted(found, key=lambda a: (a.level, a.county_code, a.township_code, a.alias))


def _township_name(area: Area, areas: dict[str, Area]) -> str:
    return areas[area.parent].name if area.level == "village" else ""


def _successors(township: str, new: dict[str, Area], changed: list[Change]) -> list[str]:
    """The current township itself, or those a township of 2016 went into."""
    if township in new:
        return [township]
    return [c.new_code for c in changed if c.old_code == township and c.new_code]


def _verified(kind: str) -> str:
    return "false" if kind in ("pseudo_area", "old_name") else "true"

"""What became of the areas of 2016: derived by comparing two published lists, not from decrees.

The lists are NBS's of 2016 (``data/chenzhou_divisions_2016.csv``) and the current one (the seed
``ref_area``). Neither says why a code came or went, so the method claims no more than they show:

1. Names are compared by their stem: without the words for a committee (村委会, 社区居委会 …), the
   township's name in front, and 村 or 社区 at the end. Two spellings of one stem are no change.
2. Same code, other stem: ``rename``.
3. Code gone, its stem found under exactly one code that is new: ``recode`` (in the same township
   or its successor first, then in the county). A village made an urban community is such a case.
4. Code gone, its stem found under exactly one code of the same township that both lists have:
   ``merge`` into that one (a community joined to the village of its name).
5. A township whose code is gone follows its villages: the current townships they are found in.
   One of them that only this township fed: ``rename``; one that others fed too: ``merge``;
   several: ``split``.
6. Code gone and nothing found: ``abolish``, successor unknown. The merged villages of 2016 to 2017
   are among them; no list says into which they went.
7. New code that no old area leads to: ``establish``.

The day is the current list's cut-off: the change happened by then and after the old list's. Each
row says verified=false until somebody enters the decree.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from include.settings import PROJECT_ROOT

OLD_LIST = Path(__file__).parent / "data" / "chenzhou_divisions_2016.csv"
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
OLD_LIST_ON = "2016-07-31"
CURRENT_LIST_ON = "2023-06-30"
SOURCE = "NBS divisions of 2016 (Vonng/adcode, CC-BY-4.0) against 2023 (china-division 2.7.0)"

_COMMITTEE = re.compile(r"(社区)?(居民委员会|居委会)$|(村民委员会|村委会|村会)$")
_TOWNSHIP = re.compile(r"(街道|镇|[瑶畲]族乡|乡)$")


Stems = dict[tuple[str, str], list[str]]
"""(county, stem) -> codes of the villages so called."""


@dataclass(frozen=True)
class Area:
    """A listed area; ``parent`` is the code of the township or county it lies in."""

    code: str
    level: str
    name: str
    parent: str

    @property
    def county(self) -> str:
        """The six-digit code of its county."""
        return self.code[:6]


@dataclass(frozen=True)
class Change:
    """A row of ``ref_area_change``; what is not known is empty."""

    old_code: str
    old_name: str
    new_code: str
    new_name: str
    level: str
    kind: str
    effective_on: str
    old_listed_on: str
    source: str
    verified: str


@cache
def current() -> dict[str, Area]:
    """The current list by code."""
    with (SEEDS / "ref_area.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        r["area_code"]: Area(r["area_code"], r["level"], r["name_zh"], r["parent_code"])
        for r in rows
    }


@cache
def of_2016() -> dict[str, Area]:
    """The list of 2016 by code, with today's words for the levels."""
    with OLD_LIST.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    level = {"town": "township"}
    return {
        r["code"]: Area(
            r["code"], level.get(r["level"], r["level"]), r["name_zh"], r["parent_code"]
        )
        for r in rows
    }


def stem(name: str, township: str = "") -> str:
    """What of a village's name does not change with how its committee is called."""
    if township and name.startswith(township) and len(name) > len(township) + 2:
        name = name[len(township) :]
    name = _COMMITTEE.sub("", name)
    name = name.replace("村瑶族村", "瑶族村").replace("村畲族村", "畲族村")
    if name.endswith("社区") and len(name) > 2:
        return name[:-2]
    return name.rstrip("村") or name


def township_stem(name: str) -> str:
    """A township's name without 街道, 镇 or 乡."""
    return _TOWNSHIP.sub("", name) or name


def changes(old: dict[str, Area], new: dict[str, Area]) -> list[Change]:
    """Every change from ``old`` to ``new``, ordered by level, old code and new code."""
    by_stem = _by_stem(new)
    followed = _townships(old, new, by_stem)
    found: list[Change] = []
    targets: set[str] = set()
    for area in sorted(old.values(), key=lambda a: a.code):
        if area.level == "village":
            change = _village(area, old, new, followed, by_stem)
        elif area.level == "township":
            change = None
            found += _township(area, new, followed)
            targets |= set(followed.get(area.code, ()))
        else:
            continue
        if change:
            found.append(change)
            targets.add(change.new_code)
    found += [
        _change(None, area, "establish")
        for area in new.values()
        if area.level in ("township", "village") and area.code not in old.keys() | targets
    ]
    return sorted(found, key=lambda c: (c.level, c.old_code or c.new_code, c.new_code))


def _village(
    area: Area,
    old: dict[str, Area],
    new: dict[str, Area],
    followed: dict[str, tuple[str, ...]],
    by_stem: Stems,
) -> Change | None:
    root = stem(area.name, old[area.parent].name)
    same = new.get(area.code)
    if same is not None:
        return (
            None
            if stem(same.name, new[same.parent].name) == root
            else _change(area, same, "rename")
        )
    places = [{area.parent, *followed.get(area.parent, ())}, None]
    for place in places:
        here = [code for code in by_stem[area.county, root] if code not in old]
        if place is not None:
            here = [code for code in here if new[code].parent in place]
        if len(here) == 1:
            return _change(area, new[here[0]], "recode")
    kept = [c for c in by_stem[area.county, root] if c in old and new[c].parent == area.parent]
    if len(kept) == 1:
        return _change(area, new[kept[0]], "merge")
    return _change(area, None, "abolish")


def _townships(
    old: dict[str, Area], new: dict[str, Area], by_stem: Stems
) -> dict[str, tuple[str, ...]]:
    """Township whose code is gone -> the current townships that at least a third of its villages
    are found in, by number of villages and code."""
    found: dict[str, tuple[str, ...]] = {}
    for area in old.values():
        if area.level != "township" or area.code in new:
            continue
        votes: Counter[str] = Counter()
        for village in old.values():
            if village.parent == area.code:
                here = [
                    code
                    for code in by_stem[area.county, stem(village.name, area.name)]
                    if code not in old
                ]
                votes.update({new[code].parent for code in here} if len(here) == 1 else ())
        least = sum(votes.values()) / 3
        ranked = sorted(votes.items(), key=lambda item: (-item[1], item[0]))
        found[area.code] = tuple(code for code, count in ranked if count >= least)
    return found


def _township(
    area: Area, new: dict[str, Area], followed: dict[str, tuple[str, ...]]
) -> list[Change]:
    if area.code in new:
        same = new[area.code]
        return [] if same.name == area.name else [_change(area, same, "rename")]
    targets = followed[area.code]
    if not targets:
        return [_change(area, None, "abolish")]
    if len(targets) > 1:
        return [_change(area, new[code], "split") for code in targets]
    fed = sum(targets[0] in others for others in followed.values())
    return [_change(area, new[targets[0]], "merge" if fed > 1 else "rename")]


def _by_stem(areas: dict[str, Area]) -> Stems:
    """(county, stem) -> codes of the villages so called."""
    found: Stems = defaultdict(list)
    for area in areas.values():
        if area.level == "village":
            found[area.county, stem(area.name, areas[area.parent].name)].append(area.code)
    return found


def _change(old: Area | None, new: Area | None, kind: str) -> Change:
    return Change(
        old.code if old else "",
        old.name if old else "",
        new.code if new else "",
        new.name if new else "",
        (old or new).level,  # type: ignore[union-attr]
        kind,
        CURRENT_LIST_ON,
        OLD_LIST_ON if old else "",
        SOURCE,
        "false",
    )

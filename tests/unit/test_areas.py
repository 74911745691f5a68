"""What became of areas, and which names mean them: the method on small lists, and the real ones."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from include.areas.aliases import aliases
from include.areas.history import SEEDS, Area, Change, changes, current, of_2016, stem
from include.areas.seeds import write

TOWN = Area("431026108000", "township", "卢阳镇", "431026000000")
OTHER = Area("431026109000", "township", "马桥镇", "431026000000")


def village(number: int, name: str, township: Area = TOWN) -> Area:
    return Area(f"{township.code[:9]}{number:03d}", "village", name, township.code)


def listed(*areas: Area) -> dict[str, Area]:
    return {area.code: area for area in areas}


def summary(found: list[Change]) -> list[tuple[str, str, str]]:
    return [(c.kind, c.old_name, c.new_name) for c in found]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("云善村", "云善"), ("云善村委会", "云善"), ("云善村村委会", "云善"), ("东村村", "东"),
        ("文塔社区居委会", "文塔"), ("文塔社区", "文塔"), ("文塔居民委员会", "文塔"),
        ("卢阳镇云善村", "云善"), ("桃源村瑶族村", "桃源瑶族"), ("社区", "社区"), ("村", "村"),
    ],
)  # fmt: skip
def test_the_stem_of_a_name(name: str, expected: str) -> None:
    assert stem(name, "卢阳镇") == expected


def test_nothing_changed() -> None:
    areas = listed(TOWN, village(200, "云善村"))
    assert changes(areas, areas) == []
    assert changes({}, {}) == []


def test_another_spelling_is_no_change() -> None:
    assert changes(
        listed(TOWN, village(200, "云善村委会")), listed(TOWN, village(200, "云善村"))
    ) == []  # fmt: skip


def test_each_kind_of_change() -> None:
    old = listed(
        TOWN, village(1, "江口社区"), village(200, "甲村"), village(201, "乙村"),
        village(202, "丙村"), village(203, "江口村"),
    )  # fmt: skip
    new = listed(
        TOWN, village(2, "乙社区"), village(200, "戊村"), village(203, "江口村"),
        village(204, "己村"),
    )  # fmt: skip
    assert sorted(summary(changes(old, new))) == [
        ("abolish", "丙村", ""),
        ("establish", "", "己村"),
        ("merge", "江口社区", "江口村"),
        ("recode", "乙村", "乙社区"),
        ("rename", "甲村", "戊村"),
    ]


def test_a_name_found_twice_proves_nothing() -> None:
    new = listed(TOWN, OTHER, village(204, "乙村"), village(3, "乙社区"))
    kinds = summary(changes(listed(TOWN, OTHER, village(201, "乙村", OTHER)), new))
    assert ("abolish", "乙村", "") in kinds


def test_a_township_follows_its_villages() -> None:
    gone = Area("431026110000", "township", "旧镇", "431026000000")
    new_town = Area("431026001000", "township", "新街道", "431026000000")
    old = listed(gone, village(200, "甲村", gone), village(201, "乙村", gone))
    one = listed(new_town, village(200, "甲村", new_town), village(201, "乙村", new_town))
    assert ("rename", "旧镇", "新街道") in summary(changes(old, one))
    two = listed(
        new_town, OTHER, village(200, "甲村", new_town), village(201, "乙村", OTHER)
    )  # fmt: skip
    assert [c for c in summary(changes(old, two)) if c[0] == "split"] == [
        ("split", "旧镇", "新街道"), ("split", "旧镇", "马桥镇"),
    ]  # fmt: skip
    assert ("abolish", "旧镇", "") in summary(changes(listed(gone), listed(OTHER)))


def test_what_could_mean_two_places_is_no_alias() -> None:
    areas = listed(TOWN, village(1, "江口社区"), village(200, "江口村"), village(201, "云善村"))
    found = {(a.alias, a.area_code) for a in aliases(areas, areas, []) if a.level == "village"}
    assert found == set()
    known = aliases(listed(TOWN, village(201, "旧善村"), village(202, "江口社区")), areas, [])
    assert [(a.alias, a.area_code) for a in known if a.level == "village"] == [
        ("旧善村", "431026108201"),
    ]  # fmt: skip


def test_an_old_name_holds_in_the_township_a_village_moved_to() -> None:
    gone = Area("431026110000", "township", "旧镇", "431026000000")
    old, new = listed(gone, village(200, "甲村", gone)), listed(TOWN, village(205, "甲村"))
    found = {(a.level, a.alias, a.kind) for a in aliases(old, new, changes(old, new))}
    assert ("township", "旧镇", "old_name") in found


def test_the_seeds_are_what_the_lists_give(tmp_path: Path) -> None:
    write(tmp_path)
    for name in ("ref_area_change.csv", "ref_area_alias.csv"):
        assert (tmp_path / name).read_bytes() == (SEEDS / name).read_bytes(), (
            "write them anew: python -m include.areas.seeds"
        )


def test_seeds_lead_to_areas_there_are() -> None:
    with (SEEDS / "ref_area_alias.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(row["area_code"] in current() for row in rows)
    keys = [(r["level"], r["county_code"], r["township_code"], r["alias"]) for r in rows]
    assert len(keys) == len(set(keys))
    found = changes(of_2016(), current())
    assert {c.kind for c in found} == {
        "rename", "recode", "merge", "split", "abolish", "establish",
    }  # fmt: skip
    assert all(c.old_code in of_2016() for c in found if c.old_code)


def test_township_codes_of_civil_affairs_agree_with_the_area_list() -> None:
    with (SEEDS / "ref_township_crosswalk.csv").open(encoding="utf-8") as file:
        crosswalk = {r["nbs_code9"]: r["mca_code9"] for r in csv.DictReader(file)}
    with (SEEDS / "ref_area.csv").open(encoding="utf-8") as file:
        townships = [r for r in csv.DictReader(file) if r["level"] == "township"]
    assert {r["area_code"][:9]: r["mca_township_code"] for r in townships} == {
        nbs: mca for nbs, mca in crosswalk.items() if nbs
    }
    differing = [nbs for nbs, mca in crosswalk.items() if nbs and mca and nbs != mca]
    assert len(differing) == 45
    assert sum(mca in crosswalk for nbs, mca in crosswalk.items() if nbs in differing) == 22

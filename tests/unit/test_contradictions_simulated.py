"""Every contradiction the warehouse looks for is there in the smallest municipality, each once."""

from __future__ import annotations

from collections import Counter

import pytest

from include.evaluation.contradictions import CONFLICTS, FINDINGS, seed_names
from include.simulator import conflicts, elsewhere, findings
from include.simulator.areas import villages
from include.simulator.months import month
from include.simulator.profiles import profile_of
from include.simulator.village import VillageLife, VillageMonth

TINY = profile_of("tiny")
SINCE = month("2026-01")


@pytest.fixture(scope="module")
def march() -> list[VillageMonth]:
    """All villages in the third month: some contradictions need months to come about."""
    here = [village for found in villages(TINY).values() for village in found]
    return [VillageLife(42, TINY, village, SINCE).at(SINCE + 2) for village in here]


def test_every_finding_is_planted(march: list[VillageMonth]) -> None:
    found = Counter(
        row for village in march for row in findings.findings(village) if row[-1] == findings.FOUND
    )
    assert {row[0] for row in found} == set(seed_names(FINDINGS))
    assert max(found.values()) == 1


def test_every_conflict_is_planted(march: list[VillageMonth]) -> None:
    found = Counter(row for village in march for row in conflicts.conflicts(village))
    seldom = {"possible_missed_dibao", "deceased_on_file", "county_dibao_unregistered"}
    assert {row[0] for row in found} >= set(seed_names(CONFLICTS)) - seldom
    assert max(found.values()) == 1


def test_a_village_without_slips_has_no_conflict_of_the_overlooked_dead(
    march: list[VillageMonth],
) -> None:
    (none,) = (village for village in march if village.life.village.turn == 0)
    kinds = {row[0] for row in conflicts.conflicts(none)}
    assert not {kind for kind in kinds if kind.startswith("deceased_paid_") and "dibao" not in kind}


def test_who_is_claimed_from_another_county_is_listed_twice_and_not_thrice(
    march: list[VillageMonth],
) -> None:
    claimed = [claim for village in march for claim in elsewhere.claims(village.life)]
    assert claimed
    cases = Counter(
        row[2]
        for village in march
        for row in conflicts.conflicts(village)
        if row[0].startswith("person_in_two_")
    )
    assert set(cases.values()) == {2}
    assert {claim.person_id for claim in claimed} <= set(cases)

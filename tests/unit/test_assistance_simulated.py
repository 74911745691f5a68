"""What the simulator plants for the civil-affairs rules: cases of each, and what is just none."""

from __future__ import annotations

from collections import defaultdict

import pytest

from include.simulator import appointed, assistance_truth, civil_affairs, disability, low_income
from include.simulator import orphans as children
from include.simulator.areas import villages
from include.simulator.months import epoch_day, month, month_of
from include.simulator.profiles import profile_of
from include.simulator.village import VillageLife

SEED = 20260101
MONTHS = [month(text) for text in ("2026-01", "2026-02", "2026-03", "2027-12")]


@pytest.fixture(scope="module")
def lives() -> list[VillageLife]:
    profile = profile_of("tiny")
    return [
        VillageLife(SEED, profile, village)
        for here in villages(profile).values()
        for village in here
    ]


@pytest.fixture(scope="module")
def values(lives: list[VillageLife]) -> dict[str, dict[int, list[float]]]:
    """metric -> month -> the city's values."""
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for life in lives:
        for when in MONTHS:
            for _, _, metric, value in assistance_truth.metrics(life.at(when)):
                found[metric][when].append(float(value))
    return found


@pytest.mark.parametrize(
    "metric",
    [
        "dibao_started", "dibao_ended", "tekun_started", "low_income_edge_started",
        "rigid_expense_started", "orphan_started", "dibao_and_tekun",
    ],
)  # fmt: skip
def test_every_month_has_a_case(values: dict[str, dict[int, list[float]]], metric: str) -> None:
    assert all(values[metric][when] for when in MONTHS)


def test_counts_and_grades_lie_on_both_sides_of_their_thresholds(
    values: dict[str, dict[int, list[float]]],
) -> None:
    for when in MONTHS:
        assert {1, 2} <= set(values["temp_aid_12m_count"][when])
        assert {1, 2} <= set(values["disabled_members"][when])
    grades = [grade for when in MONTHS[:3] for grade in values["new_disability_grade"][when]]
    assert min(grades) <= 2 and 3 in grades


def test_money_goes_to_the_dead_in_the_first_months(
    values: dict[str, dict[int, list[float]]],
) -> None:
    paid = [amount for when in MONTHS[:3] for amount in values["deceased_paid_amt"][when]]
    assert paid and min(paid) > 0


def test_each_purpose_has_one_turn_a_month(lives: list[VillageLife]) -> None:
    turns = sorted(when for life in lives for when in appointed.turns(life.village, appointed.EDGE))
    assert turns == list(range(month("2024-01"), month("2028-01")))


def test_an_earlier_grant_of_aid_is_five_or_twelve_months_old(lives: list[VillageLife]) -> None:
    gaps = set()
    for life in lives:
        months: dict[int, list[int]] = defaultdict(list)
        for when, persons in appointed.aided(life.people).items():
            for person in persons:
                months[person].append(when)
        gaps |= {max(two) - min(two) for two in months.values()}
    assert gaps == {5, 12}


def test_registers_hold_nothing_of_later_months(lives: list[VillageLife]) -> None:
    last = month("2026-02")
    end = "2026-03-01"
    for life in lives[:11]:
        for kind, record in civil_affairs.records(life, month("2026-01"), last):
            dates = [record.get(name, "") for name in ("recognised_on", "ended_on", "issued_on")]
            assert all(date < end for date in dates if date), kind
            if kind in ("mz_orphan", "mz_dibao_family"):
                assert record["start_ym"] <= "202602"
            assert record["updated_at"] < "2026-03-20"


def test_layers_certificates_and_supports_end_after_they_begin(lives: list[VillageLife]) -> None:
    for life in lives:
        people = life.people
        assert all(one.recognised < one.ended for one in low_income.recognitions(life))
        for certificate in disability.certificates(life):
            assert people.birth[certificate.person] < certificate.issued
            assert certificate.issued < people.death[certificate.person]
            assert month_of(certificate.issued) < certificate.end
        for support in children.supports(life):
            assert people.birth[support.child] < epoch_day(support.start)
            assert support.start < support.end

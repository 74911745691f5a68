"""The health side of the simulated municipality: planted cases, agreement, determinism."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from include.simulator import health_metrics, illness, settlements, vital
from include.simulator.areas import counties, villages
from include.simulator.months import date_of, epoch_day, month, month_of
from include.simulator.profiles import profile_of
from include.simulator.village import VillageLife

SEED = 7
FIRST = month("2026-01")
MONTHS = range(FIRST, FIRST + 3)


def lives(since: int = FIRST) -> list[VillageLife]:
    tiny = profile_of("tiny")
    return [
        VillageLife(SEED, tiny, village, since)
        for county in counties()
        for village in villages(tiny)[county.code]
    ]


@pytest.fixture(scope="module")
def values() -> dict[str, set[Decimal]]:
    """metric -> its values anywhere in the city in the first three months."""
    found: dict[str, set[Decimal]] = defaultdict(set)
    for life in lives():
        for when in MONTHS:
            for _, _, metric, value in health_metrics.metrics(life.at(when)):
                found[metric].add(Decimal(value))
    return found


@pytest.mark.parametrize(
    ("metric", "beside"),
    [
        ("oop_ytd_amt", ("4999.99", "5000", "19999.99", "20000", "11700", "11700.01")),
        ("oop_ytd_amt", ("23400", "23400.01")),
        ("outpatient_oop_month_amt", ("499.99", "500")),
        ("out_of_list_share_ytd", ("0.3", "0.300002")),
        ("uninsured", ("0", "1")),
        ("insurance_paused", ("0", "1")),
        ("major_disease_new", ("0", "1")),
        ("mental_illness_new", ("0", "1")),
        ("birth_defect_new", ("0", "1")),
        ("death_in_month", ("0", "1")),
    ],
)
def test_three_months_hold_cases_on_and_beside_each_threshold(
    values: dict[str, set[Decimal]], metric: str, beside: tuple[str, ...]
) -> None:
    assert {Decimal(value) for value in beside} <= values[metric]


def test_certificates_agree_with_the_population() -> None:
    certified = born = 0
    for life in lives():
        people = life.people
        for when in MONTHS:
            for i, reported in vital.certified(life, when):
                certified += 1
                assert month_of(int(people.death[i])) == when <= reported <= when + 1
            for birth in vital.births_reported(life, when):
                assert people.sex[birth.mother] == 2
                if birth.child >= 0:
                    born += 1
                    assert birth.day == people.birth[birth.child]
                    assert people.household[birth.mother] == people.household[birth.child]
    assert certified and born


def test_months_in_any_order_give_the_same_records() -> None:
    registers = (
        illness.chronic_register, illness.contracts, illness.followups, illness.medical_aid,
        illness.major_register, vital.deaths, vital.births,
    )  # fmt: skip

    def records(life: VillageLife, when: int) -> list[dict[str, str]]:
        uploaded = [one.record for one in settlements.uploaded(life, when)]
        return uploaded + [record for register in registers for record in register(life, when)]

    forward = {when: [records(life, when) for life in lives()[:6]] for when in MONTHS}
    settlements.settled.cache_clear()
    backward = {when: [records(life, when) for life in lives()[:6]] for when in reversed(MONTHS)}
    assert forward == backward


def test_aid_with_a_settlement_is_its_medical_aid_and_refunds_have_none() -> None:
    seen = 0
    for life in lives():
        for when in MONTHS:
            made = {one.record["setl_id"]: one for one in settlements.uploaded(life, when)}
            undone = {one.record["init_setl_id"] for one in made.values() if one.is_refund}
            for aid in illness.medical_aid(life, when):
                if aid["aid_type"] == "1":
                    seen += 1
                    assert aid["aid_amt"] == made[aid["setl_id"]].record["maf_pay"]
                    assert aid["setl_id"] not in undone
    assert seen


def test_settlements_add_up_in_every_sign() -> None:
    for life in lives()[:8]:
        for one in settlements.settled(life, FIRST):
            fen = one.fen
            assert fen["medfee_sumamt"] == (
                fen["fund_pay_sumamt"] + fen["psn_part_amt"] + fen["hosp_part_amt"]
            )
            assert fen["fund_pay_sumamt"] == fen["hifp_pay"] + fen["hifmi_pay"] + fen["maf_pay"]
            assert (fen["medfee_sumamt"] < 0) == one.is_refund


def test_a_case_counts_when_it_is_first_delivered() -> None:
    case = illness.Case(1, 1, "08", "C34.900", "肺癌", epoch_day(FIRST), FIRST)
    assert case.first_delivered(FIRST) == FIRST
    assert case.first_delivered(FIRST + 1) == FIRST + 1
    assert f"{date_of(case.confirmed)}" == "2026-01-01"

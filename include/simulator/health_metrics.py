"""What is true of the medical rules' metrics, from the simulator's state and not from its files.

A value of 0 stands for a near-miss: insured since today, paused beside a scheme in force, a case
too old to be new or sent again, a birth without a defect, a death of the month before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from include.simulator import burdens, civil_affairs, illness, settlements, vital
from include.simulator.identity import certificate_is_lost
from include.simulator.months import epoch_day, month_of
from include.simulator.roster import GONE
from include.simulator.spreadsheets import money

if TYPE_CHECKING:
    from include.simulator.village import VillageMonth

Metric = tuple[str, str, str, str]


def metrics(month: VillageMonth) -> Iterator[Metric]:
    """Every metric of the family ``health`` that is not nothing, or nearly, of persons on file."""
    people, listed = month.people, month.roster
    on_file = {
        i
        for i, status in zip(listed.rows.tolist(), listed.status, strict=True)
        if status not in GONE and not certificate_is_lost(people, i)
    }
    for name, values in (
        *_payments(month),
        *_insurance(month, on_file),
        *_major_diseases(month),
    ):
        for i, value in values.items():
            if i in on_file:
                yield "person", people.person_id[i], name, value
    for name, cases in _vital(month, on_file):
        for h, count in sorted(cases.items()):
            yield "household", people.household_no[h], name, str(count)


def _payments(month: VillageMonth) -> Iterator[tuple[str, dict[int, str]]]:
    life, when = month.life, month.period
    own, outpatient = own_payments(month), Counter[int]()
    bill, outside = Counter[int](), Counter[int]()
    for made in range(when // 12 * 12, when + 1):
        for one in settlements.settled(life, made):
            if not life.since <= one.upload <= when:
                continue
            fen, inpatient = one.fen, one.record["med_type"] == "21"
            if inpatient:
                bill[one.person] += fen["medfee_sumamt"]
                outside[one.person] += (
                    fen["fulamt_ownpay_amt"] + fen["overlmt_selfpay"] + fen["preselfpay_amt"]
                )
            elif made == when:
                outpatient[one.person] += fen["psn_part_amt"]
    yield "oop_ytd_amt", {i: money(fen) for i, fen in own.items() if fen > 0}
    yield "outpatient_oop_month_amt", {i: money(f) for i, f in outpatient.items() if f > 0}
    yield (
        "out_of_list_share_ytd",
        {i: str(_share(outside[i], fen)) for i, fen in bill.items() if fen > 0 and outside[i] > 0},
    )


def own_payments(month: VillageMonth) -> Counter[int]:
    """Fen per person paid by themselves since January, as far as uploaded by the month's end."""
    life, when = month.life, month.period
    own = Counter[int]()
    for made in range(when // 12 * 12, when + 1):
        for one in settlements.settled(life, made):
            if life.since <= one.upload <= when:
                own[one.person] += one.fen["psn_part_amt"]
    return own


def _insurance(month: VillageMonth, on_file: set[int]) -> Iterator[tuple[str, dict[int, str]]]:
    life, when = month.life, month.period
    insured, covered = set(), set()
    for i, record in settlements.enrolments(life, when):
        if settlements.covers(record, when):
            covered.add(i)
        if settlements.in_force(record, when):
            insured.add(i)
    dead = set(civil_affairs.registered_deaths(life, when)) | vital.known_dead(life, when)
    near: dict[int, list[int]] = {burdens.BEGINS_TODAY: [], burdens.PAUSED_BESIDE: []}
    for i, (event, turn) in burdens.coverage(life, when).items():
        if event in near and turn == when:
            near[event].append(i)
    uninsured, paused = on_file - covered - dead, (on_file & covered) - insured - dead
    for name, found, almost in (
        ("uninsured", uninsured, near[burdens.BEGINS_TODAY]),
        ("insurance_paused", paused, near[burdens.PAUSED_BESIDE]),
    ):
        yield name, dict.fromkeys(almost, "0") | dict.fromkeys(sorted(found), "1")


def _major_diseases(month: VillageMonth) -> Iterator[tuple[str, dict[int, str]]]:
    life, when = month.life, month.period
    counts: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
    for reported in (when - 1, when):
        for case in illness.cases_reported(life, reported):
            if reported < when and case.number % 4 == 0:
                continue  # not sent again
            is_new = case.first_delivered(life.since) == when
            in_time = case.confirmed >= epoch_day(when - illness.LATE_NOTICE)
            counts[case.category == illness.MENTAL][case.person] += int(is_new and in_time)
    yield "major_disease_new", {i: str(n) for i, n in counts[False].items()}
    yield "mental_illness_new", {i: str(n) for i, n in counts[True].items()}


def _vital(month: VillageMonth, on_file: set[int]) -> Iterator[tuple[str, Counter[int]]]:
    life, when, people = month.life, month.period, month.people
    births = Counter[int]()
    for birth in vital.births_reported(life, when):
        if birth.mother in on_file:
            births[int(people.household[birth.mother])] += int(birth.has_defect)
    yield "birth_defect_new", births
    known = set(civil_affairs.registered_deaths(life, when)) | vital.known_dead(life, when)
    deaths = Counter[int]()
    for i in month.roster.rows.tolist():
        if i in known and not certificate_is_lost(people, i):
            died = month_of(int(people.death[i]))
            if died >= when - 1:
                deaths[int(people.household[i])] += int(died == when)
    yield "death_in_month", deaths


def _share(part: int, whole: int) -> Decimal:
    return (Decimal(part) / whole).quantize(Decimal("0.000001"), ROUND_HALF_UP)

"""What the cross-field rules must find, computed from the village's life and not from its files."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from include.simulator import elsewhere, work_files
from include.simulator.county_files import without_labour
from include.simulator.identity import certificate, certificate_is_lost, claimed_twice
from include.simulator.income_truth import net_per_head
from include.simulator.measures import AGAINST_ILLNESS, IN_PLACE, PREMIUM_SUBSIDY, known
from include.simulator.monitoring import RISKS
from include.simulator.months import epoch_day
from include.simulator.population import Population
from include.simulator.roster import GONE
from include.simulator.seeds import income_line
from include.simulator.slips import forgets_the_end, serious_illness
from include.simulator.village import VillageMonth

Finding = tuple[str, str, str, str, str]
"""rule code, subject (``person`` or ``household``), person_id or household_no, household_no,
FOUND or NEAR."""
FOUND, NEAR = "found", "near"
"""A near-miss meets its rule but for a month, or by less than a hundredth of the income line."""
_NEAR_LINE = Decimal("1.01")
_AGAINST = {
    "因病": frozenset(AGAINST_ILLNESS),
    "因学": frozenset(("义务教育保障", "其他教育帮扶", "社会帮扶")),
}
_LENGTHS, _KINDS = (18, 20, 22), "1234567"
_NO_STUDENT = "01"
_PREMIUM_WINDOW = 3
"""Last month of the year in which premiums are paid."""


def findings(month: VillageMonth) -> Iterator[Finding]:
    """All findings of a village's month, each once."""
    yield from sorted(set(_of_persons(month)))
    yield from _of_households(month)
    yield from _of_work(month)


def _of_persons(month: VillageMonth) -> Iterator[Finding]:
    people, history = month.people, month.life.monitoring
    insured = serious_illness(month.life)
    rows = [
        (people, i, int(people.household[i]), insured[i], certificate(month, i)[1])
        for i, status in zip(month.roster.rows.tolist(), month.roster.status, strict=True)
        if status not in GONE
    ]
    # The second household writes down little of whom it claims.
    rows += [(people, i, home, "", certificate(month, i)[1]) for i, home in claimed_twice(month)]
    rows += [
        (claim.people, claim.person, claim.claimed_by, "", claim.people.cert_no[claim.person])
        for claim in elsewhere.claims(month.life)
    ]
    for others, i, home, is_insured, written in rows:
        whom = ("person", _known_id(others, i), people.household_no[home], FOUND)
        number = written.replace(" ", "").replace("'", "")
        if month.state.known[home] and len(number) not in _LENGTHS:
            yield ("X01", *whom)
        if len(number) in (20, 22) and (
            number[18] not in _KINDS or number[:18] != others.person_id[i]
        ):
            yield ("X02", *whom)
        if history.ex_poor[home] and is_insured != "是":
            yield ("X13", *whom)


def _known_id(people: Population, i: int) -> str:
    """The ID that leads to the person: the county's own where it is an earlier one (D07)."""
    return people.cert_no[i] if certificate_is_lost(people, i) else people.person_id[i]


def _of_households(month: VillageMonth) -> Iterator[Finding]:
    life, state, period = month.life, month.state, month.period
    history, numbers = life.monitoring, month.people.household_no
    kinds: dict[int, set[str]] = {}
    helped: set[int] = set()
    subsidised: dict[int, int] = {}
    for measure in known(life.measures, period):
        kinds.setdefault(measure.household, set()).add(measure.kind)
        if measure.state(period) == IN_PLACE:
            helped.add(measure.household)
            if measure.detail == PREMIUM_SUBSIDY:
                subsidised[measure.household] = measure.start
    unable = _without_labour_but_assisted(month)
    net, line = net_per_head(month), income_line(period // 12)
    for h in np.flatnonzero(state.known).tolist():
        started, in_force = int(state.started[h]), bool(state.in_force[h])
        by_help = not in_force and not history.natural[h]
        risks = [RISKS[i] for i in history.risks[h].tolist() if i >= 0]
        unanswered = [r for r in risks if r in _AGAINST and not kinds.get(h, set()) & _AGAINST[r]]
        subsidy = subsidised.get(h, -1)
        unhelped = in_force and h in kinds and h not in helped
        lasted = int(state.cleared_ym[h]) - started
        this_year = subsidy // 12 == started // 12
        late = started % 12 + 1 - _PREMIUM_WINDOW
        holds = {
            "X03": unhelped and period - started >= 1,
            "X04": by_help and h not in helped,
            "X05": by_help and lasted <= 2,
            "X06": by_help and line is not None and net[h] < line,
            "X07": not in_force and bool(unanswered),
            "X08": in_force and not history.no_labour[h] and h in unable,
            "X12": this_year and late > 0,
        }
        nearly = {
            "X03": unhelped and period == started,
            "X05": by_help and lasted == 3,
            "X06": by_help and line is not None and line <= net[h] < line * _NEAR_LINE,
            "X12": this_year and late == 0,
        }
        for outcome, rules in ((FOUND, holds), (NEAR, nearly)):
            for rule, is_so in rules.items():
                if is_so:
                    yield rule, "household", numbers[h], numbers[h], outcome


def _of_work(month: VillageMonth) -> Iterator[Finding]:
    life, people, work, period = month.life, month.people, month.life.work, month.period
    on_list, works, latest = work_files.followed(month), work.works(period), work.latest(period)
    begun: dict[int, int] = {}
    school = life.schooling.status(period)
    for i in on_list:
        home, n = int(people.household[i]), int(latest[i])
        if n < 0 or (works[i] and work.unknown_place[i]):
            continue
        whom = ("person", _known_id(people, i), people.household_no[home], FOUND)
        begun[home] = max(begun.get(home, 0), int(work.start[i, n]))
        if works[i] and school[i] not in ("", _NO_STUDENT):
            yield ("X09", *whom)
        if not works[i] and forgets_the_end(life, i, int(work.end[i, n]), period):
            yield ("X10", *whom)
    sent = {m.household for m in known(life.measures, period) if m.detail == "劳务输出"}
    for h in sorted(sent):
        if month.state.in_force[h] and begun.get(h, 0) < epoch_day(int(month.state.started[h])):
            yield "X11", "household", people.household_no[h], people.household_no[h], FOUND


def _without_labour_but_assisted(month: VillageMonth) -> set[int]:
    """Households of which nobody on file can work, and somebody gets dibao or full support."""
    life, people = month.life, month.people
    dibao, tekun = life.welfare.as_county_knows(month.period)
    ages = people.age(month.period)
    # Of whom a second household claims it does not say that they cannot work.
    able = {home for _, home in claimed_twice(month)}
    able |= {claim.claimed_by for claim in elsewhere.claims(life)}
    assisted: set[int] = set()
    for i, status in zip(month.roster.rows.tolist(), month.roster.status, strict=True):
        if status in GONE:
            continue
        home = int(people.household[i])
        if not without_labour(int(ages[i])):
            able.add(home)
        if (dibao[home] and life.welfare.covered[i]) or tekun[home]:
            assisted.add(home)
    return assisted - able

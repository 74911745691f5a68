"""What the cross-field rules must find, computed from the village's life and not from its files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from functools import cache

import numpy as np

from include.simulator import work_files
from include.simulator.areas import SEED
from include.simulator.county_files import without_labour
from include.simulator.identity import certificate, certificate_is_lost
from include.simulator.income_truth import net_per_head
from include.simulator.measures import AGAINST_ILLNESS, IN_PLACE, PREMIUM_SUBSIDY, known
from include.simulator.monitoring import RISKS
from include.simulator.months import epoch_day
from include.simulator.population import Population
from include.simulator.roster import GONE
from include.simulator.slips import forgets_the_end, serious_illness
from include.simulator.village import VillageMonth

Finding = tuple[str, str, str]
"""rule code, subject (``person`` or ``household``), person_id or household_no."""
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
    people, history = month.life.people, month.life.monitoring
    insured = serious_illness(month.life)
    for i, status in zip(month.roster.rows.tolist(), month.roster.status, strict=True):
        if status in GONE:
            continue
        home = int(people.household[i])
        whom = ("person", _known_id(people, i))
        _, written, _ = certificate(month, i)
        number = written.replace(" ", "").replace("'", "")
        if month.state.known[home] and len(number) not in _LENGTHS:
            yield ("X01", *whom)
        if len(number) in (20, 22) and (
            number[18] not in _KINDS or number[:18] != people.person_id[i]
        ):
            yield ("X02", *whom)
        if history.ex_poor[home] and insured[i] != "是":
            yield ("X13", *whom)


def _known_id(people: Population, i: int) -> str:
    """The ID that leads to the person: the county's own where it is an earlier one (D07)."""
    return people.cert_no[i] if certificate_is_lost(people, i) else people.person_id[i]


def _of_households(month: VillageMonth) -> Iterator[Finding]:
    life, state, period = month.life, month.state, month.period
    history, numbers = life.monitoring, life.people.household_no
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
    net, line = net_per_head(month), _income_line(period // 12)
    for h in np.flatnonzero(state.known).tolist():
        started, in_force = int(state.started[h]), bool(state.in_force[h])
        by_help = not in_force and not history.natural[h]
        risks = [RISKS[i] for i in history.risks[h].tolist() if i >= 0]
        unanswered = [r for r in risks if r in _AGAINST and not kinds.get(h, set()) & _AGAINST[r]]
        subsidy = subsidised.get(h, -1)
        found = {
            "X03": in_force and h in kinds and h not in helped and period - started >= 1,
            "X04": by_help and h not in helped,
            "X05": by_help and int(state.cleared_ym[h]) - started <= 2,
            "X06": by_help and line is not None and net[h] < line,
            "X07": not in_force and bool(unanswered),
            "X08": in_force and not history.no_labour[h] and h in unable,
            "X12": subsidy // 12 == started // 12 and started % 12 + 1 > _PREMIUM_WINDOW,
        }
        for rule, holds in found.items():
            if holds:
                yield rule, "household", numbers[h]


@cache
def _income_line(year: int) -> Decimal | None:
    """Yuan per head, as the seed of the lines has it; None for a year without."""
    with (SEED.parent / "ref_income_line.csv").open(encoding="utf-8", newline="") as file:
        lines = {row["year"]: row["yuan_pp"] for row in csv.DictReader(file)}
    return Decimal(lines[str(year)]) if str(year) in lines else None


def _of_work(month: VillageMonth) -> Iterator[Finding]:
    life, people, work, period = month.life, month.life.people, month.life.work, month.period
    on_list, works, latest = work_files.followed(month), work.works(period), work.latest(period)
    begun: dict[int, int] = {}
    school = life.schooling.status(period)
    for i in on_list:
        home, n = int(people.household[i]), int(latest[i])
        if n < 0 or (works[i] and work.unknown_place[i]):
            continue
        begun[home] = max(begun.get(home, 0), int(work.start[i, n]))
        if works[i] and school[i] not in ("", _NO_STUDENT):
            yield "X09", "person", _known_id(people, i)
        if not works[i] and forgets_the_end(life, i, int(work.end[i, n]), period):
            yield "X10", "person", _known_id(people, i)
    sent = {m.household for m in known(life.measures, period) if m.detail == "劳务输出"}
    for h in sorted(sent):
        if month.state.in_force[h] and begun.get(h, 0) < epoch_day(int(month.state.started[h])):
            yield "X11", "household", people.household_no[h]


def _without_labour_but_assisted(month: VillageMonth) -> set[int]:
    """Households of which nobody on file can work, and somebody gets dibao or full support."""
    life, people = month.life, month.life.people
    dibao, tekun = life.welfare.as_county_knows(month.period)
    ages = people.age(month.period)
    able: set[int] = set()
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

"""Who was visited in a month and what the visitor wrote down (C6).

A visitor mostly writes what is so. Now and then he overlooks a problem that a department has on
record, or notes one that no record knows: those are the contradictions a mart has to show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.simulator import settlements
from include.simulator.months import date_of, epoch_day
from include.simulator.randomness import stream
from include.simulator.roster import GONE
from include.simulator.turns import household_turns

if TYPE_CHECKING:
    from include.simulator.village import VillageMonth

HOME, TELEPHONE = "入户走访", "电话回访"
PROBLEMS = (
    "food_ok", "clothing_ok", "housing_problem", "dropout_problem", "water_problem",
    "uninsured_problem",
)  # fmt: skip
"""The six questions; the first two are asked the other way round."""
_MONITORED, _EX_POOR, _OTHERS = 0.94, 0.82, 0.08
"""Share of households visited in a month."""
_TWICE = 0.12
_HUNGRY, _COLD = 0.002, 0.003
_OVERLOOKED, _IMAGINED = 0.2, 0.002
_LONG_OUTAGE = 3
"""Days without water after which a household calls it a problem."""
FOUND, SETTLED = 10, 11
"""What a turn is for: one problem, and two that were settled before the month's second visit."""
STYLES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日")


@dataclass(frozen=True)
class Visit:
    """One visit. ``problems`` goes with PROBLEMS."""

    household: int
    day: int
    kind: str
    problems: tuple[bool, ...]
    income_dropped: bool


def visits(here: VillageMonth) -> list[Visit]:
    """The month's visits, by household and day."""
    life, state = here.life, here.state
    village, start = life.village, epoch_day(here.period)
    draws = stream(life.seed, "visits", village.index, here.period).random(
        (life.people.households, 18)
    )
    found = {h for h, when in household_turns(village, FOUND) if when == here.period}
    settled = {h for h, when in household_turns(village, SETTLED) if when == here.period}
    states = _problems(here)
    listed: list[Visit] = []
    for h, draw in enumerate(draws.tolist()):
        chance = (
            _MONITORED if state.in_force[h] else _EX_POOR if life.monitoring.ex_poor[h] else _OTHERS
        )
        if h not in found | settled and draw[0] >= chance:
            continue
        problems = (draw[4] < _HUNGRY, draw[5] < _COLD, *states[h])
        written = tuple(
            draw[6 + n] >= _OVERLOOKED if is_so else draw[12 + n] < _IMAGINED
            for n, is_so in enumerate(problems)
        )
        is_twice = draw[1] < _TWICE
        before = written
        if h in found:
            is_twice, written = False, (False, False, True, False, False, False)
        elif h in settled:
            is_twice, before = True, (True, False, False, False, True, False)
            written = (False,) * len(PROBLEMS)
        kind = TELEPHONE if draw[2] < 0.07 else HOME
        dropped = draw[3] > 0.97
        if is_twice:
            day = start + int(draw[2] * 13)
            listed.append(Visit(h, day, HOME, before, dropped))
        day = start + (14 + int(draw[3] * 13) if is_twice else int(draw[3] * 27))
        listed.append(Visit(h, day, kind, written, dropped))
    return listed


def _problems(here: VillageMonth) -> list[tuple[bool, bool, bool, bool]]:
    """Per household: whether dwelling, school, water and insurance give cause for concern."""
    life, roster = here.life, here.roster
    homes, people = life.dwellings, here.people
    unsafe = homes.is_unsafe(here.period) | homes.is_only_damaged(here.period) | ~homes.has_house
    dry = life.water.outages(life.seed, life.village.index, here.period)
    thirsty = ~life.water.is_safe(here.period)
    dropped = life.schooling.has_dropped_out(here.period)
    enrolled = {
        i
        for i, record in settlements.enrolments(life, here.period)
        if record["psn_insu_stas"] == "1"
    }
    dead = people.dead(here.period)
    out_of_school: set[int] = set()
    uninsured: set[int] = set()
    for i, status in zip(roster.rows.tolist(), roster.status, strict=True):
        if status not in GONE and not dead[i]:
            if dropped[i]:
                out_of_school.add(int(people.household[i]))
            if i not in enrolled:
                uninsured.add(int(people.household[i]))
    return [
        (
            bool(unsafe[h]),
            h in out_of_school,
            bool(thirsty[h]) or dry[h] > _LONG_OUTAGE,
            h in uninsured,
        )
        for h in range(people.households)
    ]


def rows(here: VillageMonth) -> Iterator[tuple[dict[str, str], tuple[tuple[str, str], ...]]]:
    """C6: the visits of the month."""
    village = here.life.village
    style = STYLES[village.county.position % len(STYLES)]
    end = epoch_day(here.period + 1)
    visitor = {
        helper.household: helper.name
        for helper in here.life.helpers
        if helper.since < end <= helper.until
    }
    for visit in visits(here):
        answers = {
            name: "是" if problem is (n > 1) else "否"
            for n, (name, problem) in enumerate(zip(PROBLEMS, visit.problems, strict=True))
        }
        yield (
            {
                "household_no": here.people.household_no[visit.household],
                "visited_on": date_of(visit.day).strftime(style),
                "visitor": visitor.get(visit.household, "村干部"),
                "visit_type": visit.kind,
                **answers,
                "income_dropped": "是" if visit.income_dropped else "否",
            },
            (),
        )


def metrics(here: VillageMonth) -> Iterator[tuple[str, str, str, str]]:
    """``visit_problems``: what the month's last visit to a household found."""
    last = {visit.household: sum(visit.problems) for visit in visits(here)}
    for h, count in last.items():
        if count:
            yield "household", here.people.household_no[h], "visit_problems", str(count)

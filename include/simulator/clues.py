"""Clues that a household is at risk, and the days of the procedure that follows each (C4).

Every identification of ``monitoring.py`` has its clue: it is entered in the month that the
household file calls its identification, and its first help is the one the measures file dates.
Besides there are clues that came to nothing and clues about households monitored already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.simulator.measures import Measure
from include.simulator.monitoring import RISKS, SUDDEN, Monitoring
from include.simulator.months import NEVER, date_of, epoch_day, month, month_of, ym
from include.simulator.population import Population
from include.simulator.randomness import pick, stream

if TYPE_CHECKING:
    from include.simulator.village import VillageMonth

CHANNELS = ("农户自主申报", "干部走访排查", "部门筛查预警", "平台分析、信访及舆情")
_CHANNEL_WEIGHTS = (30, 35, 30, 5)
DEPARTMENT = 2
INCLUDED, REFUSED, ALREADY = "纳入", "不纳入", "已是监测对象"
REASONS = ("收入稳定且高于监测线", "风险已自行化解", "家庭资产不符合条件", "自愿放弃")
_FIRST, _LAST = month("2021-05"), month("2027-12")

_NOTICE_DAYS = (3, 4, 5, 6, 7)
_NOTICE_WEIGHTS = (3, 5, 52, 10, 30)
"""Objections may be raised for five days; a few villages close the notice too early."""
_LATE = 0.08
"""Share of clues that nobody follows up for weeks."""
_STYLES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")
"""How offices write a day; one habit per county."""
_COLUMNS = {
    "verified": "verified_on",
    "reviewed": "reviewed_on",
    "notice_start": "notice_start",
    "notice_end": "notice_end",
    "approved": "county_approved_on",
    "entered": "entered_on",
    "first_measure": "first_measure_on",
}


@dataclass(frozen=True)
class Clue:
    """One clue and its whole procedure. Days since 1970-01-01; NEVER for steps that do not come."""

    household: int
    number: str
    channel: int
    risk: str
    received: int
    verified: int
    result: str
    decided: int
    """Day from which the result is in the register."""
    reviewed: int = NEVER
    notice_start: int = NEVER
    notice_end: int = NEVER
    approved: int = NEVER
    entered: int = NEVER
    first_measure: int = NEVER
    green: bool = False
    """Helped first, papers later."""
    reason: str = ""
    alert_no: str = ""
    """Number of the bureau's alert that it answers."""


def build(
    seed: int, people: Population, monitoring: Monitoring, measures: list[Measure]
) -> list[Clue]:
    """All clues of a village's households."""
    village = people.village.index
    helped: dict[tuple[int, int], int] = {}
    for measure in measures:
        key = (measure.household, measure.decided)
        helped[key] = min(helped.get(key, NEVER), measure.start)
    random = stream(seed, "clues", village)
    draws = random.random((people.households, 8))
    clues: list[Clue] = []
    for h in range(people.households):
        number = f"XS{village:04d}{h + 1:04d}"
        identified, relapsed = int(monitoring.identified[h]), int(monitoring.relapsed[h])
        if identified >= NEVER:
            if draws[h, 0] < 0.08:
                when = _FIRST + int(draws[h, 1] * (_LAST - _FIRST + 1))
                clues.append(_refused(seed, village, h, f"{number}1", when))
            continue
        risk = RISKS[int(monitoring.risks[h, 0])]
        sudden = int(monitoring.kind[h]) == SUDDEN and bool(draws[h, 2] < 0.5)
        for turn, when in enumerate((identified, relapsed), start=1):
            if when < NEVER:
                first = helped.get((h, when), when)
                green = sudden and turn == 1
                clues.append(
                    _included(seed, village, h, f"{number}{turn}", when, risk, first, green)
                )
        again = identified + 1 + int(draws[h, 3] * 4)
        if draws[h, 4] < 0.15 and again < monitoring.cleared[h]:
            clues.append(_already(seed, village, h, f"{number}3", again, risk))
    return clues


def _included(
    seed: int, village: int, h: int, number: str, when: int, risk: str, first: int, green: bool
) -> Clue:
    random = stream(seed, "clue", village, h, when)
    draws = random.random(8)
    entered = epoch_day(when) + 9 + int(draws[0] * 16)
    approved = entered - int(draws[1] * 3)
    notice_end = approved - 1 - int(draws[2] * 2)
    notice_start = notice_end - _NOTICE_DAYS[int(pick(draws[3:4], _NOTICE_WEIGHTS)[0])]
    reviewed = notice_start - 1 - int(draws[4] * 2)
    verified = reviewed - 1 - int(draws[5] * 2)
    waited = 15 + int(draws[7] * 30) if draws[6] < _LATE else 1 + int(draws[7] * 2)
    received = verified - waited
    last = epoch_day(when + 1) - 1
    if first > when:
        helped_on = epoch_day(first) + int(random.integers(0, 28)) if first < NEVER else NEVER
    elif green:
        helped_on = max(epoch_day(when), min(verified, entered))
    else:
        helped_on = min(entered + int(random.integers(0, 9)), last)
    return Clue(
        household=h,
        number=number,
        channel=int(pick(random.random(1), _CHANNEL_WEIGHTS)[0]),
        risk=risk,
        received=received,
        verified=verified,
        reviewed=reviewed,
        notice_start=notice_start,
        notice_end=notice_end,
        approved=approved,
        entered=entered,
        first_measure=helped_on,
        green=green,
        result=INCLUDED,
        decided=approved,
    )


def _refused(seed: int, village: int, h: int, number: str, when: int) -> Clue:
    random = stream(seed, "clue", village, h, when)
    draws = random.random(6)
    received = epoch_day(when) + int(draws[0] * 28)
    verified = received + 1 + int(draws[1] * 6)
    # Half are settled by the visit, half only by the village's review.
    reviewed = verified + 1 + int(draws[2] * 5) if draws[3] < 0.5 else NEVER
    return Clue(
        household=h,
        number=number,
        channel=int(pick(draws[4:5], _CHANNEL_WEIGHTS)[0]),
        risk=RISKS[int(random.integers(0, len(RISKS)))],
        received=received,
        verified=verified,
        reviewed=reviewed,
        result=REFUSED,
        decided=reviewed if reviewed < NEVER else verified,
        reason=REASONS[int(draws[5] * len(REASONS))],
    )


def _already(seed: int, village: int, h: int, number: str, when: int, risk: str) -> Clue:
    random = stream(seed, "clue again", village, h, when)
    received = epoch_day(when) + int(random.integers(0, 28))
    verified = received + 1 + int(random.integers(0, 6))
    return Clue(
        household=h,
        number=number,
        channel=DEPARTMENT,
        risk=risk,
        received=received,
        verified=verified,
        result=ALREADY,
        decided=verified,
    )


def rows(
    here: VillageMonth, answers: Iterable[Clue]
) -> Iterator[tuple[dict[str, str], tuple[tuple[str, str], ...]]]:
    """The register to date, with ``answers`` to alerts: what lies after the month's end is not in
    it yet."""
    end = epoch_day(here.period + 1)
    life = here.life
    style = _STYLES[life.village.county.position % len(_STYLES)]
    for clue in (*life.clues, *answers):
        if clue.received >= end:
            continue
        is_decided = clue.decided < end
        record = {
            "clue_no": clue.number,
            "household_no": here.people.household_no[clue.household],
            "channel": CHANNELS[clue.channel],
            "risk": clue.risk,
            "urgency": "特急" if clue.green else "紧急" if clue.risk == "因意外事故" else "一般",
            "received_on": date_of(clue.received).strftime(style),
            "green_channel": "是" if clue.green else "否",
            "result": clue.result if is_decided else "",
            "reject_reason": clue.reason if is_decided else "",
            "alert_no": clue.alert_no
            or (
                # The department's own number.
                f"YJ{ym(month_of(clue.received))}{clue.number[2:]}"
                if clue.channel == DEPARTMENT
                else ""
            ),
        }
        for step, column in _COLUMNS.items():
            day = getattr(clue, step)
            record[column] = date_of(day).strftime(style) if day < end else ""
        yield record, ()

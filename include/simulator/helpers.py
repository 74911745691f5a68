"""Who helps which household since when (C7): the ex-poor and the monitored have somebody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.simulator.monitoring import Monitoring
from include.simulator.months import NEVER, date_of, epoch_day, month
from include.simulator.naming import given_names, surnames
from include.simulator.population import Population
from include.simulator.randomness import pick, stream

if TYPE_CHECKING:
    from include.simulator.village import VillageMonth

UNITS = (
    "农业农村局", "教育局", "卫生健康局", "民政局", "住房和城乡建设局", "水利局",
    "人力资源和社会保障局", "财政局", "税务局", "{township}人民政府", "{village}村民委员会",
    "驻{village}工作队",
)  # fmt: skip
_UNIT_WEIGHTS = (9, 8, 7, 5, 5, 5, 5, 4, 4, 26, 12, 10)
POSITIONS = ("科员", "副科长", "科长", "一级主任科员", "驻村工作队员", "村干部")
_POSITION_WEIGHTS = (42, 15, 10, 13, 12, 8)
_EX_POOR_SINCE = month("2021-06")
_UNTIL = month("2028-01")
_GAP_SHARE = 0.06
"""Share of changes after which a household waits one to four months for its next helper."""
STYLES = ("%Y-%m-%d", "%Y.%m.%d", "%Y%m%d")


@dataclass(frozen=True)
class Helper:
    """One helper of one household. Days since 1970-01-01; ``until`` is the last day or NEVER."""

    household: int
    name: str
    unit: str
    position: str
    phone: str
    since: int
    until: int


def build(seed: int, people: Population, monitoring: Monitoring) -> list[Helper]:
    """The helpers of a village's households, one after the other."""
    village = people.village
    helpers: list[Helper] = []
    for h in range(people.households):
        spells = _spells(monitoring, h)
        if not spells:
            continue
        random = stream(seed, "helpers", village.index, h)
        for first, last in spells:
            since = epoch_day(first) + int(random.integers(0, 25))
            end = epoch_day(last) - 1 if last < NEVER else NEVER
            while since < min(end, epoch_day(_UNTIL)):
                stays = int(random.integers(400, 1500))
                until = since + stays if since + stays < min(end, epoch_day(_UNTIL)) else end
                helpers.append(_helper(random, people, h, since, until))
                waits = int(random.integers(30, 120)) if random.random() < _GAP_SHARE else 1
                since = until + waits if until < NEVER else NEVER
    return helpers


def _spells(monitoring: Monitoring, h: int) -> list[tuple[int, int]]:
    """(first month, first month without) of the times in which a household is to have a helper."""
    if monitoring.ex_poor[h]:
        return [(_EX_POOR_SINCE, NEVER)]
    spells = [
        (int(monitoring.identified[h]), int(monitoring.cleared[h])),
        (int(monitoring.relapsed[h]), int(monitoring.cleared_again[h])),
    ]
    if spells[1][0] >= NEVER:
        spells.pop()
    return [(first, last) for first, last in spells if first < NEVER]


def _helper(
    random: np.random.Generator, people: Population, h: int, since: int, until: int
) -> Helper:
    village = people.village
    sex = np.where(random.random(1) < 0.62, 1, 2).astype(np.int64)
    unit = UNITS[int(pick(random.random(1), _UNIT_WEIGHTS)[0])]
    return Helper(
        household=h,
        name=surnames(random, 1)[0] + given_names(random, sex)[0],
        unit=unit.format(township=village.township_name, village=village.name),
        position=POSITIONS[int(pick(random.random(1), _POSITION_WEIGHTS)[0])],
        phone=f"12{int(random.integers(0, 10**9)):09d}",
        since=since,
        until=until,
    )


def rows(here: VillageMonth) -> Iterator[tuple[dict[str, str], tuple[tuple[str, str], ...]]]:
    """C7: the helpers so far, with the day on which the earlier ones ended."""
    end = epoch_day(here.period + 1)
    village = here.life.village
    style = STYLES[village.county.position % len(STYLES)]
    for helper in here.life.helpers:
        if helper.since < end:
            yield (
                {
                    "household_no": here.people.household_no[helper.household],
                    "helper_name": helper.name,
                    "helper_unit": helper.unit,
                    "position": helper.position,
                    "helper_phone": helper.phone,
                    "started_on": date_of(helper.since).strftime(style),
                    "ended_on": date_of(helper.until).strftime(style) if helper.until < end else "",
                },
                (),
            )

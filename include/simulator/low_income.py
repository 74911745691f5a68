"""M6 low-income population: families recognised in a layer, from when to when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from include.simulator import appointed, slips
from include.simulator.monitoring import SUDDEN
from include.simulator.months import NEVER, date_of, epoch_day, month, month_of
from include.simulator.randomness import stream
from include.simulator.roster import roster
from include.simulator.village import VillageLife

DIBAO, TEKUN, EDGE, RIGID, OTHER = "低保", "特困", "低保边缘", "刚性支出困难", "其他低收入"
_FIRST, _MONTHS = month("2021-01"), 84
_VALID_MONTHS = 36
_UPGRADED_SHARE = 0.3
"""Of families whose allowance began of late: were marginal before, and are struck off late."""


@dataclass(frozen=True)
class Recognition:
    """One family's place in a layer. Days since 1970-01-01; ``ended`` is NEVER or the first day
    on which it holds no more."""

    household: int
    layer: str
    recognised: int
    ended: int

    @property
    def valid_to(self) -> int:
        """The last day for which it was granted."""
        return epoch_day(month_of(self.recognised) + _VALID_MONTHS) - 1


def recognitions(life: VillageLife) -> list[Recognition]:
    """All recognitions of a village, in the order of the households."""
    welfare, people = life.welfare, life.people
    random = stream(life.seed, "low income", life.village.index)
    count = people.households
    draws = random.random((count, 3))
    days = random.integers(0, 28, count)
    started = random.integers(0, _MONTHS, count)
    lasts = random.integers(6, 40, count)
    found: list[Recognition] = []
    free: list[int] = []
    kept = slips.kept_as_marginal(life.village, welfare.dibao_start, welfare.dibao_end)
    shared = set(life.moves.shared)
    for h in range(count):
        if h in shared:
            continue
        dibao, tekun = int(welfare.dibao_start[h]), int(welfare.tekun_start[h])
        if dibao < NEVER:
            end = int(welfare.dibao_end[h])
            found.append(_since(h, DIBAO, dibao, end))
            is_upgraded = dibao >= month("2024-01") and draws[h, 0] < _UPGRADED_SHARE
            if h == kept or (is_upgraded and tekun == NEVER):
                found.append(_since(h, EDGE, dibao - 10, NEVER if h == kept else dibao + 2))
        if tekun < NEVER:
            found.append(_since(h, TEKUN, tekun, NEVER))
        if dibao < NEVER or tekun < NEVER:
            continue
        rigid = 0.25 if life.monitoring.kind[h] == SUDDEN else 0.006
        layer = (
            RIGID if draws[h, 1] < rigid
            else EDGE if draws[h, 0] < 0.017
            else OTHER if draws[h, 0] < 0.022
            else ""
        )  # fmt: skip
        if not layer:
            free.append(h)
            continue
        day = epoch_day(_FIRST + int(started[h])) + int(days[h])
        ended = epoch_day(month_of(day) + int(lasts[h])) if draws[h, 2] < 0.4 else NEVER
        found.append(Recognition(h, layer, day, ended))
    found += _appointed(life, free)
    return sorted(found, key=lambda r: (r.household, r.recognised, r.layer))


def _appointed(life: VillageLife, free: list[int]) -> Iterator[Recognition]:
    """On the first or the last day of the month: a day off would be another month's."""
    steady = appointed.on_file(life.people)
    heads = roster(life.people, month("2027-12")).head
    pool = [h for h in free if steady[heads[h]]]
    for layer, purpose in ((EDGE, appointed.EDGE), (RIGID, appointed.RIGID)):
        for when in appointed.turns(life.village, purpose):
            if pool:
                day = epoch_day(when) if when % 2 else epoch_day(when + 1) - 1
                yield Recognition(pool.pop(), layer, day, NEVER)


def _since(household: int, layer: str, first: int, end: int) -> Recognition:
    return Recognition(household, layer, epoch_day(first), epoch_day(end) if end < NEVER else NEVER)


def records(life: VillageLife, last: int) -> Iterator[tuple[str, dict[str, str]]]:
    """(table, record) of what is known after the month ``last``; the heads are those of then."""
    people = life.people
    listed = roster(people, last)
    number: dict[int, int] = {}
    end_of_last = epoch_day(last + 1)
    for one in recognitions(life):
        h = one.household
        number[h] = number.get(h, 0) + 1
        if one.recognised >= end_of_last:
            continue
        ended = one.ended < end_of_last
        head = int(listed.head[h])
        yield (
            "mz_low_income",
            {
                "record_id": f"L{life.village.index:04d}{h:05d}{number[h]}",
                "head_id": people.person_id[head],
                "head_name": people.name[head],
                "county_code": life.village.county.code,
                "layer": one.layer,
                "members": str(max(int(listed.members[h]), 1)),
                "recognised_on": f"{date_of(one.recognised)}",
                "valid_to": f"{date_of(one.valid_to)}" if one.layer not in (DIBAO, TEKUN) else "",
                "ended_on": f"{date_of(one.ended)}" if ended else "",
                "updated_at": f"{date_of(one.ended if ended else one.recognised)} 15:00:00+08",
            },
        )


def in_layer(life: VillageLife, layer: str, period: int) -> list[Recognition]:
    """Recognitions of a layer that hold on the month's last day."""
    day = epoch_day(period + 1) - 1
    return [
        one
        for one in recognitions(life)
        if one.layer == layer and one.recognised <= day < one.ended and one.valid_to >= day
    ]

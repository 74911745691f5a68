"""Help given to households: which kinds, since when, in place or not yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator.monitoring import RISKS, Monitoring
from include.simulator.months import NEVER, month
from include.simulator.population import Population
from include.simulator.randomness import pick, stream

KINDS = (
    "产业帮扶", "就业帮扶", "金融帮扶", "公益性岗位", "住房安全保障", "饮水安全保障", "健康帮扶",
    "义务教育保障", "其他教育帮扶", "综合保障", "社会帮扶", "搬迁", "生产生活条件改善", "基础设施",
)  # fmt: skip
_DETAILS = {
    "产业帮扶": "发展种养业", "就业帮扶": "劳务输出", "金融帮扶": "小额信贷",
    "公益性岗位": "护林员", "健康帮扶": "大病救治", "综合保障": "纳入低保",
    "社会帮扶": "结对帮扶", "其他教育帮扶": "助学补助",
}  # fmt: skip
PREMIUM_SUBSIDY = "医保缴费补贴"
AGAINST_ILLNESS = ("健康帮扶", "综合保障", "社会帮扶")
_BY_RISK = {
    "因病": ("健康帮扶", "综合保障"), "因残": ("综合保障", "社会帮扶"),
    "因务工就业不稳": ("就业帮扶", "公益性岗位"), "缺劳动力": ("公益性岗位", "产业帮扶"),
    "因自然灾害": ("住房安全保障", "生产生活条件改善"), "因意外事故": ("社会帮扶", "健康帮扶"),
    "因学": ("其他教育帮扶", "义务教育保障"), "其他": ("社会帮扶", "产业帮扶"),
}  # fmt: skip
IN_PLACE, NOT_YET = "已实施", "尚未实施"


@dataclass(frozen=True)
class Measure:
    """One kind of help for one household. ``start`` is the month it is in place from."""

    household: int
    kind: str
    detail: str
    decided: int
    start: int

    def state(self, period: int) -> str:
        """In place or not yet."""
        return IN_PLACE if self.start <= period else NOT_YET


def build(seed: int, people: Population, monitoring: Monitoring) -> list[Measure]:
    """All measures of a village's households, each household and kind once."""
    random = stream(seed, "measures", people.village.index)
    count = people.households
    draws = random.random((count, 4)).tolist()
    lags = pick(random.random(count * 3), [45, 35, 14, 4, 2]).reshape(count, 3).tolist()
    measures: list[Measure] = []
    unhelped, beside, waiting = _appointed(people, monitoring)
    for household in range(count):
        first, second, third, development = draws[household]
        wanted: list[tuple[str, int]] = []
        identified = int(monitoring.identified[household])
        if identified < NEVER:
            for position in monitoring.risks[household].tolist():
                if position >= 0:
                    options = _BY_RISK[RISKS[position]]
                    wanted.append((options[0] if first < 0.6 else options[1], identified))
            if second < 0.3:
                wanted.append(("产业帮扶", identified))
            if monitoring.relapsed[household] < NEVER:
                wanted.append(("就业帮扶", int(monitoring.relapsed[household])))
        elif monitoring.ex_poor[household] and development < 0.5:
            since = month("2021-01") + int(third * 48)
            wanted.append(("产业帮扶" if second < 0.6 else "公益性岗位", since))
        seen: set[str] = set()
        for position, (kind, decided) in enumerate(wanted):
            if household == beside and kind in AGAINST_ILLNESS:
                kind = "基础设施"
            if kind not in seen:
                seen.add(kind)
                lag = 2 if monitoring.waits[household] else lags[household][position % 3]
                detail = _DETAILS.get(kind, kind)
                if kind == "健康帮扶" and household % 5 == 0:
                    detail = PREMIUM_SUBSIDY
                if household == waiting:
                    lag = 10
                start = NEVER if household == unhelped else decided + lag
                measures.append(Measure(household, kind, detail, decided, start))
    return measures


def _appointed(people: Population, monitoring: Monitoring) -> tuple[int, int, int]:
    """Of those cleared "by help" one got none, an ill one help of another kind; one waits long.

    Each in every fourth village; -1 where there is none.
    """
    turn = people.village.turn % 4
    cleared = (monitoring.cleared <= month("2026-01")) & ~monitoring.natural
    cleared &= monitoring.relapsed == NEVER
    ill = (monitoring.risks == RISKS.index("因病")).any(axis=1)
    unhelped, beside = np.flatnonzero(cleared), np.flatnonzero(cleared & ill)
    recent = (monitoring.identified >= month("2025-06")) & (monitoring.identified < NEVER)
    recent &= ~monitoring.waits
    waiting = np.flatnonzero(recent)
    return (
        int(unhelped[0]) if turn == 2 and len(unhelped) else -1,
        int(beside[0]) if turn == 3 and len(beside) else -1,
        int(waiting[0]) if turn == 1 and len(waiting) else -1,
    )


def known(measures: list[Measure], period: int) -> list[Measure]:
    """The measures decided by the month's end."""
    return [measure for measure in measures if measure.decided <= period]


def in_place_count(measures: list[Measure], households: int, period: int) -> list[int]:
    """Per household: how many measures are in place at the month's end."""
    started = [m.household for m in measures if m.decided <= period and m.start <= period]
    counts: list[int] = np.bincount(
        np.array(started, dtype=np.int64), minlength=households
    ).tolist()
    return counts

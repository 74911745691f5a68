"""Projects paid from the revitalization funds (衔接资金): the state behind C10.

Projects belong to villages, so that a county's file is written village by village like the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from include.simulator.areas import Village
from include.simulator.months import NEVER, epoch_day, month
from include.simulator.randomness import pick, stream

LEVELS = ("中央", "省级", "市级", "县级")
_LEVEL_WEIGHTS = (46, 27, 12, 15)
TYPES = (
    "产业发展", "乡村建设行动", "就业项目", "巩固三保障成果", "易地搬迁后扶", "项目管理费", "其他",
)  # fmt: skip
_TYPE_WEIGHTS = (58, 22, 7, 5, 3, 2, 3)
UNKNOWN_TYPE = "数字乡村"
"""A type that came into use after the code list was agreed (D21)."""
NOT_BEGUN, UNDER_WAY, DONE, HALTED, FAILED = "未开工", "实施中", "已完工", "停工", "终止"
_YEARS = range(2024, 2029)
_PER_YEAR = 2
_STALLS, _FAILS, _OVERRUNS = 0.06, 0.02, 0.02


@dataclass(frozen=True)
class Project:
    """One project of a fund year. Days count from 1970-01-01, amounts are in fen."""

    number: str
    year: int
    level: str
    kind: str
    budget: int
    started: int
    completed: int
    """The day it is to be completed; NEVER for one that stalls or fails."""
    stops: int
    """The day from which nothing happens any more; NEVER for a sound one."""
    fails: bool
    final_share: float
    """Share of the budget paid in the end; above 1 where it overruns."""
    benefit: int
    defect: str
    """What is spoilt in its row: D13 the budget, D21 the type; or empty."""

    def state(self, period: int) -> str:
        """Its state at the month's end, as the office writes it."""
        day = epoch_day(period + 1) - 1
        if day < self.started:
            return NOT_BEGUN
        if day >= self.stops:
            return FAILED if self.fails else HALTED
        return DONE if day >= self.completed else UNDER_WAY

    def paid(self, period: int) -> int:
        """Fen paid up to the month's end."""
        day = min(epoch_day(period + 1) - 1, self.stops)
        if day < self.started:
            return 0
        last = self.completed if self.completed < NEVER else self.started + 240
        share = min((day - self.started) / max(last - self.started, 1), 1.0)
        return round(self.budget * self.final_share * math.pow(share, 1.3))


def build(seed: int, village: Village) -> list[Project]:
    """All projects of a village, by fund year."""
    random = stream(seed, "projects", village.index)
    projects: list[Project] = []
    for year in _YEARS:
        for n in range(1, _PER_YEAR + 1):
            draws = random.random(8)
            level = int(pick(draws[:1], _LEVEL_WEIGHTS)[0])
            kind = int(pick(draws[1:2], _TYPE_WEIGHTS)[0])
            started = epoch_day(month(f"{year}-02")) + int(draws[2] * 120)
            lasting = 60 + int(draws[3] * 220)
            stalls = draws[4] < _STALLS + _FAILS
            share = 1.04 if draws[4] > 1 - _OVERRUNS else 0.9 + 0.1 * round(float(draws[5]), 2)
            projects.append(
                Project(
                    number=f"{village.county.code}{year}{level + 1}{village.index:04d}{n:02d}",
                    year=year,
                    level=LEVELS[level],
                    kind=TYPES[kind],
                    budget=int(np.exp(12.1 + 1.1 * (draws[6] - 0.5)) // 100) * 100 * 100,
                    started=started,
                    completed=NEVER if stalls else started + lasting,
                    stops=started + lasting // 2 if stalls else NEVER,
                    fails=bool(draws[4] < _FAILS),
                    final_share=share,
                    benefit=3 + int(draws[7] * max(village.households - 3, 1)),
                    defect="D21" if draws[5] < 0.006 else "D13" if draws[5] > 0.996 else "",
                )
            )
    return projects


def listed(projects: list[Project], period: int) -> list[Project]:
    """What the month's file shows: the projects of its year and of the year before."""
    return [project for project in projects if period // 12 - 1 <= project.year <= period // 12]

"""Contradictions planted for the cross-field rules, where the village's life has none of its own.

They are fixed for a village, as an uncorrected slip is: it is in every month's file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.simulator.monitoring import Monitoring
from include.simulator.months import NEVER, epoch_day, month
from include.simulator.population import Population
from include.simulator.randomness import stream

if TYPE_CHECKING:
    from include.simulator.village import VillageLife

_START = month("2026-01")
_NOT_INSURED, _LEFT_BLANK = 0.008, 0.004
"""Shares of persons."""


def shorten_a_certificate(people: Population, monitoring: Monitoring) -> None:
    """In every fourth village one monitored person keeps the ID of 15 digits (D03)."""
    if people.village.turn % 4 != 1:
        return
    monitored = monitoring.identified < _START
    lives_on = (people.death == NEVER) & (people.moved == NEVER)
    for i in np.flatnonzero(monitored[people.household] & lives_on).tolist():
        number = people.person_id[i]
        if not people.cert_defect[i] and number[6:8] == "19":
            people.cert_no[i] = number[:6] + number[8:17]
            people.cert_defect[i] = "D03"
            return


def serious_illness(life: VillageLife) -> list[str]:
    """Per person what the county writes of the serious-illness insurance."""
    draws = stream(life.seed, "serious illness", life.village.index).random(len(life.people.role))
    return [
        "否" if draw < _NOT_INSURED else "" if draw < _NOT_INSURED + _LEFT_BLANK else "是"
        for draw in draws.tolist()
    ]


def forgets_the_end(life: VillageLife, i: int, ended: int, period: int) -> bool:
    """Whether the office leaves the end of a job out although it says that nobody works there.

    Only of jobs that ended before the month: what ended in it is told in the month's file.
    """
    is_slip = (i + life.village.index) % 12 == 0
    return is_slip and ended < epoch_day(period)

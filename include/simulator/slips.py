"""Contradictions planted where the village's life has none of its own, or too rarely.

They are fixed for a village, as an uncorrected slip is: it is in every month's file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.simulator.areas import Village
from include.simulator.defects import UNUSABLE
from include.simulator.monitoring import MARGINAL, UNSTABLE, Monitoring
from include.simulator.months import NEVER, epoch_day, month
from include.simulator.population import CHILD, GRANDCHILD, HEAD, SPOUSE, Population
from include.simulator.randomness import Flags, Ints, stream

if TYPE_CHECKING:
    from include.simulator.village import VillageLife

_START = month("2026-01")
_NOT_INSURED, _LEFT_BLANK = 0.008, 0.004
"""Shares of persons."""
_DIED = epoch_day(month("2025-10")) + 19
"""Of those whose deaths civil affairs or the county overlook."""


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


def overlook_deaths(people: Population) -> None:
    """Let those die of whom somebody goes on to believe that they live."""
    for i in (overlooked_child(people), _overlooked_head(people)):
        if i is not None:
            people.death[i], people.death_listed[i] = _DIED, month("2025-10")


def overlooked_child(people: Population) -> int | None:
    """In every eighth village a schoolchild, dead since a while, for whom support is paid on."""
    if people.village.turn % 8 != 5:
        return None
    at_school = (people.birth > epoch_day(month("2013-01"))) & (
        people.birth < epoch_day(month("2019-01"))
    )
    return _first(people, np.isin(people.role, (CHILD, GRANDCHILD)) & at_school)


def supported_head(people: Population) -> int | None:
    """In every eighth village the dead head of a couple, who goes on to get full support and a
    subsidy for the disabled; the county's list gives the support to his widow too."""
    return _overlooked_head(people) if people.village.turn % 8 == 6 else None


def paid_head(people: Population) -> int | None:
    """In every eighth village the dead head of a couple who goes on to be paid for his post."""
    return _overlooked_head(people) if people.village.turn % 8 == 2 else None


def _overlooked_head(people: Population) -> int | None:
    if people.village.turn % 4 != 2:
        return None
    sizes = np.bincount(people.household, minlength=people.households)
    with_spouse = np.isin(people.household, people.household[people.role == SPOUSE])
    old = people.birth < epoch_day(month("1970-01"))
    pair = (sizes == 2)[people.household] & with_spouse
    return _first(people, (people.role == HEAD) & pair & old)


def _first(people: Population, fits: Flags) -> int | None:
    """The first who is there from the beginning and has a number that leads to him."""
    lost = np.array([defect in UNUSABLE for defect in people.cert_defect])
    fits = fits & ~lost & (people.listed_from == 0) & (people.moved == NEVER)
    found = np.flatnonzero(fits & ~np.isin(people.household, people.moves.changed))
    return int(found[0]) if len(found) else None


def contradict_a_kind(monitoring: Monitoring, village: Village) -> None:
    """In every eighth village an unstable ex-poor household that was never poor, in another a
    marginal one that was."""
    for turn, kind in ((3, UNSTABLE), (7, MARGINAL)):
        known = (monitoring.kind == kind) & (monitoring.identified < _START)
        if village.turn % 8 == turn and known.any():
            h = int(known.argmax())
            monitoring.ex_poor[h] = monitoring.keeps_benefits[h] = kind == MARGINAL


def unlisted_support(village: Village, tekun_start: Ints) -> Flags:
    """Per household: full support of which the county has never heard; one in a village at most."""
    unheard = np.zeros(len(tekun_start), dtype=bool)
    unheard[np.flatnonzero(tekun_start < _START)[: int(village.turn % 4 == 1)]] = True
    return unheard


def kept_as_marginal(village: Village, dibao_start: Ints, dibao_end: Ints) -> int | None:
    """In every second village a household that got the allowance of late and is still registered
    as marginal (低保边缘), until that runs out."""
    late = (dibao_start >= month("2024-01")) & (dibao_start <= _START) & (dibao_end > _START + 6)
    found = np.flatnonzero(late)
    return int(found[0]) if village.turn % 2 and len(found) else None


def said_uninsured(people: Population) -> frozenset[int]:
    """Whom the county says to be in no medical insurance: three persons in every fourth village."""
    if people.village.turn % 4:
        return frozenset()
    stays = (people.death == NEVER) & (people.moved == NEVER) & (people.listed_from == 0)
    return frozenset(np.flatnonzero(stays)[:3].tolist())

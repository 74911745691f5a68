"""Write the three sources and the truth, county by county and village by village."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from include.simulator import civil_affairs, illness, settlements, vital
from include.simulator.areas import County, counties, villages
from include.simulator.county_folder import CountyFolder, Sent
from include.simulator.health_store import KINDS as HEALTH_KINDS
from include.simulator.health_store import HealthStore, new_store
from include.simulator.months import month, period
from include.simulator.profiles import profile_of
from include.simulator.truth import Truth
from include.simulator.village import VillageLife

Progress = Callable[[int, int], None]
"""Told (villages done, villages in all)."""


def generate(
    home: Path, profile: str, seed: int, periods: list[str], progress: Progress | None = None
) -> None:
    """Everything below ``home/sources`` and ``home/truth`` for the months ``periods``.

    The same arguments give the same bytes and time stamps. At most one village and one page of
    each file is in memory, and of the households that live in another county than the village they
    are generated with, what is to go into its files. What an earlier call left there is replaced.
    """
    for folder in ("sources/county", "truth"):
        shutil.rmtree(home / folder, ignore_errors=True)
    size = profile_of(profile)
    months = sorted(month(text) for text in periods)
    total = sum(len(here) for here in villages(size).values())
    waiting: dict[tuple[County, int], list[Sent]] = {}
    done = 0

    def lives() -> Iterator[VillageLife]:
        nonlocal done
        for county in counties():
            folders = [CountyFolder(home, seed, county, when) for when in months]
            for folder, when in zip(folders, months, strict=True):
                for row in waiting.pop((county, when), ()):
                    folder.receive(*row)
            for village in villages(size)[county.code]:
                life = VillageLife(seed, size, village, months[0])
                for when, folder, truth in zip(months, folders, truths, strict=True):
                    here = life.at(when)
                    for elsewhere, row in folder.add(here):
                        waiting.setdefault((elsewhere, when), []).append(row)
                    truth.add(here)
                    _add_health(life, when, store, truth)
                yield life
                done += 1
                if progress:
                    progress(done, total)
            for folder, truth in zip(folders, truths, strict=True):
                truth.add_planted(county.code, folder.close())

    with ExitStack() as stack:
        store = stack.enter_context(new_store(home))
        truths = [stack.enter_context(Truth(home, when)) for when in months]
        civil_affairs.write(home, lives(), months[0], months[-1])


def _add_health(life: VillageLife, when: int, store: HealthStore, truth: Truth) -> None:
    store.add(
        "yb_enrol", period(when), (record for _, record in settlements.enrolments(life, when))
    )
    for kind in HEALTH_KINDS:
        store.add(kind, period(when), ())  # a month without records is a month all the same
    uploaded = list(settlements.uploaded(life, when))
    store.add("yb_settle", period(when), (one.record for one in uploaded))
    truth.add_settlements((life.people.person_id[one.person], one.record) for one in uploaded)
    if when > life.since:
        again = settlements.repeated(life, when)
        store.add("yb_settle", period(when), (one.record for one in again))
    for kind, records in _REGISTERS.items():
        store.add(kind, period(when), records(life, when))


_REGISTERS: dict[str, Callable[[VillageLife, int], Iterator[dict[str, str]]]] = {
    "yb_chronic": illness.chronic_register,
    "yb_med_aid": illness.medical_aid,
    "wj_major_disease": illness.major_register,
    "wj_contract": illness.contracts,
    "wj_followup": illness.followups,
    "wj_death": vital.deaths,
    "wj_birth": vital.births,
}
"""The records of each register in a month."""

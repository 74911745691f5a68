"""Welfare posts (公益性岗位): who holds which, since when, what is paid: the state behind C9."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.simulator import slips
from include.simulator.monitoring import Monitoring
from include.simulator.months import NEVER, epoch_day, month, month_of
from include.simulator.population import Population
from include.simulator.randomness import pick, stream

KINDS = (
    ("护林员", "护林护草", 1_000), ("保洁员", "保洁绿化", 600), ("护路员", "道路维护", 600),
    ("管水员", "水利管护", 500), ("治安巡逻员", "治安巡逻", 800), ("养老护理员", "照护服务", 900),
    ("村务协理员", "村级事务协理", 700),
)  # fmt: skip
"""Name of the post, its type as offices write it, yuan a month."""
_WEIGHTS = (30, 34, 12, 9, 5, 5, 5)
UNKNOWN_TYPE = "乡村建设辅助岗"
"""A type that came into use after the code list was agreed (D21)."""
_FIRST, _LAST = month("2022-01"), month("2027-10")
_LATE_DEATH_SHARE = 0.5
_OVERLOOKED = epoch_day(month("2023-03"))
"""Beginning of a post that is paid on after its holder's death."""


@dataclass(frozen=True)
class Post:
    """One person in one post. ``started`` and ``ended`` (the last day) are days since 1970."""

    person: int
    name: str
    kind: str
    started: int
    ended: int
    struck: int
    """Month in which the county learns of the end: later than it, where the holder has died."""
    allowance: int
    """Fen a month."""
    defect: str
    """What is spoilt in its row: D14 the day of beginning, D21 the type; or empty."""

    def known_end(self, period: int) -> int:
        """The last day as the county knows it at the month's end, NEVER for none."""
        return self.ended if self.struck <= period else NEVER

    def is_listed(self, period: int) -> bool:
        """In the month's file: begun, and not struck off in an earlier month."""
        return self.started < epoch_day(period + 1) and self.struck >= period

    def is_filled(self, period: int) -> bool:
        """As far as the county knows, held beyond the month's last day."""
        return self.is_listed(period) and self.known_end(period) >= epoch_day(period + 1)


def build(seed: int, people: Population, monitoring: Monitoring) -> list[Post]:
    """All posts of a village's people."""
    random = stream(seed, "welfare posts", people.village.index)
    persons = len(people.role)
    age = people.age(month("2026-01"))
    able = (age >= 25) & (age <= 72) & (people.health < 3)
    in_need = (monitoring.ex_poor | (monitoring.kind > 0))[people.household]
    lags = people.death_listed > np.array(
        [month_of(day) if day < NEVER else NEVER for day in people.death.tolist()]
    )
    draws = random.random((persons, 5))
    holds = able & in_need & (draws[:, 0] < 0.14)
    holds |= lags & (age >= 25) & (draws[:, 0] < _LATE_DEATH_SHARE)
    if people.village.position == 0 and (able & in_need).any():
        # One holder a county at least, and one of two posts.
        first = int(np.flatnonzero(able & in_need)[0])
        holds[first], draws[first, 1] = True, 0.0
    kinds = pick(draws[:, 2], _WEIGHTS).tolist()
    started = epoch_day(_FIRST) + (draws[:, 3] ** 2 * (epoch_day(_LAST) - epoch_day(_FIRST)))
    lasting = 200 + random.gamma(2.0, 500.0, persons)
    posts: list[Post] = []
    for i in np.flatnonzero(holds).tolist():
        when = min(int(started[i]), epoch_day(month("2024-06")) if lags[i] else NEVER)
        ended, struck = _end(people, i, NEVER if lags[i] else when + int(lasting[i]))
        for n in range(2 if draws[i, 1] < 0.05 else 1):
            name, kind, yuan = KINDS[(kinds[i] + n * 2) % len(KINDS)]
            rare = draws[i, 4]
            defect = "D21" if rare < 0.01 else "D14" if rare < 0.015 else ""
            posts.append(Post(i, name, kind, when, ended, struck, yuan * 100, defect))
    overlooked = slips.paid_head(people)
    if overlooked is not None:
        name, kind, yuan = KINDS[0]
        ended = int(people.death[overlooked])
        posts.append(Post(overlooked, name, kind, _OVERLOOKED, ended, NEVER, yuan * 100, ""))
    return posts


def _end(people: Population, i: int, drawn: int) -> tuple[int, int]:
    """(last day, month in which the county strikes the post off)."""
    leaves = epoch_day(int(people.moved[i])) if people.moved[i] < NEVER else NEVER
    ended = min(drawn, leaves, int(people.death[i]))
    if ended == NEVER:
        return NEVER, NEVER
    if ended == people.death[i]:
        return ended, int(people.death_listed[i])
    return ended, month_of(ended)


def is_delivered(post: Post, period: int, on_file: frozenset[int]) -> bool:
    """Whether the month's file has the post: its holder is on file, or overlooked as dead."""
    return post.is_listed(period) and (post.person in on_file or post.struck == NEVER)


def paid(seed: int, people: Population, post: Post, period: int) -> int:
    """Fen paid for the month: all of it as a rule; nothing or half where payment stalls."""
    draw = stream(seed, "post pay", people.village.index, post.person, period).random()
    if post.started >= epoch_day(period) + 15 or post.known_end(period) < epoch_day(period) + 15:
        return 0
    return 0 if draw < 0.03 else post.allowance // 2 if draw < 0.05 else post.allowance

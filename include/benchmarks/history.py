"""What rebuilding a month costs as history grows: an early month and a late one, in one run."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from include.evaluation.history import BUILD, Seconds, run_months


@dataclass(frozen=True)
class Rebuilt:
    """A month that was rebuilt: medians in seconds by step; ``history`` is months up to it."""

    period: str
    history: int
    steps: Seconds

    @property
    def seconds(self) -> float:
        return sum(self.steps.values())


@dataclass(frozen=True)
class Growth:
    """The same work with little history and with much."""

    short: Rebuilt
    long: Rebuilt

    @property
    def ratio(self) -> float:
        return self.long.seconds / self.short.seconds


def measure(
    periods: list[str], times: int, console: Console, told: Callable[[str, float], None]
) -> Growth:
    """Rebuild the second month and the last in turns, ``times`` each; ``told`` hears of each.

    All months are published in the current municipality. A build reads nothing later than its
    month, so the second month is a rebuild inside two months.
    """
    short, long = periods[1], periods[-1]
    spent: dict[str, list[Seconds]] = {short: [], long: []}
    for _ in range(times):
        for period in (short, long):
            one = run_months([period], console, BUILD)[period]
            spent[period].append(one)
            told(period, sum(one.values()))
    return Growth(_medians(short, 2, spent[short]), _medians(long, len(periods), spent[long]))


def _medians(period: str, history: int, found: list[Seconds]) -> Rebuilt:
    return Rebuilt(
        period, history, {step: statistics.median(one[step] for one in found) for step in BUILD}
    )

"""Whether a month's marts depend on when it was built: months in order, and again in any order."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rich.console import Console

from include.database import OWNER, connect
from include.evaluation.history import BUILD, run_months
from include.marts import candidate_marts, content

Contents = dict[tuple[str, str], dict[str, object]]
"""(period, mart) -> its rows and their ordered hash."""


@dataclass(frozen=True)
class Verdict:
    """``differing`` are (period, mart) that the second build made otherwise."""

    periods: tuple[str, ...]
    order: tuple[str, ...]
    marts: tuple[str, ...]
    rows: int
    differing: tuple[tuple[str, str], ...]


def compare(periods: list[str], seed: int, console: Console) -> Verdict:
    """Deliver and build the months one after the other, then build all again in a shuffled order.

    The first time, a month knows nothing of later ones; the second time all have been delivered.
    Runs in the current municipality.
    """
    run_months(periods, console)
    forward = _published(periods)
    order = list(periods)
    random.Random(seed).shuffle(order)  # noqa: S311  # an order, not a secret
    run_months(order, console, BUILD)
    again = _published(periods)
    return Verdict(
        tuple(periods),
        tuple(order),
        tuple(sorted({mart for _, mart in forward})),
        sum(int(str(found["rows"])) for found in forward.values()),
        tuple(sorted(key for key in forward | again if forward.get(key) != again.get(key))),
    )


def _published(periods: list[str]) -> Contents:
    with connect(OWNER) as connection:
        marts = candidate_marts(connection)
        return {
            (period, mart.name): content(connection, "marts", mart, period)
            for period in periods
            for mart in marts
        }

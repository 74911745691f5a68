"""Households over time: the changes that were found beside those the simulated truth knows.

Found is what the spine says after the last month's build: which number follows which
(``household_succession``), who went to a household that was there (``household_membership``), and
where another person became the head (``household_head``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from include.database import OWNER, connect
from include.vault import identifier_key

KINDS = ("split", "merged", "moved", "renumbered", "relocated", "other_head")
LEAST = 0.95
"""Least share of the changes found, and of what is found that is one."""
SELECTION = "+household_succession +household_head"
"""What dbt has to build for it."""
Change = tuple[str, str, str, str]
"""kind, month since which it is so, key of the household before and since."""
_FOUND = """
    select kind, since_period, household_key, successor_household_key
    from spine.household_succession
    union
    select begun_by, valid_from, from_household_key, household_key
    from spine.household_membership
    where begun_by = 'moved'
    union
    select 'other_head', valid_from, household_key, household_key
    from spine.household_head
    where previous_person_key is not null
"""


@dataclass(frozen=True)
class KindFigures:
    """Changes of one kind over the months after the first."""

    kind: str
    expected: int
    found: int
    missed: int
    extra: int


def evaluate(home: Path, periods: list[str]) -> list[KindFigures]:
    """Compare the spine, as built for the last of ``periods``, with the truth, kind by kind."""
    return compare(expected(home, periods), found(periods))


def expected(home: Path, periods: list[str]) -> set[Change]:
    """The true changes of the months after the first, which the first lists say nothing of."""
    changes: set[Change] = set()
    for period in periods[1:]:
        rows = pd.read_csv(home / "truth" / period / "household_changes.csv", dtype=str)
        for row in rows.itertuples():
            before, since = (
                identifier_key("household", str(number))
                for number in (row.household_no, row.successor_household_no)
            )
            changes.add((str(row.kind), period, before, since))
    return changes


def found(periods: list[str]) -> set[Change]:
    """The changes that the spine tells of the same months."""
    with connect(OWNER) as connection:
        return {row for row in connection.execute(_FOUND) if row[1] in periods[1:]}


def compare(true: set[Change], told: set[Change]) -> list[KindFigures]:
    """Figures of each kind, in the order of KINDS."""
    figures = []
    for kind in KINDS:
        wanted = {change for change in true if change[0] == kind}
        got = {change for change in told if change[0] == kind}
        figures.append(
            KindFigures(kind, len(wanted), len(got), len(wanted - got), len(got - wanted))
        )
    return figures


def meets_target(figures: list[KindFigures]) -> bool:
    """Whether enough was found and little else, over all kinds."""
    wanted, got = sum(one.expected for one in figures), sum(one.found for one in figures)
    missed, extra = sum(one.missed for one in figures), sum(one.extra for one in figures)
    return missed <= (1 - LEAST) * wanted and extra <= (1 - LEAST) * got

"""What is true of households over time: which number follows which, who went where, who heads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from include.simulator.moves import ACROSS, MARRIED, MERGED, RENUMBERED, SPLIT
from include.simulator.roster import GONE
from include.simulator.village import VillageMonth

KINDS = {
    SPLIT: "split",
    MERGED: "merged",
    MARRIED: "moved",
    RENUMBERED: "renumbered",
    ACROSS: "relocated",
}
"""Change -> what the warehouse calls it."""
OTHER_HEAD = "other_head"
HouseholdChange = tuple[str, str, str, int]
"""kind, household_no, household_no that follows (the same for another head), persons."""


def household_changes(month: VillageMonth) -> Iterator[HouseholdChange]:
    """A village's changes since the month before, as far as people listed in both show them."""
    life, period = month.life, month.period
    if period <= life.since:
        return  # the first lists tell of no change
    earlier = life.at(period - 1)
    stayed = _present(earlier) & _present(month)
    before, now = earlier.people, month.people
    for change in life.moves.of(*KINDS):
        if change.when == period:
            followed = Counter(
                (before.household_no[int(before.household[i])],
                 now.household_no[int(now.household[i])])
                for i in life.people.movers(change).tolist()
                if i in stayed
            )  # fmt: skip
            for (old, new), persons in sorted(followed.items()):
                yield KINDS[change.kind], old, new, persons
    vacant = life.moves.vacant(period) | life.moves.vacant(period - 1)
    for h, number in enumerate(now.household_no):
        heads = int(earlier.roster.head[h]), int(month.roster.head[h])
        if number == before.household_no[h] and h not in vacant and heads[0] != heads[1]:
            yield OTHER_HEAD, number, number, 1


def _present(month: VillageMonth) -> set[int]:
    rows = zip(month.roster.rows.tolist(), month.roster.status, strict=True)
    return {i for i, status in rows if status not in GONE}

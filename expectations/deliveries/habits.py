"""What is usual: figures of a delivery beside the same county's own earlier months.

The usual range is the median of up to twelve accepted earlier months, give or take what the months
differ among themselves (four times their median absolute deviation) and at least what chance alone
may do in a file of this size; a county with few households alarms nobody by one household more.
From three months on it is known. Before that, the number of rows is compared with the month before
(``volume_ratio``), and other figures with nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from expectations.check import Check, between

FEWEST_MONTHS = 3
MOST_MONTHS = 12
_DEVIATIONS = 4
_COUNT_CHANGE, _COUNT_LEAST = 0.25, 10
"""A number of rows may always change by a quarter, and by ten."""
_SHARE_CHANGE = 0.05
_AMOUNT_CHANGE = 0.25


@dataclass(frozen=True)
class Habit:
    """A figure of the profile that is compared with the county's history.

    A ``count`` is a number of rows, a ``share`` lies in 0..1, an ``amount`` is any other middle
    value, such as yuan or persons per household.
    """

    figure: str
    measure: Literal["count", "share", "amount"]
    what: str
    label_zh: str
    sql: str | None = None
    """Aggregate over ``raw.<kind> as r``; None where the profile has the figure anyway."""

    @property
    def columns(self) -> str:
        """SQL: what is usual for the figure, and how far off it is (beyond -1 or 1: unusual)."""
        name = self.figure
        chance = {
            "count": f"{_COUNT_CHANGE} * u.middle, 4 * sqrt(u.middle), {_COUNT_LEAST}",
            # Two rows more of either kind: a share of 0 or 1 among few rows proves little.
            "share": f"{_SHARE_CHANGE}, 4 * sqrt((u.middle * f.loaded_rows + 2)"
            " * ((1 - u.middle) * f.loaded_rows + 2)"
            " / (f.loaded_rows + 4) ^ 2 / nullif(f.loaded_rows, 0))",
            "amount": f"{_AMOUNT_CHANGE} * u.middle, 3 * u.middle / nullif(sqrt(f.loaded_rows), 0)",
        }[self.measure]
        return f"""
left join lateral (
    select
        u.months as {name}_months,
        u.middle as {name}_middle,
        greatest({_DEVIATIONS} * u.spread, {chance}) as {name}_allowed
    from quality.usual(array(
        select (h.figures ->> '{name}')::numeric from unnest(past.figures) as h (figures)
    )) as u
    where u.months >= {FEWEST_MONTHS}
) as {name}_usual on true"""

    @property
    def deviation(self) -> str:
        """SQL: how far off the figure is, in allowed changes; null where nothing is usual yet."""
        name, value = self.figure, "g.row_count" if self.measure == "count" else f"f.{self.figure}"
        return (
            f"round((({value} - {name}_middle) / nullif({name}_allowed, 0))::numeric, 4)"
            f" as {name}_off"
        )


ROWS = Habit("row_count", "count", "the number of rows", "行数")


def past(kind: str) -> str:
    """SQL: ``past.figures``, the profiles of the county's accepted earlier months, latest first."""
    return f"""
cross join lateral (
    select array(
        select p.figures
        from (
            select distinct on (a.period) a.period, a.delivery_id
            from ops.accepted_delivery as a
            where a.kind = '{kind}' and a.county_code = d.county_code and a.period < d.period
            order by a.period desc, a.arrival_id desc
            limit {MOST_MONTHS}
        ) as a
        inner join ops.delivery_profile as p using (delivery_id)
    ) as figures
) as past"""


def usual_rows() -> tuple[Check, ...]:
    """The number of rows is as usual; of a county without history, about that of last month."""
    return (
        between(
            "volume_ratio",
            minimum=0.5,
            maximum=1.5,
            severity="warning",
            description="of a county with less than three months of history, the number of rows is"
            " within half of the previous month's",
            label_zh="行数与上月相近",
            reason="a sudden halving is more often a filter left on than a change in the villages.",
            remedy="ask the sender whether the change is real.",
            defect="D20",
        ),
        usual(ROWS),
    )


def usual(habit: Habit) -> Check:
    """The figure lies within what is usual for the county."""
    return replace(
        between(
            f"{habit.figure}_off",
            id=f"{habit.figure}_usual",
            minimum=-1,
            maximum=1,
            severity="warning",
            description=f"{habit.what} is what is usual for this county: near the median of its"
            " last twelve months, as far as these differ among themselves",
            label_zh=f"{habit.label_zh}与往月相比正常",
            reason="a filter left on, a column shifted or another unit shows here first, while each"
            " single row looks sound.",
            remedy="ask the sender whether the change is real.",
            defect="D20" if habit.measure == "count" else None,
            remedy_zh="与本县往月相差较大：请核对导出条件、列和单位；确有变化请说明原因。",
        ),
        habit=habit.figure,
    )


def usual_all(habits: Sequence[Habit]) -> tuple[Check, ...]:
    """The figures of a kind lie within what is usual for the county."""
    return tuple(usual(habit) for habit in habits)

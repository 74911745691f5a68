"""Months as integers, so that events can be compared and counted."""

from __future__ import annotations

import datetime as dt

from include.errors import WarehouseError
from include.months import is_month

NEVER = 10**6
"""A month after all others: the event that does not happen."""
CHINA = dt.timezone(dt.timedelta(hours=8))


def month(period: str) -> int:
    """``2026-01`` -> months since year 0. Raises WarehouseError on anything else."""
    if not is_month(period):
        raise WarehouseError(
            f"{period!r} is no month.", remedy="write the year and the month, such as 2026-01."
        )
    return int(period[:4]) * 12 + int(period[5:]) - 1


def period(index: int) -> str:
    """The month as ``YYYY-MM``."""
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def ym(index: int) -> str:
    """The month as ``YYYYMM``; empty for NEVER and what lies before year 1."""
    return "" if index >= NEVER or index < 12 else f"{index // 12:04d}{index % 12 + 1:02d}"


def first_day(index: int) -> dt.date:
    """The first day of the month."""
    return dt.date(index // 12, index % 12 + 1, 1)


def epoch_day(index: int) -> int:
    """The month's first day as days since 1970-01-01."""
    return first_day(index).toordinal() - _EPOCH


def month_of(day: int) -> int:
    """The month in which a day (days since 1970-01-01) lies."""
    date = dt.date.fromordinal(day + _EPOCH)
    return date.year * 12 + date.month - 1


def date_of(day: int) -> dt.date:
    """Days since 1970-01-01 as a date."""
    return dt.date.fromordinal(day + _EPOCH)


def delivery_date(index: int) -> dt.date:
    """The day on which a county exports a month's files: the 4th of the next."""
    return first_day(index + 1).replace(day=4)


def spell(first: str, last: str) -> list[str]:
    """All months from ``first`` to ``last``, both included. Raises WarehouseError if reversed."""
    start, end = month(first), month(last)
    if end < start:
        raise WarehouseError(
            f"The month {last} lies before {first}.", remedy="give the earlier month first."
        )
    return [period(index) for index in range(start, end + 1)]


_EPOCH = dt.date(1970, 1, 1).toordinal()

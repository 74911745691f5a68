"""The working days of China as the seed ``ref_calendar``: ``python -m include.calendar_seed``.

Weekends, statutory holidays and the make-up days (调休) that turn a Saturday or Sunday into a
working day, from the package ``chinesecalendar``. The State Council announces a year's holidays in
the autumn before; for years the package does not know yet, only weekends are off and ``verified``
is false. Run it again after an update of the package; a test compares seed and package.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import chinese_calendar

from include.settings import PROJECT_ROOT

SEED = PROJECT_ROOT / "dbt_project" / "seeds" / "ref_calendar.csv"
FIRST, LAST = dt.date(2020, 1, 1), dt.date(2027, 12, 31)
COLUMNS = ("day", "is_workday", "verified")


def days() -> Iterator[tuple[str, str, str]]:
    """(ISO day, is_workday, verified) of each day from FIRST to LAST, as the seed spells them."""
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=number)
        try:
            works, verified = chinese_calendar.is_workday(day), True
        except NotImplementedError:
            works, verified = day.weekday() < 5, False
        yield day.isoformat(), str(works).lower(), str(verified).lower()


def write(path: Path = SEED) -> None:
    """Replace the seed."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(days())


if __name__ == "__main__":
    write()

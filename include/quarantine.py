"""What waits in quarantine, as the latest published month of a county tells it."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import class_row

from include.database import acting_as, connect
from include.errors import WarehouseError


class NothingPublished(WarehouseError):
    """There is no published month to tell of."""


@dataclass(frozen=True)
class Backlog:
    """A row of marts.quarantine_backlog: counts of rows, no values."""

    period: str
    kind: str
    county_code: str
    defect_code: str
    defect_name: str
    open_rows: int
    new_rows: int
    released_rows: int
    oldest_period: str | None
    oldest_age_months: int | None


@acting_as("bi_city")
def backlog(period: str | None = None, county_code: str | None = None) -> list[Backlog]:
    """The backlog of a month, the last published one unless given; the oldest rows first.

    ``county_code`` 431000 stands for the city's own systems. Raises NothingPublished where no month
    is published.
    """
    with connect() as connection, connection.cursor(row_factory=class_row(Backlog)) as cursor:
        there = connection.execute("select to_regclass('marts.quarantine_backlog')").fetchone()
        if there == (None,):
            raise NothingPublished(
                "no month is published yet.", remedy="build and publish a month first."
            )
        period = period or _last_published()
        return cursor.execute(
            "select * from marts.quarantine_backlog where period = %s "
            "and county_code = coalesce(%s, county_code) "
            "order by oldest_age_months desc nulls last, county_code, kind, defect_code",
            [period, county_code],
        ).fetchall()


def _last_published() -> str | None:
    """From the register, which who reads the marts does not read."""
    with connect("operator") as register:
        row = register.execute(
            "select max(period) from ops.publication where state = 'published'"
        ).fetchone()
    return row[0] if row else None

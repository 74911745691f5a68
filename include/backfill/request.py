"""A request to build past months again, and the rules by which it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from include.areas import counties
from include.contracts import kinds_of
from include.errors import BackfillRefused
from include.holds import held_months
from include.landing import path_of
from include.months import is_month
from include.readiness import CITY, SOURCES

FIRST_MONTH = "2021-01"
"""No source delivers months before it."""
_TO_NAME = 5
"""So many of the missing files are named; the rest is counted."""


@dataclass(frozen=True)
class Request:
    """Months ``first`` to ``last`` (YYYY-MM) of one source or of all, of one county or of all.

    ``cascades``: published months that read what changes are built again after it.
    """

    first: str
    last: str
    reason: str
    source: str | None = None
    county: str | None = None
    cascades: bool = True

    @property
    def periods(self) -> list[str]:
        """Every month, both ends included."""
        start, end = (int(each[:4]) * 12 + int(each[5:]) - 1 for each in (self.first, self.last))
        return [f"{index // 12:04}-{index % 12 + 1:02}" for index in range(start, end + 1)]

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that are asked; a county is asked for alone, the city's systems know none."""
        return (self.source,) if self.source else ("county",) if self.county else SOURCES

    @property
    def producers(self) -> tuple[str, ...]:
        """The sources' DAGs."""
        return tuple(f"{source}_delivery" for source in self.sources)

    @property
    def units(self) -> list[tuple[str, str]]:
        """(kind, county) of each delivery a month owes; 431000 is the city's own systems."""
        asked = (self.county,) if self.county else tuple(counties())
        return [
            (contract.kind, county)
            for source in SOURCES
            if source in self.sources
            for contract in kinds_of(source)
            for county in (asked if source == "county" else (CITY,))
        ]


def this_month() -> str:
    """The running month at the bureau."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m")


def demand_sound(request: Request, running_month: str) -> None:
    """Raise BackfillRefused, naming the rule, where the words of the request break one."""
    for name, period in (("FROM", request.first), ("TO", request.last)):
        if not is_month(period):
            raise BackfillRefused(
                f"{name} is no month.", rule="no_month", remedy="write it as 2026-01."
            )
    if request.first > request.last:
        raise BackfillRefused(
            "FROM lies after TO.", rule="from_after_to", remedy="give the earlier month first."
        )
    if request.last >= running_month:
        raise BackfillRefused(
            f"{request.last} has not ended: its deliveries are not complete.",
            rule="month_not_ended",
            remedy=f"end before {running_month}.",
        )
    if request.first < FIRST_MONTH:
        raise BackfillRefused(
            f"no source delivers months before {FIRST_MONTH}.",
            rule="before_first_month",
            remedy="begin later.",
        )
    if not request.reason.strip():
        raise BackfillRefused(
            "the reason is empty.", rule="empty_reason", remedy='say why, as in --reason "…".'
        )
    if request.source is not None and request.source not in SOURCES:
        raise BackfillRefused(
            f"there is no source {request.source!r}.",
            rule="unknown_source",
            remedy=f"choose among {', '.join(SOURCES)}.",
        )
    if request.county is not None and request.county not in counties():
        raise BackfillRefused(
            f"there is no county {request.county!r}.",
            rule="unknown_county",
            remedy=f"choose among {', '.join(counties())}.",
        )
    if request.county is not None and request.source not in (None, "county"):
        raise BackfillRefused(
            f"{request.source} is the city's own and is not delivered by county.",
            rule="county_of_city_source",
            remedy="leave out --county, or ask for the source county.",
        )


def demand_possible(connection: psycopg.Connection[Any], request: Request) -> None:
    """Raise BackfillRefused where the warehouse has not what the request rests on."""
    if held := sorted(held_months(connection).keys() & set(request.periods)):
        raise BackfillRefused(
            f"held since they were rolled back: {', '.join(held)}; nothing is published over them.",
            rule="held",
            remedy=f'let them go first: ./warehouse release {held[0]} --reason "…".',
        )
    if len(request.sources) < len(SOURCES) and (never := _never_built(connection, request)):
        raise BackfillRefused(
            f"never built: {', '.join(never)}. One source alone does not make a month.",
            rule="never_built",
            remedy="leave out --source and --county, or begin with months that were built.",
        )
    if gone := gone_from_landing(connection, request):
        named = ", ".join(" ".join(each) for each in gone[:_TO_NAME])
        more = f" and {len(gone) - _TO_NAME} more" if len(gone) > _TO_NAME else ""
        raise BackfillRefused(
            f"no longer in landing: {named}{more}. What a sender gives today may be another file.",
            rule="not_in_landing",
            remedy="restore landing from its backup, or take months whose deliveries are kept.",
        )


@dataclass(frozen=True)
class InFlight:
    """A backfill of one DAG that has not ended."""

    dag_id: str
    first: str
    last: str


def demand_free(request: Request, in_flight: Iterable[InFlight]) -> None:
    """Raise BackfillRefused where a backfill in flight would meet this one.

    One meets it that covers one of its months, or that runs one of its DAGs: Airflow runs one
    backfill of a DAG at a time.
    """
    for other in in_flight:
        if other.dag_id in request.producers or (
            other.first <= request.last and request.first <= other.last
        ):
            raise BackfillRefused(
                f"a backfill of {other.dag_id}, {other.first} to {other.last}, is in flight.",
                rule="overlap",
                remedy="wait until it has ended, or cancel it on Airflow's page.",
            )


def gone_from_landing(
    connection: psycopg.Connection[Any], request: Request
) -> list[tuple[str, str, str]]:
    """(kind, county, month) of the accepted deliveries that count and whose bytes are not kept."""
    units = request.units
    counting = connection.execute(
        "select distinct on (a.kind, a.county_code, a.period)"
        " a.kind, a.county_code, a.period, coalesce(x.redacted_sha256, d.sha256)"
        " from ops.accepted_delivery as a inner join ops.delivery as d using (delivery_id)"
        " left join ops.redaction as x using (sha256)"
        " inner join unnest(%s::text[], %s::text[]) as u (kind, county_code)"
        " on (a.kind, a.county_code) = (u.kind, u.county_code)"
        " where a.period between %s and %s"
        " order by a.kind, a.county_code, a.period, a.arrival_id desc",
        [[kind for kind, _ in units], [unit for _, unit in units], request.first, request.last],
    )
    return [
        (kind, county, period)
        for kind, county, period, sha256 in counting
        if not path_of(sha256).exists()
    ]


def _never_built(connection: psycopg.Connection[Any], request: Request) -> list[str]:
    built = {
        period
        for (period,) in connection.execute(
            "select distinct period from ops.build where period between %s and %s",
            [request.first, request.last],
        )
    }
    return [period for period in request.periods if period not in built]

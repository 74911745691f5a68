"""Whether a month's deliveries are complete enough to build it: one gate per source.

A gate opens when everything has arrived and been judged, or when the deadline has passed; in both
cases at least the minimum must be usable (ref_readiness). An operator may open it by giving a
reason. Of the counties, those that are not usable are held back; of the city's own systems every
kind counts as one unit, since every county depends on it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import psycopg

from include.areas import counties
from include.contracts import Source, kinds_of
from include.database import acting_as, connect
from include.errors import DeliveryMissing, DeliveryRejected
from include.settings import PROJECT_ROOT

CITY = "431000"
"""Stands for the county of what the whole city shares."""
SOURCES: tuple[Source, ...] = get_args(Source)
Because = Literal["complete", "deadline", "operator", "incomplete", "below_minimum"]
_OPEN = ("complete", "deadline", "operator")
_BEIJING = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Rule:
    """A row of ref_readiness: the deadline after the month's end (Beijing time) and the minimum."""

    deadline_day: int
    deadline_hour: int
    minimum: int
    verified: bool


@dataclass(frozen=True)
class Arrival:
    """What came of one kind from one county (431000: the city's own systems) for a month.

    ``state`` is accepted, rejected (each version so far), not_judged or missing; ``since`` when the
    first version came, for a rejection when it was decided, None for what is missing.
    """

    county_code: str
    kind: str
    title_zh: str
    state: str
    since: datetime | None


@dataclass(frozen=True)
class Readiness:
    """What a source's gate says of a month.

    Units are county codes, or kinds of the city's own systems. ``usable`` units have all accepted
    that their figures need, ``rejected`` ones have been judged and are not usable, ``missing`` ones
    have a kind that has not been judged; one of these may be usable all the same.
    """

    period: str
    source: Source
    units: tuple[str, ...]
    usable: tuple[str, ...]
    rejected: tuple[str, ...]
    missing: tuple[str, ...]
    minimum: int
    deadline: datetime
    because: Because
    arrivals: tuple[Arrival, ...]

    @property
    def is_open(self) -> bool:
        return self.because in _OPEN

    @property
    def held_back(self) -> list[str]:
        """Units that are not usable: of the counties, those that are held back."""
        return [unit for unit in self.units if unit not in self.usable]

    def lacking(self, unit: str) -> list[str]:
        """Kinds of a unit that are not accepted, with their titles and states."""
        return [
            f"{found.kind} ({found.title_zh}) {found.state}"
            for found in self.arrivals
            if unit in (found.county_code, found.kind) and found.state != "accepted"
        ]

    @property
    def due(self) -> str:
        """The deadline in words."""
        return f"{self.deadline.astimezone(_BEIJING):%Y-%m-%d %H:%M} Beijing time"

    @property
    def sentence(self) -> str:
        """The gate's word for logs and people."""
        heard = (
            f"{self.source} of {self.period}: {len(self.usable)} of {len(self.units)} usable"
            f" (at least {self.minimum}), {len(self.rejected)} rejected,"
            f" {len(self.missing)} missing"
        )
        match self.because:
            case "complete":
                return f"{heard}; open: everything has been judged."
            case "deadline":
                return f"{heard}; open: the deadline {self.due} has passed."
            case "operator":
                return f"{heard}; open: an operator said so."
            case "incomplete":
                return f"{heard}; waiting until {self.due}."
        return f"{heard}; waiting: fewer are usable than the minimum."


def assess(
    connection: psycopg.Connection[Any], period: str, source: Source, now: datetime
) -> Readiness:
    """What the gate of ``source`` says of ``period`` at ``now``, from the deliveries on record."""
    rule = rules()[source]
    found = arrivals(connection, period, source)
    needed = {contract.kind for contract in kinds_of(source)}
    if source == "county":
        needed = {contract.kind for contract in kinds_of(source) if contract.holds_back}
    by_unit: dict[str, list[Arrival]] = {}
    for arrival in found:
        by_unit.setdefault(arrival.county_code if source == "county" else arrival.kind, []).append(
            arrival
        )
    usable = tuple(
        unit
        for unit, of_unit in by_unit.items()
        if all(a.state == "accepted" for a in of_unit if a.kind in needed)
    )
    missing = tuple(
        unit
        for unit, of_unit in by_unit.items()
        if any(a.state in ("missing", "not_judged") for a in of_unit)
    )
    rejected = tuple(unit for unit in by_unit if unit not in (*usable, *missing))
    deadline = deadline_of(period, rule)
    because: Because
    if len(usable) >= rule.minimum and not missing:
        because = "complete"
    elif len(usable) >= rule.minimum and now >= deadline:
        because = "deadline"
    elif _go_ahead(connection, period, source):
        because = "operator"
    elif missing and now < deadline:
        because = "incomplete"
    else:
        because = "below_minimum"
    return Readiness(
        period,
        source,
        tuple(by_unit),
        usable,
        rejected,
        missing,
        rule.minimum,
        deadline,
        because,
        tuple(found),
    )


@acting_as("loader")
def ask(period: str, source: Source, now: datetime | None = None) -> Readiness:
    """Assess a gate at ``now`` (default: the clock) and record what it says, if it is new."""
    with connect() as connection:
        found = assess(connection, period, source, now or datetime.now(UTC))
        said = (
            "open" if found.is_open else "waiting",
            found.because,
            list(found.usable),
            list(found.rejected),
            list(found.missing),
            found.minimum,
            found.deadline,
        )
        last = connection.execute(
            "select state, because, usable, rejected, missing, minimum, deadline"
            " from ops.readiness where period = %s and source = %s"
            " order by readiness_id desc limit 1",
            [period, source],
        ).fetchone()
        if said != last:
            connection.execute(
                "insert into ops.readiness (period, source, state, because, usable, rejected,"
                " missing, minimum, deadline) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [period, source, *said],
            )
    return found


@acting_as("loader")
def demand(period: str, source: Source) -> Readiness:
    """Ask a gate, and insist that it is open.

    Raises DeliveryMissing or DeliveryRejected with the units and what they lack.
    """
    found = ask(period, source)
    if found.is_open:
        return found
    lacking = "; ".join(
        f"{unit}{f' {counties()[unit]}' if unit in counties() else ''}: "
        f"{', '.join(found.lacking(unit))}"
        for unit in found.units
        if unit in found.missing or unit not in found.usable
    )
    refusal = DeliveryMissing if found.missing else DeliveryRejected
    raise refusal(
        f"{found.sentence} ({lacking})",
        remedy="remind the senders; when they have delivered, the month goes on by itself, or by"
        f' ./warehouse backfill {period} {period} --reason "…"; to build it without them:'
        f' ./warehouse readiness go-ahead {period} --reason "…".',
    )


def arrivals(connection: psycopg.Connection[Any], period: str, source: Source) -> list[Arrival]:
    """Every kind that a month owes, of each county or of the city's own system, as it stands."""
    owed = {
        (county, contract.kind): contract
        for county in (counties() if source == "county" else (CITY,))
        for contract in kinds_of(source)
    }
    states = {
        (county if source == "county" else CITY, kind): (state, since)
        for county, kind, state, since in connection.execute(
            "select d.county_code, d.kind, case when bool_or(c.outcome = 'accepted') then"
            " 'accepted' when count(c.outcome) > 0 then 'rejected' else 'not_judged' end,"
            " case when bool_or(c.outcome = 'accepted')"
            " then min(c.decided_at) filter (where c.outcome = 'accepted')"
            " else coalesce(max(c.decided_at), min(d.received_at)) end"
            " from ops.delivery as d left join ops.acceptance as c using (delivery_id)"
            " where d.source = %s and d.period = %s group by 1, 2",
            [source, period],
        )
    }
    return [
        Arrival(county, kind, contract.title_zh, *states.get((county, kind), ("missing", None)))
        for (county, kind), contract in owed.items()
    ]


def known_months(connection: psycopg.Connection[Any]) -> list[str]:
    """Months with a delivery or a gate that was asked, earliest first."""
    return [
        period
        for (period,) in connection.execute(
            "select period from ops.delivery union select period from ops.readiness order by period"
        )
    ]


@acting_as("operator")
def record_go_ahead(period: str, source: str | None, reason: str, actor: str) -> None:
    """Keep an operator's word; ``source`` None means every gate of the month."""
    with connect() as connection:
        connection.execute(
            "insert into ops.go_ahead (period, source, reason, requested_by)"
            " values (%s, %s, %s, %s)",
            [period, source, reason, actor],
        )


def deadline_of(period: str, rule: Rule) -> datetime:
    """The moment after which a month's gate no longer waits for who is missing."""
    year, month = divmod(int(period[:4]) * 12 + int(period[5:]), 12)
    return datetime(year, month + 1, rule.deadline_day, rule.deadline_hour, tzinfo=_BEIJING)


@cache
def rules() -> dict[str, Rule]:
    """The rows of the seed ref_readiness by source."""
    with (PROJECT_ROOT / "dbt_project/seeds/ref_readiness.csv").open(encoding="utf-8") as handle:
        return {
            row["source"]: Rule(
                int(row["deadline_day"]),
                int(row["deadline_hour"]),
                int(row["minimum"]),
                row["verified"] == "true",
            )
            for row in csv.DictReader(handle)
        }


def _go_ahead(connection: psycopg.Connection[Any], period: str, source: Source) -> bool:
    return bool(
        connection.execute(
            "select 1 from ops.go_ahead where period = %s and (source is null or source = %s)",
            [period, source],
        ).fetchall()
    )

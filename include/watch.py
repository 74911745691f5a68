"""Late and corrected deliveries: take in what is new in the drops, say which months are due.

The DAG ``late_deliveries`` does this every few minutes. Deliveries that came by another door, such
as ``./warehouse ingest``, are found here too, since months are compared with the register of
deliveries and not with what this module has fetched.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from include import approval, holds, stale
from include.acceptance import judge
from include.areas import counties
from include.contracts import Source
from include.database import acting_as, connect
from include.errors import SourceUnavailable
from include.readiness import SOURCES, ask
from include.settings import settings
from include.sources.county import Seen, fetch_new
from include.unfinished import unfinished_months

_log = logging.getLogger(__name__)


@acting_as("loader")
def take_in(now: datetime | None = None) -> dict[str, int]:
    """Land and load what is new in the drops of the open months, and judge all that waits for it.

    Returns how many files came and how many deliveries were accepted and rejected. A county whose
    drop does not answer, or whose file is too much for the loader, does not stop the others;
    SourceUnavailable names it when they are done.
    """
    from include.load import load
    from include.receipts import write_due

    now = now or datetime.now(UTC)
    troubles: dict[str, Exception] = {}
    found = {"files": 0, "accepted": 0, "rejected": 0}
    with connect() as connection:
        periods = open_months(connection, now)
        known = _seen(connection, periods)
    for county_code in counties():
        try:
            for period in periods:
                for landed in fetch_new(period, county_code, known, now):
                    load(landed)
                    found["files"] += 1
        except Exception as trouble:  # noqa: BLE001  # one county must not hold up ten others
            troubles[county_code] = trouble
    for source, period in _unjudged():
        for verdict in judge(source, period):
            found[verdict.outcome] += 1
        write_due(source, period)
    # Those a county's server was away for, and those of who was killed over them.
    for source, period in sorted({*_unreceipted(), *(("county", each) for each in periods)}):
        write_due(source, period)
    if troubles:
        first = next(iter(troubles.values()))
        raise SourceUnavailable(
            f"not all could be taken in of {', '.join(troubles)}:"
            f" {getattr(first, 'what', type(first).__name__)}",
            remedy=getattr(first, "remedy", "this is a defect; send the log to the maintainers."),
        )
    return found


def open_months(connection: psycopg.Connection[Any], now: datetime) -> list[str]:
    """The months that counties may still deliver or correct, earliest first.

    The latest ``open_months`` of those with deliveries and the one that has ended last.
    """
    today = now.astimezone(ZoneInfo("Asia/Shanghai"))
    year, month = divmod(today.year * 12 + today.month - 2, 12)
    delivered = {
        period
        for (period,) in connection.execute(
            "select distinct period from ops.delivery where source = 'county'"
        )
    }
    return sorted(delivered | {f"{year:04}-{month + 1:02}"})[-settings().open_months :]


@acting_as("operator")
def due_months(run_id: str, now: datetime | None = None) -> list[str]:
    """The months to build now, earliest first, each put on record once per change.

    A month is due when a gate that had waited is open and all three are, when the inputs of its
    last build have changed, when its build did not come to its end, or when somebody let it go
    after a rollback or approved its change and no run waited for that word. Months that are held
    are named in the log and not built. Where all that is new is what a backfill without cascade has
    brought, a month is marked stale instead (include/stale.py). Called again for the same
    ``run_id`` it gives the same months.
    """
    for period in _waiting():
        for source in SOURCES:
            ask(period, source, now)
    stale.mark()
    with connect() as connection:
        due: list[tuple[str, str, list[int], datetime]] = [
            (period, "gates_opened", [], opened_at)
            for period, opened_at in connection.execute(_OPENED)
        ]
        due += [
            (changed.period, "inputs_changed", list(changed.deliveries), changed.changed_at)
            for changed in stale.due(connection)
        ]
        due += [
            (month.period, month.because, [], month.began_at)
            for month in unfinished_months(connection, run_id)
            if not month.is_given_up
        ]
        due += [(period, "released", [], since) for period, since in holds.to_build(connection)]
        due += [(period, "approved", [], since) for period, since in approval.to_build(connection)]
        held = holds.held_months(connection)
        for period in sorted(held.keys() & {period for period, *_ in due}):
            _log.warning(
                "%s is held since %s rolled it back, and is not built: %s",
                period,
                held[period].held_by,
                held[period].reason,
            )
        due = [each for each in due if each[0] not in held]
        for period, because, deliveries, changed_at in due:
            connection.execute(
                "insert into ops.month_due (period, because, deliveries, changed_at, run_id)"
                " values (%s, %s, %s, %s, %s) on conflict (period, changed_at) do nothing",
                [period, because, deliveries, changed_at, run_id],
            )
        found = connection.execute(
            "select distinct period from ops.month_due where run_id = %s order by period", [run_id]
        ).fetchall()
    return [period for (period,) in found]


_OPENED = """
select period, max(decided_at)
from (
    select distinct on (period, source) period, source, state, decided_at
    from ops.readiness
    order by period, source, readiness_id desc
) as last
where
    exists (
        select from ops.readiness as w where w.period = last.period and w.state = 'waiting'
    )
    and not exists (select from ops.build as b where b.period = last.period)
group by period
having count(*) = 3 and bool_and(state = 'open')
order by period
"""
"""Months never built, of which a gate had waited and all three are open: Airflow does not build
them, since the source that waited has not reported."""


def _waiting() -> list[str]:
    """Months of which a gate waited when it was asked last, earliest first."""
    with connect() as connection:
        return [
            period
            for (period,) in connection.execute(
                "select distinct period from (select distinct on (period, source) period, state"
                " from ops.readiness order by period, source, readiness_id desc) as last"
                " where state = 'waiting' order by period"
            )
        ]


def _unjudged() -> list[tuple[Source, str]]:
    with connect() as connection:
        return connection.execute(
            "select distinct d.source, d.period from ops.delivery as d"
            " left join ops.acceptance as c using (delivery_id) where c.delivery_id is null"
            " order by 1, 2"
        ).fetchall()


def _unreceipted() -> list[tuple[Source, str]]:
    with connect() as connection:
        return connection.execute(
            "select distinct d.source, d.period from ops.delivery as d"
            " inner join ops.acceptance as c using (delivery_id)"
            " left join ops.receipt as r using (delivery_id) where r.delivery_id is null"
        ).fetchall()


def _seen(connection: psycopg.Connection[Any], periods: list[str]) -> frozenset[Seen]:
    """The county files of the months that have arrived already."""
    return frozenset(
        connection.execute(
            "select a.uri, d.bytes, a.modified_at from ops.arrival as a"
            " inner join ops.delivery as d using (delivery_id)"
            " where d.source = 'county' and d.period = any(%s)",
            [periods],
        ).fetchall()
    )

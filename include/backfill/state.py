"""How far a backfill has come: told from Airflow's backfills and runs and the publication log.

No command has to live for a record to come to its end: whoever calls ``settle``, and whenever,
finds the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include import stale
from include.airflow_api import BUILD, WATCH, Airflow, AirflowBackfill, Run
from include.backfill.record import Record, adopt, recorded
from include.backfill.request import InFlight
from include.holds import held_months
from include.unfinished import unfinished_months

_TAKEN_WITHIN = timedelta(minutes=5)
"""A command that has not had its backfills created by then has broken off."""
_FOLLOWS_WITHIN = timedelta(minutes=2)
"""A build is queued within seconds after the last report of its month."""
_IN_FLIGHT = ("queued", "running")
_OPEN = ("requested", "running")
_LINK = """
with since as (
    select
        p.publication_id,
        p.period,
        p.period not between %(first)s and %(last)s as is_cascaded,
        p.deliveries && %(brought)s::bigint[] as knows_it
    from ops.publication as p
    inner join ops.build as b on p.build_id = b.build_id
    where b.known_at >= %(since)s and p.state <> 'blocked'
)

insert into ops.backfill_publication (backfill_id, publication_id, is_cascaded)
select %(backfill)s, s.publication_id, s.is_cascaded
from since as s
where
    not s.is_cascaded
    -- Of another month the first publication that knows what the backfill has brought.
    or %(cascades)s and s.publication_id = (
        select min(each.publication_id)
        from since as each
        where each.period = s.period and each.knows_it
    )
on conflict do nothing
"""


@dataclass(frozen=True)
class Seen:
    """What is known of a backfill: Airflow's own, the runs since it was asked for, oldest first,
    whether the look into the drops runs, and the later months it has made due. ``sent`` months have
    been handed to the build for their last change; ``retried`` ones will be again, for their build
    did not come to its end."""

    backfills: tuple[AirflowBackfill, ...] = ()
    runs: tuple[Run, ...] = ()
    is_watching: bool = False
    due: tuple[str, ...] = ()
    sent: frozenset[str] = frozenset()
    retried: frozenset[str] = frozenset()


def settle(connection: psycopg.Connection[Any], airflow: Airflow) -> None:
    """Bring the records that have not ended up to date, and take in what Airflow has without us."""
    known = airflow.backfills()
    adopt(connection, airflow, known)
    connection.commit()
    stale.mark()
    waiting = [each for each in recorded(connection) if each.state in _OPEN]
    if not waiting:
        return
    runs = airflow.runs(min(each.requested_at for each in waiting))
    is_watching = bool(airflow.latest(WATCH, 1, _IN_FLIGHT))
    retried = frozenset(
        month.period for month in unfinished_months(connection) if not month.is_given_up
    )
    for record in reversed(waiting):
        due = due_after(connection, record)
        seen = Seen(
            tuple(_own(record, known)),
            tuple(run for run in runs if run.queued_at and run.queued_at >= record.requested_at),
            is_watching,
            tuple(due),
            frozenset(_sent(connection, due)),
            retried,
        )
        state, failure = derive(record, seen, datetime.now(UTC))
        _link(connection, record)
        _update(connection, record, state, failure, seen)
        connection.commit()


def derive(record: Record, seen: Seen, now: datetime) -> tuple[str, str | None]:
    """(state, failure) of a record that has not ended."""
    request = record.request
    lacking = sorted(set(request.producers) - {found.dag_id for found in seen.backfills})
    if lacking and now - record.requested_at > _TAKEN_WITHIN:
        return "failed", f"Airflow has no backfill of {', '.join(lacking)}: the command broke off"
    if lacking:
        return ("running" if seen.backfills else "requested"), None
    latest = {(run.dag_id, run.period): run for run in seen.runs}
    own = [
        run
        for dag_id in (*request.producers, BUILD)
        for period in request.periods
        if (run := latest.get((dag_id, period)))
    ]
    if any(run.state in _IN_FLIGHT for run in own):
        return "running", None
    failed = [run for run in own if run.state == "failed"]
    if broken := [r for r in failed if r.dag_id != BUILD or r.period not in seen.retried]:
        return "failed", f"{broken[0].dag_id} of {broken[0].period} failed"
    if failed:
        return "running", None
    fetched = {
        period: [run for dag_id in request.producers if (run := latest.get((dag_id, period)))]
        for period in request.periods
    }
    for period, runs in fetched.items():
        build = latest.get((BUILD, period))
        if build and len(runs) == len(request.producers) and _follows(build, runs):
            continue
        ended = [run.ended_at for run in own if run.ended_at]
        if any(run.state in _IN_FLIGHT for run in seen.runs if run.dag_id == BUILD) or (
            any(found.completed_at is None for found in seen.backfills)
            or now - max(ended, default=record.requested_at) <= _FOLLOWS_WITHIN
        ):
            return "running", None
        return "failed", f"no build of {period} followed: see ./warehouse readiness show"
    if not record.cascades or not seen.due:
        return "done", None
    under_way = seen.is_watching or any(
        run.state in _IN_FLIGHT for run in seen.runs if run.dag_id == BUILD
    )
    if under_way or set(seen.due) - seen.sent or set(seen.due) & seen.retried:
        return "running", None
    return "failed", f"monthly_build of {seen.due[0]}, which reads what has changed, failed"


def due_after(connection: psycopg.Connection[Any], record: Record) -> list[str]:
    """Months outside the backfill's range to be built again for what it has brought; none that is
    held after a rollback."""
    brought = stale.brought(connection, record.backfill_id)
    held = held_months(connection)
    return [
        changed.period
        for changed in stale.due(connection)
        if brought & set(changed.deliveries)
        and not record.from_period <= changed.period <= record.to_period
        and changed.period not in held
    ]


def in_flight(connection: psycopg.Connection[Any], airflow: Airflow) -> list[InFlight]:
    """Backfills that have not ended: by Airflow's word, or by ours until their months are built."""
    found = {
        (each.dag_id, each.first, each.last)
        for each in airflow.backfills()
        if each.completed_at is None
    }
    for record in recorded(connection):
        if record.state in _OPEN:
            found |= {
                (dag_id, record.from_period, record.to_period)
                for dag_id in record.request.producers
            }
    return [InFlight(*each) for each in sorted(found)]


def _own(record: Record, known: Iterable[AirflowBackfill]) -> list[AirflowBackfill]:
    return [
        found
        for found in known
        if found.conf.get("backfill") == record.backfill_id
        or record.airflow_backfills.get(found.dag_id) == found.backfill_id
    ]


def _follows(build: Run, runs: list[Run]) -> bool:
    """The build was queued after the sources began on the month: by them, or with all they knew."""
    return build.queued_at is not None and all(
        run.started_at is not None and build.queued_at > run.started_at for run in runs
    )


def _sent(connection: psycopg.Connection[Any], due: list[str]) -> list[str]:
    """Of the due months those that were sent for their last change; nobody sends them again."""
    return [
        changed.period
        for changed in stale.due(connection)
        if changed.period in due
        and connection.execute(
            "select from ops.month_due where period = %s and changed_at >= %s",
            [changed.period, changed.changed_at],
        ).fetchone()
        is not None
    ]


def _link(connection: psycopg.Connection[Any], record: Record) -> None:
    """Note the publications that the backfill has led to so far."""
    connection.execute(
        _LINK,
        {
            "backfill": record.backfill_id,
            "first": record.from_period,
            "last": record.to_period,
            "since": record.requested_at,
            "cascades": record.cascades,
            "brought": sorted(stale.brought(connection, record.backfill_id)),
        },
    )


def _update(
    connection: psycopg.Connection[Any],
    record: Record,
    state: str,
    failure: str | None,
    seen: Seen,
) -> None:
    ended = max(
        (
            run.ended_at
            for run in seen.runs
            if run.ended_at and run.period in record.request.periods
        ),
        default=None,
    )
    connection.execute(
        "update ops.backfill set state = %(state)s, failure = %(failure)s,"
        " airflow_backfills = %(airflow)s,"
        " ended_at = case when %(over)s then greatest(%(ended)s, (select max(p.published_at)"
        " from ops.backfill_publication inner join ops.publication as p using (publication_id)"
        " where backfill_id = %(backfill)s), requested_at) end"
        " where backfill_id = %(backfill)s",
        {
            "state": state,
            "failure": failure,
            "over": state in ("done", "failed"),
            "ended": ended,
            "backfill": record.backfill_id,
            "airflow": Jsonb({found.dag_id: found.backfill_id for found in seen.backfills}),
        },
    )

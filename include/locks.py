"""Whose the working schemas are: one build at a time, and a candidate of the build that made it.

Staging, spine, core, candidate and quality are scratch of the build in progress. Its steps are
processes of their own, so two things hold them: a lock while a step is at work, and a record of the
build that wrote last, for the time between its steps. The lock is the session's that holds it: when
the process is killed, it is free. The record says that a candidate is whole once it is, so nothing
half-built or replaced is ever judged or published.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg

from include.database import dsn_of
from include.errors import WarehouseError
from include.settings import settings
from include.vault.rotating import demand_settled

SCHEMAS_LOCK = 431018
"""Advisory lock of the working schemas; the publisher's is 431001 and is taken after it."""
DBT_SESSIONS = "warehouse_dbt"
"""application_name of dbt's sessions (dbt_project/profiles.yml)."""
_ENDS_WITHIN_MS = 30_000
_log = logging.getLogger(__name__)

_held: ContextVar[psycopg.Connection[Any] | None] = ContextVar("_held", default=None)


class SchemasBusy(WarehouseError):
    """Another build is at work in the working schemas and did not end in time."""


class CandidateReplaced(WarehouseError):
    """The candidate is not, or no longer, the whole of this build's."""


@contextmanager
def working_schemas(
    build_id: int | None, reader: str = "warehouse documentation", *, is_rotation: bool = False
) -> Iterator[None]:
    """Hold the working schemas for a step of ``build_id`` (None: for a ``reader`` of them).

    Another process that holds them is waited for, with a warning in the log; after
    ``WAREHOUSE_SCHEMAS_WAIT_S`` seconds SchemasBusy is raised. Within a process it may be nested:
    who holds them for several steps keeps other builds from coming between. What a killed build
    left at work is ended first. Raises SchemasBusy at the end where the lock was lost meanwhile,
    and RotationUnderWay where a rotation of the person keys was interrupted: it alone goes on then.
    """
    if _held.get() is not None:
        yield
        return
    name = reader if build_id is None else f"warehouse build {build_id}"
    with psycopg.connect(dsn_of("transformer"), autocommit=True, application_name=name) as session:
        _take(session, name)
        if not is_rotation:
            demand_settled(session)
        end_sessions(session, DBT_SESSIONS)
        before = _held.set(session)
        try:
            yield
        finally:
            _held.reset(before)
        try:
            session.execute("select pg_advisory_unlock(%s)", [SCHEMAS_LOCK])
        except psycopg.OperationalError:
            raise SchemasBusy(
                f"the lock of the working schemas was lost while {name} was at work in them.",
                remedy="see that PostgreSQL runs, then run this step again.",
            ) from None


def begin_candidate(build_id: int) -> None:
    """From now on the working schemas are those of ``build_id``, and not whole yet."""
    _holder().execute(
        "insert into ops.working_schemas (build_id) values (%s) on conflict (only_row) do update"
        " set build_id = excluded.build_id, begun_at = excluded.begun_at, built_at = null",
        [build_id],
    )


def complete_candidate(build_id: int) -> None:
    """All of ``build_id`` stands in the working schemas."""
    _holder().execute(
        "update ops.working_schemas set built_at = clock_timestamp() where build_id = %s",
        [build_id],
    )


def demand_candidate(build_id: int) -> None:
    """Insist that the candidate is the whole of ``build_id``'s. Raises CandidateReplaced."""
    row = (
        _holder()
        .execute(
            "select w.build_id, w.built_at is not null, b.period"
            " from ops.working_schemas as w left join ops.build as b using (build_id)"
        )
        .fetchone()
    )
    if row and row[0] == build_id and row[1]:
        return
    if row and row[0] == build_id:
        what = f"the candidate of build {build_id} is not whole: its dbt step did not end well."
    elif row:
        what = f"the candidate of build {build_id} was replaced by that of build {row[0]}"
        what += f", {row[2]}." if row[2] else "."
    else:
        what = f"no build has made a candidate, build {build_id} neither."
    raise CandidateReplaced(
        what,
        remedy="build the month again; one that Airflow builds is taken up again by itself.",
        file="candidate",
    )


def _holder() -> psycopg.Connection[Any]:
    session = _held.get()
    if session is None:
        raise RuntimeError("only within working_schemas()")
    return session


def _take(session: psycopg.Connection[Any], name: str) -> None:
    if _row(session, "select pg_try_advisory_lock(%s)", SCHEMAS_LOCK) == (True,):
        return
    seconds = settings().schemas_wait_s
    _log.warning("%s waits up to %.0f s: %s", name, seconds, _at_work(session))
    milliseconds = max(round(seconds * 1000), 1)  # 0 would be for ever
    session.execute("select set_config('lock_timeout', %s, false)", [f"{milliseconds}ms"])
    try:
        session.execute("select pg_advisory_lock(%s)", [SCHEMAS_LOCK])
    except psycopg.errors.LockNotAvailable:
        raise SchemasBusy(
            f"{name} waited {seconds:.0f} s in vain: {_at_work(session)}.",
            remedy="wait until that has ended, then run this again.",
        ) from None
    session.execute("reset lock_timeout")


def _at_work(session: psycopg.Connection[Any]) -> str:
    """Who holds the lock, in words."""
    row = _row(
        session,
        "select a.application_name, to_char(a.backend_start at time zone 'UTC', 'HH24:MI:SS')"
        " from pg_locks as l inner join pg_stat_activity as a using (pid)"
        " where l.locktype = 'advisory' and l.granted and (l.classid, l.objid, l.objsubid)"
        " = (0, %s, 1) and l.database = (select oid from pg_database"
        " where datname = current_database())",
        SCHEMAS_LOCK,
    )
    if row is None:
        return "another build was at work in the working schemas until now"
    return f"{row[0]} is at work in the working schemas since {row[1]} UTC"


def end_sessions(session: psycopg.Connection[Any], application_name: str) -> None:
    """End dbt's sessions: who has the lock knows that none of them is a living build's.

    dbt itself dies with the process that started it (include/dbt_process.py), but the server
    goes on with a dead client's statement until it has something to say. They are ended as the
    account that logged in, as theirs was: a role that it took on may not be enough.
    """
    session.execute("set role none")
    row = _row(
        session,
        "select coalesce(bool_and(pg_terminate_backend(pid, %s)), true) from pg_stat_activity"
        " where datname = current_database() and application_name = %s",
        _ENDS_WITHIN_MS,
        application_name,
    )
    session.execute("reset role")
    if row != (True,):
        raise SchemasBusy(
            "a session of an earlier build's dbt does not end.",
            remedy=f"see pg_stat_activity for application_name {application_name}, then try again.",
        )


def _row(session: psycopg.Connection[Any], query: str, *values: object) -> tuple[Any, ...] | None:
    return session.execute(query.encode(), values).fetchone()

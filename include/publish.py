"""Publish an audited month: all marts of schema ``candidate`` in one transaction.

Readers of ``marts`` see the month as it was or as it is, never a mixture. What it replaces moves
to ``archive``; ``ops.publication`` says what was published from which deliveries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from include import approval, difference, mart_schema, publication_log
from include.access.enforce import protect
from include.database import acting_as, connect
from include.errors import GateBlocked, MonthHeld
from include.holds import refuse_held
from include.locks import demand_candidate, working_schemas
from include.marts import Mart, candidate_marts, columns_of, content
from include.publication_log import Version

PUBLISH_LOCK = 431001
"""Advisory lock of the publisher: one publication at a time."""


@dataclass(frozen=True)
class _Release:
    """What a build would publish: the candidate's content, the version it replaces, and how."""

    period: str
    marts: tuple[Mart, ...]
    found: dict[str, Any]
    current: Version | None
    is_unchanged: bool
    columns: list[mart_schema.ColumnChange]
    changes: list[difference.Change]
    beyond: list[approval.Beyond]


@acting_as("publisher")
def publish(build_id: int, *, now: datetime | None = None) -> int:
    """Publish the build's candidate; returns ``ops.publication``'s id.

    Where the marts already hold exactly these rows nothing is touched and the publication's state
    is ``unchanged``. Raises, leaving everything as it was: GateBlocked, where the gate did not
    pass, the candidate changed after it or is another period's, or a mart's columns changed in a
    way that loses something; CandidateReplaced, where the candidate is another build's by now;
    MonthHeld; ApprovalNeeded, after putting the question on record.
    """
    _refuse_held(build_id)
    with working_schemas(build_id), connect() as connection:
        release = _judged(connection, build_id, now)
        if not release.beyond:
            return _published(connection, build_id, release)
        connection.rollback()
    raise approval.refusal(_asked(build_id, release))


@acting_as("publisher")
def ask(build_id: int, run_id: str | None = None, *, now: datetime | None = None) -> str | None:
    """What of the build needs an approval, in words, put on record; None if it can be published.

    ``run_id`` is Airflow's run that will wait for the answer. Looks into the candidate only where
    the month is closed; raises as ``publish`` does then, but for ApprovalNeeded.
    """
    period = _refuse_held(build_id)
    with connect() as connection:
        if not publication_log.shown(connection, period) or not approval.is_closed(period, now):
            return None
    with working_schemas(build_id), connect() as connection:
        release = _judged(connection, build_id, now)
        connection.rollback()  # columns are changed when the month is published
    return _asked(build_id, release, run_id).sentence if release.beyond else None


def _asked(build_id: int, release: _Release, run_id: str | None = None) -> approval.Request:
    """The build's request, on record with the reason why it is not published meanwhile."""
    assert release.current is not None
    with connect() as connection:
        request = approval.ask(
            connection, build_id, release.current, release.found, release.beyond, run_id
        )
        publication_log.record_block(
            connection, build_id, release.period, approval.refusal(request).what
        )
    return request


def _refuse_held(build_id: int) -> str:
    """The build's month. Where it is held, put that on record and raise MonthHeld."""
    with connect() as connection:
        period = _passed(connection, build_id)[0]
        try:
            refuse_held(connection, period)
        except MonthHeld as held:
            publication_log.record_block(connection, build_id, period, held.what)
            connection.commit()
            raise
    return period


def _judged(connection: psycopg.Connection[Any], build_id: int, now: datetime | None) -> _Release:
    """Check the candidate, compare it with what is shown, and have the marts hold its columns."""
    connection.execute("select pg_advisory_xact_lock(%s)", [PUBLISH_LOCK])
    period, audited = _passed(connection, build_id)
    refuse_held(connection, period)
    demand_candidate(build_id)
    marts = candidate_marts(connection)
    for mart in marts:
        _is_lockable(connection, mart)
    found = {mart.name: content(connection, "candidate", mart, period) for mart in marts}
    _is_what_the_gate_saw(connection, marts, period, audited, found)
    current = publication_log.shown(connection, period)
    columns = [change for mart in marts for change in mart_schema.prepare(connection, mart)]
    published = {mart.name: content(connection, "marts", mart, period) for mart in marts}
    if current and (gone := _no_longer_built(connection, current, found)):
        raise GateBlocked(
            f"is published but no longer built: {', '.join(gone)}.",
            remedy="keep it as a version of its model until its deprecation date, or take it out of"
            " schemas marts and archive by a migration: docs/marts-change.md.",
            file="marts",
        )
    if not current and any(entry["rows"] for entry in published.values()):
        raise GateBlocked(
            f"marts already holds rows of {period} that no publication accounts for.",
            remedy="find out who wrote them; the publisher is the only writer of marts.",
        )
    changes = _difference(connection, marts, period, current, published, found)
    beyond = []
    if current and approval.is_closed(period, now):
        beyond = approval.beyond_limits(current, changes)
        if beyond and approval.approved(connection, current, found):
            beyond = []
    return _Release(
        period,
        marts,
        found,
        current,
        bool(current) and published == found,
        columns,
        changes,
        beyond,
    )


def _published(connection: psycopg.Connection[Any], build_id: int, release: _Release) -> int:
    current = release.current
    protect(connection)
    if current and release.is_unchanged:
        state, version = "unchanged", current.version
    else:
        state, version = "published", current.version + 1 if current else 1
        for mart in release.marts:
            if current:
                archive(connection, mart, release.period, current.publication_id)
            _insert(connection, mart)
    publication_id = publication_log.record(
        connection, build_id, version, state, release.marts, release.found
    )
    mart_schema.remember(connection, publication_id, release.columns)
    difference.store(connection, publication_id, release.changes)
    return publication_id


def _difference(
    connection: psycopg.Connection[Any],
    marts: tuple[Mart, ...],
    period: str,
    current: Version | None,
    published: dict[str, Any],
    found: dict[str, Any],
) -> list[difference.Change]:
    changes: list[difference.Change] = []
    unfilled = _unfilled(connection, current)
    for mart in marts:
        new = difference.rows_of("candidate", mart, period)
        if current is None or mart.name not in current.marts:
            changes += difference.first(connection, mart, new)
        elif published[mart.name] != found[mart.name]:
            old = difference.rows_of("marts", mart, period)
            changes += difference.compare(connection, mart, old, new, unfilled.get(mart.name, ()))
    return changes


def _unfilled(connection: psycopg.Connection[Any], current: Version | None) -> dict[str, list[str]]:
    """Mart -> columns that the version shown does not have; also those added just now."""
    if current is None:
        return {}
    return {
        mart: [name for name, _ in columns_of(connection, "marts", mart) if name not in known]
        for mart, known in current.columns.items()
    }


def _no_longer_built(
    connection: psycopg.Connection[Any], current: Version, found: dict[str, Any]
) -> list[str]:
    """Marts of the version shown that the candidate lacks and no migration took away."""
    return sorted(
        mart for mart in set(current.marts) - set(found) if columns_of(connection, "marts", mart)
    )


def _passed(connection: psycopg.Connection[Any], build_id: int) -> tuple[str, dict[str, Any]]:
    row = connection.execute(
        "select b.period, b.candidate, count(g.*),"
        " count(*) filter (where g.severity = 'critical' and not g.success)"
        " from ops.build as b left join ops.gate_result as g using (build_id)"
        " where b.build_id = %s group by b.build_id",
        [build_id],
    ).fetchone()
    if row is None:
        raise GateBlocked(
            f"build {build_id} does not exist.", remedy="open a build, run dbt and its gate first."
        )
    period, audited, results, failed = row
    if not results or audited is None:
        raise GateBlocked(
            f"build {build_id} of {period} has not passed its gate: no results are recorded.",
            remedy="run the gate of this build first.",
        )
    if failed:
        raise GateBlocked(
            f"build {build_id} of {period} failed {failed} critical expectation(s) of its gate.",
            remedy="see ops.gate_result or Data Docs, correct the cause and build again.",
        )
    return period, audited


def _is_lockable(connection: psycopg.Connection[Any], mart: Mart) -> None:
    """Keep writers off the candidate until the transaction ends; readers are not disturbed."""
    connection.execute(
        sql.SQL("lock table {} in share mode").format(sql.Identifier("candidate", mart.name))
    )


def _is_what_the_gate_saw(
    connection: psycopg.Connection[Any],
    marts: tuple[Mart, ...],
    period: str,
    audited: dict[str, Any],
    found: dict[str, Any],
) -> None:
    for mart in marts:
        others = connection.execute(
            sql.SQL("select count(*) from {} where period is distinct from %s").format(
                sql.Identifier("candidate", mart.name)
            ),
            [period],
        ).fetchone()
        assert others is not None
        if others[0]:
            raise GateBlocked(
                f"holds {others[0]} rows of other periods than {period}, the build's.",
                remedy=f"build {period} again, then run its gate and publish.",
                file=f"candidate.{mart.name}",
            )
    changed = sorted(
        name for name in audited.keys() | found.keys() if audited.get(name) != found.get(name)
    )
    if changed:
        raise GateBlocked(
            f"changed after the gate: {', '.join(changed)}.",
            remedy=f"run the gate of {period} again; only what it saw is published.",
            file="candidate",
        )


def archive(
    connection: psycopg.Connection[Any], mart: Mart, period: str, publication_id: int
) -> None:
    """Move what is shown of a month to the archive, under the publication that showed it."""
    connection.execute(
        sql.SQL(
            "with moved as (delete from {marts} where period = %s returning *)"
            " insert into {archive} (publication_id, {columns}) select %s, {columns} from moved"
        ).format(
            marts=sql.Identifier("marts", mart.name),
            archive=sql.Identifier("archive", mart.name),
            columns=_names(mart),
        ),
        [period, publication_id],
    )


def _insert(connection: psycopg.Connection[Any], mart: Mart) -> None:
    connection.execute(
        sql.SQL("insert into {marts} ({columns}) select {columns} from {candidate}").format(
            marts=sql.Identifier("marts", mart.name),
            candidate=sql.Identifier("candidate", mart.name),
            columns=_names(mart),
        )
    )


def _names(mart: Mart) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name, _ in mart.columns)

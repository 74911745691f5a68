"""What people must be told: what, since when, and what to do. Always on record in ops.notice.

Rejections, blocks and lateness are read from the register, so it does not matter who noticed them;
failed tasks come from Airflow's callbacks. A subject in the same state is told once. When a
condition has ended, its next occurrence is told again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from include.areas import counties
from include.contracts import contracts
from include.database import acting_as, connect
from include.readiness import Readiness, assess
from include.settings import settings
from include.unfinished import unfinished_months

Kind = Literal["rejected", "blocked", "late", "failed", "correction"]
OVER = "over"
_LOCK = 431002
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """Something to tell. ``subject`` names what it is about, ``state`` how that stands."""

    kind: Kind
    subject: str
    state: str
    period: str | None
    county_code: str | None
    what: str
    remedy: str


@acting_as("operator")
def tell(found: Iterable[Notice] = (), now: datetime | None = None) -> int:
    """Record ``found`` and what the register says, as far as it is new, and send what is unsent.

    Returns how many notices are new. A receiver that does not answer is tried again next time.
    """
    from include.couriers import deliver

    now = now or datetime.now(UTC)
    with connect() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        registered = register_says(connection, now)
        fresh = [notice for notice in (*registered, *found) if _record(connection, notice)]
        _end(connection, {notice.subject for notice in registered})
    deliver(now)
    return len(fresh)


def task_failed(dag_id: str, task: str, period: str | None, error: BaseException | None) -> Notice:
    """A task that has failed for good. Only our own refusals are quoted: others may hold values."""
    what = getattr(error, "what", None) or type(error).__name__
    return Notice(
        "failed",
        f"task {dag_id}.{task} {period or ''}".rstrip(),
        _digest(what),
        period,
        None,
        f"{task} of {dag_id}{f', {period},' if period else ''} failed: {what}",
        getattr(error, "remedy", None) or "read the task's log on Airflow's page.",
    )


@acting_as("operator")
def task_recovered(dag_id: str, task: str, period: str | None) -> None:
    """A task succeeded: its next failure is told again."""
    with connect() as connection:
        _end(connection, set(), task=f"task {dag_id}.{task} {period or ''}".rstrip())


def recorded(limit: int) -> list[dict[str, Any]]:
    """The latest notices, newest first, with what has become of them since."""
    with connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select kind, subject, period, county_code, what, remedy, noticed_at, webhook_at,"
            " email_at, (select min(later.noticed_at) from ops.notice as later"
            " where later.subject = n.subject and later.notice_id > n.notice_id) as over_at"
            " from ops.notice as n where state <> 'over' order by notice_id desc limit %s",
            [limit],
        ).fetchall()


def build_is_late(period: str, run_id: str) -> Notice:
    """A month's build that has not ended in the time it was given."""
    return Notice(
        "late",
        f"build {period}",
        run_id,
        period,
        None,
        f"The build of {period} has not ended {settings().build_minutes:g} minutes after it was"
        " queued.",
        "look at monthly_build on Airflow's page: a build before it may hang, or the scheduler may"
        " not run (./warehouse status).",
    )


def register_says(connection: psycopg.Connection[Any], now: datetime) -> list[Notice]:
    """Rejected deliveries without successor, late senders, blocked months, builds given up."""
    return [
        *_rejected(connection),
        *_late(connection, now),
        *_blocked(connection),
        *_given_up(connection),
        *_corrections(connection, now),
    ]


def _corrections(connection: psycopg.Connection[Any], now: datetime) -> list[Notice]:
    """What persons have asked senders to put right: once when asked, once when overdue."""
    rows = connection.execute(
        "select c.correction_id, d.kind, d.county_code, d.period, c.delivery_id, c.due_on"
        " from ops.correction as c inner join ops.delivery as d using (delivery_id)"
        " where c.answer is null order by c.correction_id"
    ).fetchall()
    return [
        Notice(
            "correction",
            f"correction {number}",
            "overdue" if now.date() > due_on else "open",
            period,
            county,
            f"Correction {number}: a person asks {_place(county)} to check a cell of"
            f" {contracts()[kind].title_zh} ({kind}), {period}, delivery {delivery}; due {due_on}.",
            "the sender finds row and column in his receipt. Put the answer on record:"
            f' ./warehouse subject answer {number} --corrected --reason "…".',
        )
        for number, kind, county, period, delivery, due_on in rows
    ]


def _rejected(connection: psycopg.Connection[Any]) -> list[Notice]:
    rows = connection.execute(
        "select distinct on (d.kind, d.county_code, d.period) d.delivery_id, d.kind,"
        " d.county_code, d.period, array(select distinct r ->> 'expected'"
        " from jsonb_array_elements(c.reasons) as r order by 1),"
        " array(select distinct r ->> 'remedy' from jsonb_array_elements(c.reasons) as r"
        " order by 1)"
        " from ops.delivery as d inner join ops.acceptance as c using (delivery_id)"
        " where c.outcome = 'rejected' and not exists (select from ops.accepted_delivery as a"
        " where (a.kind, a.county_code, a.period) = (d.kind, d.county_code, d.period)"
        " and a.delivery_id > d.delivery_id)"
        " order by d.kind, d.county_code, d.period, d.delivery_id desc"
    ).fetchall()
    return [
        Notice(
            "rejected",
            f"delivery {kind} {county} {period}",
            f"delivery {delivery_id}",
            period,
            county,
            f"{contracts()[kind].title_zh} ({kind}) of {_place(county)}, {period}, was rejected:"
            f" expected that {'; '.join(expected)}.",
            f"{' '.join(remedies)} A corrected file is taken in by itself.",
        )
        for delivery_id, kind, county, period, expected, remedies in rows
    ]


def _late(connection: psycopg.Connection[Any], now: datetime) -> list[Notice]:
    """Only of gates that have been asked: before that, files may be on their way in."""
    asked = connection.execute(
        "select distinct period, source from ops.readiness order by period, source"
    ).fetchall()
    gates = [assess(connection, period, source, now) for period, source in asked]
    return [
        Notice(
            "late",
            f"late {gate.source} {unit} {gate.period}",
            "late",
            gate.period,
            unit if unit in counties() else None,
            f"{_place(unit)} {_owes(gate, unit)} for {gate.period}, due {gate.due}.",
            "remind the sender; what comes late is taken in and built by itself.",
        )
        for gate in gates
        if now >= gate.deadline
        for unit in gate.missing
    ]


def _blocked(connection: psycopg.Connection[Any]) -> list[Notice]:
    rows = connection.execute(
        "select distinct on (p.period) p.period, p.build_id, p.state, p.reason,"
        " a.build_id is not null, h.hold_id is not null from ops.publication as p"
        " left join ops.approval as a on p.build_id = a.build_id and a.answer is null"
        " left join ops.hold as h on p.period = h.period and h.released_at is null"
        " order by p.period, p.publication_id desc"
    ).fetchall()
    return [
        Notice(
            "blocked",
            f"month {period}",
            _digest(reason),
            period,
            None,
            f"{period} is not published, marts stay as they were: {reason}",
            f'let the month go when the cause is gone: ./warehouse release {period} --reason "…".'
            if is_held
            else f"see ./warehouse approval list, then approve or refuse build {build_id}."
            if is_asked
            else f"read the gate's results of build {build_id} in Data Docs, correct the cause, and"
            f' build again: ./warehouse backfill {period} {period} --reason "…".',
        )
        for period, build_id, state, reason, is_asked, is_held in rows
        if state == "blocked"
    ]


def _given_up(connection: psycopg.Connection[Any]) -> list[Notice]:
    return [
        Notice(
            "blocked",
            f"unfinished {month.period}",
            f"{month.because} {month.build_id or month.began_at.isoformat()}",
            month.period,
            None,
            f"{month.period} is not published, marts stay as they were: {month.tries} times its"
            + (
                " build did not come to an end, and it is not begun again by itself."
                if month.because == "ended_early"
                else " build was ordered, and none was begun."
            ),
            "read the log of monthly_build's failed task and ./warehouse status, correct the"
            f" cause, and build again: ./warehouse backfill {month.period} {month.period}"
            ' --reason "…".',
        )
        for month in unfinished_months(connection)
        if month.is_given_up
    ]


def _record(connection: psycopg.Connection[Any], notice: Notice) -> bool:
    last = connection.execute(
        "select state from ops.notice where subject = %s order by notice_id desc limit 1",
        [notice.subject],
    ).fetchone()
    if last == (notice.state,):
        return False
    connection.execute(
        "insert into ops.notice (kind, subject, state, period, county_code, what, remedy)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        [
            notice.kind,
            notice.subject,
            notice.state,
            notice.period,
            notice.county_code,
            notice.what,
            notice.remedy,
        ],
    )
    _log.warning("%s What to do: %s", notice.what, notice.remedy)
    return True


def _end(connection: psycopg.Connection[Any], lasting: set[str], task: str | None = None) -> None:
    """Put ``over`` after what no longer lasts: of the register's, or the one task's."""
    connection.execute(
        "insert into ops.notice (kind, subject, state, period, county_code, what, remedy)"
        " select kind, subject, %(over)s, period, county_code, '', '' from ("
        "select distinct on (subject) * from ops.notice order by subject, notice_id desc) as last"
        " where state <> %(over)s and case when %(task)s::text is not null then subject = %(task)s"
        " when kind = 'failed' then false"
        " when subject like 'build %%' then exists (select from ops.publication as p"
        " where p.period = last.period and p.published_at > last.noticed_at)"
        " else subject <> all(%(lasting)s) end",
        {"over": OVER, "task": task, "lasting": list(lasting)},
    )


def _place(unit: str) -> str:
    return f"{counties()[unit]} ({unit})" if unit in counties() else unit


def _owes(gate: Readiness, unit: str) -> str:
    """What a late sender has not delivered; all of it, or the first kinds by title."""
    owed = [a for a in gate.arrivals if unit in (a.county_code, a.kind)]
    titles = [a.title_zh for a in owed if a.state in ("missing", "not_judged")]
    if len(titles) == len(owed):
        return "has delivered nothing"
    more = f" and {len(titles) - 3} more" if len(titles) > 3 else ""
    return f"has not delivered {', '.join(titles[:3])}{more}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

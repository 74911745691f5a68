"""Months that were rolled back are held: no build is published over them until they are let go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from include.errors import MonthHeld, RollbackRefused


@dataclass(frozen=True)
class Hold:
    """Why a month is held, since when, and by whom; ``publication_id`` is what it shows."""

    period: str
    publication_id: int
    reason: str
    held_by: str
    held_at: datetime


def held_months(connection: psycopg.Connection[Any]) -> dict[str, Hold]:
    """Month -> the hold in force."""
    rows = connection.execute(
        "select period, publication_id, reason, held_by, held_at from ops.hold"
        " where released_at is null order by period"
    ).fetchall()
    return {row[0]: Hold(*row) for row in rows}


def refuse_held(connection: psycopg.Connection[Any], period: str) -> None:
    """Raise MonthHeld where the month is held."""
    if hold := held_months(connection).get(period):
        raise MonthHeld(
            f"{period} is held since {hold.held_by} rolled it back ({hold.reason});"
            " nothing is published over it.",
            remedy=f'let it go when the cause is gone: ./warehouse release {period} --reason "…".',
        )


def hold(
    connection: psycopg.Connection[Any], period: str, publication_id: int, reason: str, by: str
) -> None:
    """Hold a month in the transaction that rolls it back; an older hold ends with this one."""
    connection.execute(
        "update ops.hold set released_at = clock_timestamp(), released_by = %s, release_reason = %s"
        " where period = %s and released_at is null",
        [by, f"rolled back again: {reason}", period],
    )
    connection.execute(
        "insert into ops.hold (period, publication_id, reason, held_by) values (%s, %s, %s, %s)",
        [period, publication_id, reason, by],
    )


def let_go(connection: psycopg.Connection[Any], period: str, reason: str, by: str) -> None:
    """End the month's hold. Raises RollbackRefused where there is none, or no reason is given."""
    if not reason.strip():
        raise RollbackRefused("the reason is empty.", remedy='say why, as in --reason "…".')
    done = connection.execute(
        "update ops.hold set released_at = clock_timestamp(), released_by = %s, release_reason = %s"
        " where period = %s and released_at is null returning hold_id",
        [by, reason.strip(), period],
    ).fetchone()
    if done is None:
        held = ", ".join(held_months(connection)) or "none"
        raise RollbackRefused(
            f"{period} is not held.", remedy=f"name a month that is held: {held}."
        )


def to_build(connection: psycopg.Connection[Any]) -> list[tuple[str, datetime]]:
    """(month, since when) of the months let go that no build has been opened for since."""
    return connection.execute(
        "select h.period, max(h.released_at) from ops.hold as h"
        " where h.released_at is not null"
        " and not exists (select from ops.hold as o"
        " where o.period = h.period and o.released_at is null)"
        " and not exists (select from ops.build as b"
        " where not b.is_trial and b.period = h.period and b.opened_at > h.released_at)"
        " group by h.period order by h.period"
    ).fetchall()

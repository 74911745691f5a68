"""What becomes of a risk alert: dispatched to its township, checked at the door, closed.

``marts.risk_alert`` says that an alert was raised; ``ops.alert_event`` keeps each further step for
good. The next build of the alert's month shows them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import class_row

from include.build import DBT_PROJECT
from include.database import connect
from include.errors import WarehouseError

BEFORE = {"dispatched": "raised", "checked": "dispatched", "closed": "checked"}
"""State -> the one state it may follow."""
KEY_DIGITS = 12
"""How much of an alert's key must be given at least."""


class AlertRefused(WarehouseError):
    """A step of an alert's life cycle that is not allowed; nothing was recorded."""


@dataclass(frozen=True)
class Alert:
    """A published alert as it stands now. Neither keys of people nor values: it may be printed."""

    alert_key: str
    period: str
    rule_code: str
    rule_name_zh: str
    severity: str
    county_code: str
    township_code: str | None
    is_monitored: bool
    state: str
    result: str | None
    reason: str | None


@dataclass(frozen=True)
class Filter:
    """Which alerts; None: any."""

    period: str | None = None
    county_code: str | None = None
    rule_code: str | None = None
    severity: str | None = None
    state: str | None = None


_STANDING = """
    select a.alert_key, a.period, a.rule_code, a.rule_name_zh, a.severity, a.county_code,
        a.township_code, a.is_monitored, coalesce(last.state, 'raised') as state,
        checked.result, checked.reason
    from marts.risk_alert as a
    left join lateral (
        select e.state from ops.alert_event as e
        where e.alert_key = a.alert_key order by e.alert_event_id desc limit 1
    ) as last on true
    left join ops.alert_event as checked
        on checked.alert_key = a.alert_key and checked.state = 'checked'
"""
_ORDER = " order by period, county_code, rule_code, alert_key"


def listed(which: Filter) -> list[Alert]:
    """The published alerts that ``which`` names, with what has become of them by now."""
    with connect() as connection:
        return _standing(connection, which)


def advance(
    keys: Sequence[str],
    which: Filter,
    state: str,
    actor: str,
    result: str | None = None,
    reason: str | None = None,
) -> list[Alert]:
    """Record that alerts reached ``state``: those named by (the beginnings of) ``keys``, else those
    of ``which`` that may reach it; all or none. Returns them as they stand after it.

    Raises AlertRefused for an alert that does not exist or is not in the state before, and for a
    result or reason that is not in ref_alert_code or not asked for.
    """
    _check_outcome(state, result, reason)
    with connect() as connection:
        # Two people who record the same step wait for each other; the second is refused.
        connection.execute("lock table ops.alert_event in share row exclusive mode")
        if keys:
            alerts = [_named(connection, key) for key in dict.fromkeys(keys)]
        else:
            alerts = [a for a in _standing(connection, which) if a.state == BEFORE[state]]
        for alert in alerts:
            if alert.state != BEFORE[state]:
                raise AlertRefused(
                    f"Alert {alert.alert_key[:16]} is {alert.state} and can not become {state}.",
                    remedy=f"only an alert that is {BEFORE[state]} becomes {state}; nothing of "
                    "this call was recorded.",
                )
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.alert_event (alert_key, period, state, actor, result, reason)"
                " values (%s, %s, %s, %s, %s, %s)",
                [(a.alert_key, a.period, state, actor, result, reason) for a in alerts],
            )
        return [_named(connection, alert.alert_key) for alert in alerts]


@cache
def codes(code_type: str) -> dict[str, str]:
    """Code -> Chinese label of ``state``, ``result`` or ``reason`` in ref_alert_code."""
    with (DBT_PROJECT / "seeds" / "ref_alert_code.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: row["name_zh"]
            for row in csv.DictReader(file)
            if row["code_type"] == code_type
        }


def _check_outcome(state: str, result: str | None, reason: str | None) -> None:
    if (result is not None) != (state == "checked") or result not in (None, *codes("result")):
        raise AlertRefused(
            f"{result!r} is no result of a household check."
            if state == "checked"
            else f"An alert that becomes {state} has no result.",
            remedy=f"choose among {', '.join(codes('result'))}.",
        )
    if (reason is not None) != (result == "not_included") or reason not in (None, *codes("reason")):
        raise AlertRefused(
            "A household that is not included needs a reason, and no other has one."
            if reason in (None, *codes("reason"))
            else "That is none of the reasons; free text could name a person and is not kept.",
            remedy=f"choose among {', '.join(codes('reason'))}.",
        )


def _standing(connection: psycopg.Connection[Any], which: Filter) -> list[Alert]:
    _is_published(connection)
    wanted = {name: value for name, value in vars(which).items() if value is not None}
    conditions = " and ".join(f"{name} = %({name})s" for name in wanted) or "true"
    query = f"select * from ({_STANDING}) as standing where {conditions}{_ORDER}"
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        return cursor.execute(query.encode(), wanted).fetchall()


def _named(connection: psycopg.Connection[Any], key: str) -> Alert:
    if not re.fullmatch(rf"[0-9a-f]{{{KEY_DIGITS},64}}", key):
        raise AlertRefused(
            f"{key!r} is no alert's key.",
            remedy=f"give at least its first {KEY_DIGITS} digits, as `alert list` shows them.",
        )
    _is_published(connection)
    query = f"{_STANDING} where a.alert_key like %s || '%%' limit 2"
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        found = cursor.execute(query.encode(), [key]).fetchall()
    if len(found) != 1:
        raise AlertRefused(
            f"{'More than one alert begins' if found else 'No published alert begins'} with {key}.",
            remedy="give more of its digits, as `alert list --json` shows them.",
        )
    return found[0]


def _is_published(connection: psycopg.Connection[Any]) -> None:
    if connection.execute("select to_regclass('marts.risk_alert')").fetchone() == (None,):
        raise AlertRefused(
            "No month with alerts is published yet.", remedy="build and publish a month first."
        )

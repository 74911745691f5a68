"""What becomes of a risk alert: dispatched to its township, checked at the door, closed.

``marts.risk_alert`` says that an alert was raised; ``ops.alert_event`` keeps each further step that
the bureau records, for good, and ``marts.alert_answer`` has what counties answer in their clue
registers. How the two go together is said in models/core/alert_standing.sql; here the latest
published answer is brought up to date with what was recorded since.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import class_row

from include.build import DBT_PROJECT
from include.database import acting_as, connect
from include.errors import WarehouseError
from include.vault.rotating import settled

BEFORE = {"dispatched": "raised", "checked": "dispatched", "closed": "checked"}
"""State -> the one state it may follow."""
KEY_DIGITS = 12
"""How much of an alert's key must be given at least."""
NUMBER = r"YJ[0-9]{6}[0-9A-F]{12}"
"""An alert's number: its month and the beginning of its key."""


class AlertRefused(WarehouseError):
    """A step of an alert's life cycle that is not allowed; nothing was recorded."""


@dataclass(frozen=True)
class Alert:
    """A published alert as it stands now. Neither keys of people nor values: it may be printed."""

    alert_key: str
    alert_no: str
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
    since: str
    """First of the months in a row in which the rule meets the same person or household. Months
    in which the county shows no alert at all, because it is held back, do not interrupt it."""


@dataclass(frozen=True)
class Filter:
    """Which alerts; None: any."""

    period: str | None = None
    county_code: str | None = None
    rule_code: str | None = None
    severity: str | None = None
    state: str | None = None
    is_new: bool = False
    """True: only those that the month before had not."""


_STANDING = """
    with numbered as (
        select r.*, dense_rank() over (partition by county_code order by period) as month_no
        from marts.risk_alert as r
    ), counted as (
        select numbered.*, month_no - row_number() over (
            partition by rule_code, county_code, coalesce(person_key, household_key)
            order by period
        ) as run
        from numbered
    ), alert as (
        select counted.*, min(period) over (
            partition by rule_code, county_code, coalesce(person_key, household_key), run
        ) as since
        from counted
    )
    select a.alert_key, a.alert_no, a.period, a.rule_code, a.rule_name_zh, a.severity,
        a.county_code, a.township_code, a.is_monitored,
        case when answer.step > coalesce(last.step, 0) then answer.state
            else coalesce(last.state, 'raised') end as state,
        case when checked.is_later then checked.result else answer.result end as result,
        case when checked.is_later then checked.reason else answer.result_reason end as reason,
        a.since
    from alert as a
    left join lateral (
        select e.state, array_position({steps}, e.state) as step from ops.alert_event as e
        where e.alert_key = a.alert_key order by e.alert_event_id desc limit 1
    ) as last on true
    left join lateral (
        select t.*, array_position({steps}, t.state) as step from marts.alert_answer as t
        where t.alert_no = a.alert_no and t.household_key = a.household_key
        order by t.period desc limit 1
    ) as answer on true
    left join lateral (
        select e.result, e.reason, answer.result is null
            or (e.at at time zone 'Asia/Shanghai')::date >= answer.state_on as is_later
        from ops.alert_event as e where e.alert_key = a.alert_key and e.state = 'checked'
    ) as checked on true
"""
_STANDING = _STANDING.format(steps="array['dispatched', 'checked', 'closed']")
_NOW_CALLED = (
    "(select coalesce(max(t.alert_no), max(n.no)) from (select upper(%s) as no) as n"
    " left join vault.told_alert as t on t.told_no = n.no)"
)
"""An alert's number, as told before a rotation of the keys or since."""
_NEW = " and since = period"
_ORDER = " order by period, county_code, rule_code, alert_key"


@acting_as("case_worker")
def listed(which: Filter) -> list[Alert]:
    """The published alerts that ``which`` names, with what has become of them by now."""
    with connect() as connection:
        settled(connection)  # months of two versions of the keys do not go together
        return _standing(connection, which)


@acting_as("case_worker")
def advance(
    keys: Sequence[str],
    which: Filter,
    state: str,
    actor: str,
    result: str | None = None,
    reason: str | None = None,
) -> list[Alert]:
    """Record that alerts reached ``state``: those named by (the beginnings of) ``keys``, else those
    of ``which`` that may reach it; all or none. Returns them as they stand after it. Earlier steps
    of which only the county has told are recorded with it, as the county's.

    Raises AlertRefused for an alert that does not exist or is not in the state before, and for a
    result or reason that is not in ref_alert_code or not asked for.
    """
    _check_outcome(state, result, reason)
    with connect() as connection:
        # Two people who record the same step wait for each other; the second is refused.
        settled(connection)
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
                [
                    *_told_by_counties(connection, alerts, state),
                    *((a.alert_key, a.period, state, actor, result, reason) for a in alerts),
                ],
            )
        return [_named(connection, alert.alert_key) for alert in alerts]


def _told_by_counties(
    connection: psycopg.Connection[Any], alerts: Sequence[Alert], state: str
) -> Iterator[tuple[str | None, ...]]:
    """Events before ``state`` that are not recorded yet: what a county answered instead."""
    recorded = set(
        connection.execute(
            "select alert_key, state from ops.alert_event where alert_key = any(%s)",
            [[alert.alert_key for alert in alerts]],
        )
    )
    for alert in alerts:
        for step in BEFORE:
            if step == state:
                break
            if (alert.alert_key, step) not in recorded:
                outcome = (alert.result, alert.reason) if step == "checked" else (None, None)
                county = f"county {alert.county_code}"
                yield alert.alert_key, alert.period, step, county, *outcome


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
    wanted.pop("is_new")
    conditions = " and ".join(f"{name} = %({name})s" for name in wanted) or "true"
    conditions += _NEW if which.is_new else ""
    query = f"select * from ({_STANDING}) as standing where {conditions}{_ORDER}"
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        return cursor.execute(query.encode(), wanted).fetchall()


def _named(connection: psycopg.Connection[Any], key: str) -> Alert:
    is_number = re.fullmatch(NUMBER, key.upper())
    if not is_number and not re.fullmatch(rf"[0-9a-f]{{{KEY_DIGITS},64}}", key):
        raise AlertRefused(
            f"{key!r} is no alert's number or key.",
            remedy="give its number, as `alert list` shows it, or at least the first "
            f"{KEY_DIGITS} digits of its key.",
        )
    _is_published(connection)
    condition = f"a.alert_no = {_NOW_CALLED}" if is_number else "a.alert_key like %s || '%%'"
    query = f"{_STANDING} where {condition} limit 2"
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        found = cursor.execute(query.encode(), [key]).fetchall()
    if len(found) != 1:
        raise AlertRefused(
            f"{'More than one alert begins' if found else 'No published alert begins'} with {key}.",
            remedy="give its number as `alert list` shows it, or more digits of its key.",
        )
    return found[0]


def _is_published(connection: psycopg.Connection[Any]) -> None:
    if connection.execute(
        "select to_regclass('marts.risk_alert'), to_regclass('marts.alert_answer')"
    ).fetchone() != ("marts.risk_alert", "marts.alert_answer"):
        raise AlertRefused(
            "No month with alerts is published yet.", remedy="build and publish a month first."
        )

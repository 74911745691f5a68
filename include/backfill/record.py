"""The record of backfills (``ops.backfill``), also of those created in Airflow itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from include.airflow_api import Airflow, AirflowBackfill
from include.backfill.request import Request
from include.errors import BackfillRefused

_LOCK = 431015


@dataclass(frozen=True)
class Record:
    """A row of ops.backfill."""

    backfill_id: int
    from_period: str
    to_period: str
    source: str | None
    county_code: str | None
    cascades: bool
    reason: str
    requested_by: str
    requested_at: datetime
    state: str
    refused_by: str | None
    failure: str | None
    ended_at: datetime | None
    airflow_backfills: dict[str, int]

    @property
    def request(self) -> Request:
        return Request(
            self.from_period,
            self.to_period,
            self.reason,
            self.source,
            self.county_code,
            self.cascades,
        )


def open_record(connection: psycopg.Connection[Any], request: Request, actor: str) -> int:
    """Keep a request before anything is started; the backfill's number."""
    return _insert(connection, request, actor, "requested", None)


def refuse(
    connection: psycopg.Connection[Any], request: Request, actor: str, refusal: BackfillRefused
) -> int:
    """Keep a request that broke a rule."""
    return _insert(connection, request, actor, "refused", refusal)


def take_turns(connection: psycopg.Connection[Any]) -> None:
    """Until the transaction ends no other command checks or records a request."""
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])


def recorded(connection: psycopg.Connection[Any], limit: int | None = None) -> list[Record]:
    """The records, newest first."""
    with connection.cursor(row_factory=class_row(Record)) as cursor:
        return cursor.execute(
            "select backfill_id, from_period, to_period, source, county_code, cascades, reason,"
            " requested_by, requested_at, state, refused_by, failure, ended_at, airflow_backfills"
            " from ops.backfill order by backfill_id desc limit %s",
            [limit],
        ).fetchall()


def changes(connection: psycopg.Connection[Any], backfill_id: int) -> list[dict[str, Any]]:
    """Rows added, changed and removed per mart, month and county, as the publisher counted them."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select c.mart, p.period, c.county_code, sum(c.added)::bigint as added,"
            " sum(c.changed)::bigint as changed, sum(c.removed)::bigint as removed"
            " from ops.backfill_publication as b"
            " inner join ops.publication as p using (publication_id)"
            " inner join ops.publication_change as c using (publication_id)"
            " where b.backfill_id = %s and c.column_name is null"
            " group by 1, 2, 3 having sum(c.added + c.changed + c.removed) > 0 order by 1, 2, 3",
            [backfill_id],
        ).fetchall()


def adopt(
    connection: psycopg.Connection[Any], airflow: Airflow, known: Sequence[AirflowBackfill]
) -> None:
    """Keep on record what was created on Airflow's page or by ``airflow backfill create``."""
    on_record = {
        (dag_id, number)
        for record in recorded(connection)
        for dag_id, number in record.airflow_backfills.items()
    }
    for found in known:
        if "backfill" in found.conf or (found.dag_id, found.backfill_id) in on_record:
            continue
        runs = airflow.runs(found.created_at, [found.dag_id])
        source = found.dag_id.removesuffix("_delivery")
        connection.execute(
            "insert into ops.backfill (from_period, to_period, source, county_code, reason,"
            " requested_by, requested_at, airflow_backfills)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                found.first,
                found.last,
                source,
                found.conf.get("county"),
                found.conf.get("reason") or "created in Airflow, which asks for no reason",
                next((run.triggered_by for run in runs if run.triggered_by), "Airflow"),
                found.created_at,
                Jsonb({found.dag_id: found.backfill_id}),
            ],
        )


def _insert(
    connection: psycopg.Connection[Any],
    request: Request,
    actor: str,
    state: str,
    refusal: BackfillRefused | None,
) -> int:
    row = connection.execute(
        "insert into ops.backfill (from_period, to_period, source, county_code, cascades, reason,"
        " requested_by, state, refused_by, failure, ended_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
        " case when %s then clock_timestamp() end) returning backfill_id",
        [
            request.first,
            request.last,
            request.source,
            request.county,
            request.cascades,
            request.reason,
            actor,
            state,
            refusal and refusal.rule,
            refusal and refusal.what,
            refusal is not None,
        ],
    ).fetchone()
    assert row is not None
    return int(row[0])

"""Judge a build's candidate before anyone can see it: write, audit, publish."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from expectations.catalogue import write_page
from expectations.check import Subject
from expectations.checkpoint import Outcome, Report, begin_import, run
from include.database import acting_as, connect
from include.errors import GateBlocked
from include.locks import demand_candidate, working_schemas
from include.marts import candidate_marts, columns_of, content
from include.publication_log import record_block

logger = logging.getLogger(__name__)

_ACCOUNTING = "delivery_accounting"
_SEEN_KEYS = 200
"""Failing rows looked at to name their counties; Great Expectations returns no more either."""
_KEPT_KEYS = 20


@acting_as("transformer")
def audit(build_id: int) -> None:
    """Run the suites of all marts and of the delivery accounting in one checkpoint.

    Writes ``ops.gate_result`` (in place of an earlier audit's of the same build) and what the
    candidate held into ``ops.build.candidate``. Raises GateBlocked where a critical expectation
    fails, after recording the blocked publication with its reason, and CandidateReplaced where the
    candidate is not the whole of this build's.
    """
    with working_schemas(build_id):
        _audit(build_id)


def _audit(build_id: int) -> None:
    with connect() as connection:
        row = connection.execute(
            "select period, known_at from ops.build where build_id = %s", [build_id]
        ).fetchone()
        if row is None:
            raise GateBlocked(
                f"build {build_id} does not exist.", remedy="open a build and run dbt first."
            )
        demand_candidate(build_id)
        period, known_at = row
        begin_import()
        marts = candidate_marts(connection)
        seen = {mart.name: content(connection, "candidate", mart, period) for mart in marts}
        if not columns_of(connection, "staging", _ACCOUNTING):
            raise GateBlocked(
                f"staging.{_ACCOUNTING} does not exist.", remedy="run the build's dbt step first."
            )
        _remember_published(connection, period)
    names = [_ACCOUNTING, *seen]
    report = run(
        "marts",
        f"{period} build {build_id}",
        [_subject(name, period, known_at) for name in names],
        max_keys=_SEEN_KEYS,
    )
    failed = [outcome for outcome in report.outcomes if outcome.blocks]
    with connect() as connection:
        _record(connection, build_id, report, seen)
        reason = "; ".join(_in_words(connection, outcome) for outcome in failed)
    if failed:
        with connect("publisher") as log:
            record_block(log, build_id, period, reason)
    write_page()
    for outcome in report.outcomes:
        if not outcome.success and not outcome.blocks:
            logger.warning("%s: not met: %s", outcome.suite, outcome.check.description)
    if failed:
        pages = ", ".join(
            report.pages[suite].as_uri() for suite in dict.fromkeys(o.suite for o in failed)
        )
        raise GateBlocked(
            f"{period} is not published, marts stay as they were. {reason}.",
            remedy=f"{failed[0].check.remedy} Details: {pages}",
            file=f"build {build_id}",
        )


def _subject(name: str, period: str, known_at: datetime) -> Subject:
    try:
        module = importlib.import_module(f"expectations.marts.{name}")
    except ModuleNotFoundError as error:
        raise GateBlocked(
            "has no expectation suite.",
            remedy=f"write expectations/marts/{name}.py; nothing is published unjudged.",
            file=f"candidate.{name}",
        ) from error
    return Subject(f"marts.{name}", module.TABLE, module.ROW_KEY, module.suite(period, known_at))


def _remember_published(connection: psycopg.Connection[Any], period: str) -> None:
    """Make quality.published_before: what marts hold of the month before, by mart and county."""
    connection.execute(
        "drop table if exists quality.published_before;"
        " create table quality.published_before (mart text not null, county_code text not null,"
        " rows bigint not null, monitored_households bigint, primary key (mart, county_code))"
    )
    for mart in (mart.name for mart in candidate_marts(connection)):
        if "county_code" not in dict(columns_of(connection, "marts", mart)):
            continue
        stock = "max(monitored_households)" if mart == "county_scorecard" else "null::bigint"
        connection.execute(
            sql.SQL(
                f"insert into quality.published_before select %s, county_code, count(*), {stock}"
                " from {} where period ="
                " to_char(to_date(%s, 'YYYY-MM') - interval '1 month', 'YYYY-MM')"
                " and county_code is not null group by county_code"
            ).format(sql.Identifier("marts", mart)),
            [mart, period],
        )


def _record(
    connection: psycopg.Connection[Any], build_id: int, report: Report, seen: dict[str, Any]
) -> None:
    connection.execute("delete from ops.gate_result where build_id = %s", [build_id])
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.gate_result (build_id, suite, expectation, severity, success,"
            " unexpected_count, row_keys) values (%s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    build_id,
                    outcome.suite,
                    outcome.check.id,
                    # One that could not be evaluated proves nothing, whatever its severity.
                    "critical" if outcome.blocks else outcome.check.severity,
                    outcome.success,
                    outcome.unexpected_count,
                    Jsonb(outcome.row_keys[:_KEPT_KEYS]),
                )
                for outcome in report.outcomes
            ],
        )
    connection.execute(
        "update ops.build set candidate = %s where build_id = %s", [Jsonb(seen), build_id]
    )


def _in_words(connection: psycopg.Connection[Any], outcome: Outcome) -> str:
    """Which expectation, how many rows, which counties; never a row's values."""
    words = f"{outcome.suite}: expected that {outcome.check.description}"
    if outcome.error:
        return f"{words}, but this could not be evaluated ({outcome.error})"
    if outcome.unexpected_count is None:
        return f"{words}, which does not hold"
    rows = "1 row" if outcome.unexpected_count == 1 else f"{outcome.unexpected_count} rows"
    counties = _counties(connection, outcome.suite, outcome.row_keys)
    where = f" (counties {', '.join(counties)})" if counties else ""
    return f"{words}, which fails for {rows}{where}"


def _counties(
    connection: psycopg.Connection[Any], suite: str, row_keys: Sequence[str | int]
) -> list[str]:
    module = importlib.import_module(f"expectations.{suite}")
    found = connection.execute(
        f"select distinct county_code from {module.TABLE} where ({module.ROW_KEY})::text = any(%s)"
        " and county_code is not null order by 1",
        [[str(key) for key in row_keys]],
    )
    named = {code for (code,) in found}
    # Some expectations name a whole county by its code.
    codes = {key for key in map(str, row_keys) if key.isdecimal() and len(key) == 6}
    return sorted(named | codes)

"""What row-level security costs: ten queries of analysts, each with policies and without, in turns.

Without: in a transaction in which the marts' security is switched off, and which is rolled back. A
county's query of its views is compared with the city's of the marts that names the county itself.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from include.areas import counties
from include.errors import WarehouseError
from include.marts import published_marts

QUERIES = {
    "scorecard of the latest month": (
        "select * from {county_scorecard} as s where s.period = %(last)s order by s.county_code"
    ),
    "income by county and month": (
        "select h.period, h.county_code, avg(h.net_income_pp), count(*) from {household_month} as h"
        " group by 1, 2 order by 1, 2"
    ),
    "monitored households by township": (
        "select h.township_code, h.monitor_category, count(*), sum(h.members)"
        " from {household_month} as h where h.period = %(last)s and h.monitor_status = 'in_force'"
        " group by 1, 2 order by 3 desc"
    ),
    "households below the line by village": (
        "select h.village_code, count(*) filter (where h.is_below_line), count(*)"
        " from {household_month} as h where h.period = %(last)s group by 1 order by 2 desc, 1"
    ),
    "alerts by rule": (
        "select r.rule_code, r.severity, count(*), count(distinct r.household_key)"
        " from {risk_alert} as r where r.period = %(last)s group by 1, 2 order by 3 desc"
    ),
    "alerts with income and aid": (
        "select r.rule_code, h.monitor_status, count(*), avg(h.net_income_pp)"
        " from {risk_alert} as r inner join {household_month} as h"
        " using (period, household_key) group by 1, 2 order by 3 desc"
    ),
    "persons by age and sex": (
        "select p.county_code, p.age_band, p.sex, count(*) from {person_month} as p"
        " where p.period = %(last)s group by 1, 2, 3 order by 1, 2, 3"
    ),
    "medical burden beside income": (
        "select b.county_code, count(*), avg(h.net_income_pp) from {medical_burden} as b"
        " inner join {household_month} as h using (period, household_key)"
        " where b.period = %(last)s group by 1 order by 1"
    ),
    "one household over the months": (
        "select * from {household_month} as h where h.household_key = %(household)s"
        " order by h.period"
    ),
    "guarantees that lack": (
        "select g.guarantee, g.county_code, count(*) from {three_guarantees_gap} as g"
        " where g.period = %(last)s group by 1, 2 order by 3 desc"
    ),
}
"""Name -> SQL over {marts}."""


class NothingToMeasure(WarehouseError):
    """There is no published month."""


@dataclass(frozen=True)
class Cost:
    """Medians of one query in milliseconds; ``rows`` is what it gave, with policies as without."""

    query: str
    role: str
    rows: int
    with_ms: float
    without_ms: float

    @property
    def ratio(self) -> float:
        return self.with_ms / self.without_ms


def overall(costs: list[Cost]) -> float:
    """All medians with policies by all without."""
    return sum(cost.with_ms for cost in costs) / sum(cost.without_ms for cost in costs)


def measure(
    connection: psycopg.Connection[Any], runs: int, tell: Callable[[str], None] = lambda _: None
) -> list[Cost]:
    """As the owner, outside of a transaction. Raises NothingToMeasure."""
    connection.autocommit = True
    county = _largest(connection)
    known = _known(connection, county)
    costs = []
    for name, text in QUERIES.items():
        tell(name)
        for role in ("bi_city", f"bi_county_{county}"):
            own = None if role == "bi_city" else county
            secured = _statement(text, f"marts_{county}" if own else "marts")
            bare = _statement(text, "marts", own)
            times: dict[bool, list[float]] = {True: [], False: []}
            rows: set[int] = set()
            for run in range(runs + 1):
                for is_secured in (True, False) if run % 2 else (False, True):
                    statement = secured if is_secured else bare
                    who = role if is_secured else "bi_city"
                    found, spent = _run(connection, who, statement, known, is_secured)
                    rows.add(found)
                    if run:  # the first warms the cache
                        times[is_secured].append(spent)
            if len(rows) != 1:
                raise WarehouseError(
                    f"{name} gave {sorted(rows)} rows as {role}, with policies and without.",
                    remedy="./warehouse access drift.",
                )
            costs.append(
                Cost(
                    name, role, rows.pop(),
                    statistics.median(times[True]), statistics.median(times[False]),
                )
            )  # fmt: skip
    return costs


def _run(
    connection: psycopg.Connection[Any],
    role: str,
    statement: sql.Composed,
    known: dict[str, str],
    is_secured: bool,
) -> tuple[int, float]:
    """(rows, milliseconds)"""
    with connection.transaction(force_rollback=True):
        if not is_secured:
            for mart in published_marts(connection):
                connection.execute(
                    sql.SQL("alter table {} disable row level security").format(
                        sql.Identifier("marts", mart.name)
                    )
                )
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        # The catalogue's caches are filled anew after the change, and that is not the query's cost.
        connection.execute(sql.SQL("explain ") + statement, known)
        began = time.perf_counter()
        rows = len(connection.execute(statement, known).fetchall())
        return rows, (time.perf_counter() - began) * 1000


def _statement(text: str, schema: str, county: str | None = None) -> sql.Composed:
    """The query over the marts (or their views) in a schema, or over the county's rows of them."""
    marts = {}
    for name in {part.split("}")[0] for part in text.split("{")[1:]}:
        table = sql.Identifier(schema, name)
        marts[name] = (
            sql.SQL("(select * from {} where county_code = {})").format(table, sql.Literal(county))
            if county
            else table
        )
    return sql.SQL(text).format(**marts)


def _largest(connection: psycopg.Connection[Any]) -> str:
    row = None
    if connection.execute("select to_regclass('marts.household_month')").fetchone() != (None,):
        row = connection.execute(
            "select county_code from marts.household_month where county_code = any(%s)"
            " group by 1 order by count(*) desc, 1 limit 1",
            [list(counties())],
        ).fetchone()
    if row is None:
        raise NothingToMeasure("no month is published.", remedy="build a month first.")
    return str(row[0])


def _known(connection: psycopg.Connection[Any], county: str) -> dict[str, str]:
    row = connection.execute(
        "select max(period), min(household_key) from marts.household_month where county_code = %s",
        [county],
    ).fetchone()
    assert row is not None
    return {"last": row[0], "household": row[1]}

"""``backfill``: extract, rebuild and republish past months through Airflow's own backfill."""

from __future__ import annotations

import getpass
import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer
from psycopg import sql
from psycopg.types.json import Jsonb
from rich.console import Console
from rich.table import Table

from include.errors import BackfillRefused

_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_FIRST = "2021-01"


@dataclass(frozen=True)
class Change:
    """Rows of one mart, month and county that a backfill added, changed and removed."""

    mart: str
    period: str
    county_code: str
    added: int
    changed: int
    removed: int


def register(app: typer.Typer) -> None:
    app.command()(backfill)


def backfill(
    first: Annotated[str, typer.Argument(metavar="FROM", help="First month, YYYY-MM.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="Last month, YYYY-MM.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept on record.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what changed as JSON.")] = False,
) -> None:
    """Extract the months FROM to TO again, rebuild and republish them, and show what changed.

    Drives Airflow's own backfill of the three source DAGs (as `airflow backfill create` would);
    each month's build follows by itself. What the sources did not change is not loaded again.
    """
    from include.airflow_api import Airflow
    from include.cli.months import months, start_months, watch_months
    from include.database import connect

    console = Console(stderr=as_json)
    check(first, last, reason, this_month())
    periods = months(first, last)
    with Airflow() as airflow:
        if in_flight := airflow.backfills_in_flight():
            raise BackfillRefused(
                f"a backfill of {', '.join(sorted(in_flight))} is in flight.",
                remedy="wait until it has ended, or cancel it on Airflow's page.",
            )
        with connect() as before:
            remember(before, periods)
            started = start_months(airflow, first, last)
            with connect() as connection:
                connection.execute(
                    "insert into ops.backfill "
                    "(from_period, to_period, reason, requested_by, airflow_backfills) "
                    "values (%s, %s, %s, %s, %s)",
                    [first, last, reason, getpass.getuser(), Jsonb(started.backfills)],
                )
            watch_months(airflow, started, console)
            changes = compare(before, periods)
    if as_json:
        print(json.dumps([asdict(change) for change in changes], indent=1))
    else:
        console.print(changes_table(changes, periods))


def this_month() -> str:
    """The running month at the bureau."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m")


def check(first: str, last: str, reason: str, running_month: str) -> None:
    """Raise BackfillRefused, naming the rule, where the request must not start."""
    for name, period in (("FROM", first), ("TO", last)):
        if not _PERIOD.fullmatch(period):
            raise BackfillRefused(f"{name} is no month.", remedy="write it as 2026-01.")
    if first > last:
        raise BackfillRefused("FROM lies after TO.", remedy="give the earlier month first.")
    if last >= running_month:
        raise BackfillRefused(
            f"{last} has not ended: its deliveries are not complete.",
            remedy=f"end before {running_month}.",
        )
    if first < _FIRST:
        raise BackfillRefused(f"no source delivers months before {_FIRST}.", remedy="begin later.")
    if not reason.strip():
        raise BackfillRefused("the reason is empty.", remedy='say why, as in --reason "…".')


def remember(connection: psycopg.Connection[Any], periods: list[str]) -> None:
    """Keep the hashes of the months' published rows for ``compare``, for this connection only."""
    connection.execute(
        "create temporary table published_before "
        "(mart text, period text, county_code text, row_key text, content text)"
    )
    for mart, key in _marts(connection).items():
        connection.execute(
            sql.SQL("insert into published_before {}").format(_rows(mart, key)), [periods]
        )
    connection.commit()


def compare(connection: psycopg.Connection[Any], periods: list[str]) -> list[Change]:
    """What differs now from what ``remember`` kept, by mart, month and county."""
    found: list[Change] = []
    for mart, key in _marts(connection).items():
        rows = connection.execute(
            sql.SQL(
                "with now as ({now}), "
                "before as (select * from published_before where mart = {mart}) "
                "select coalesce(now.period, before.period), "
                "coalesce(now.county_code, before.county_code), "
                "count(*) filter (where before.row_key is null), "
                "count(*) filter (where before.content <> now.content), "
                "count(*) filter (where now.row_key is null) "
                "from now full join before using (period, row_key) "
                "group by 1, 2 order by 1, 2"
            ).format(now=_rows(mart, key), mart=sql.Literal(mart)),
            [periods],
        ).fetchall()
        found += [Change(mart, *row) for row in rows if any(row[2:])]
    return found


def changes_table(changes: list[Change], periods: list[str]) -> Table:
    """What changed, for the terminal."""
    title = f"What the backfill of {periods[0]} to {periods[-1]} changed"
    table = Table(title=title if changes else f"{title}: nothing", title_justify="left")
    for name in ("mart", "month", "county", "added", "changed", "removed"):
        table.add_column(name)
    for change in changes:
        table.add_row(*(str(value) for value in asdict(change).values()))
    return table


def _marts(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Published mart -> the columns that name a row within its month."""
    return dict(
        connection.execute(
            "select c.table_name::text, array_agg(k.column_name::text order by k.ordinal_position) "
            "from information_schema.table_constraints as c "
            "inner join information_schema.key_column_usage as k "
            "using (constraint_schema, constraint_name) "
            "where c.table_schema = 'marts' and c.constraint_type = 'PRIMARY KEY' "
            "and k.column_name <> 'period' group by 1 order by 1"
        ).fetchall()
    )


def _rows(mart: str, key: list[str]) -> sql.Composed:
    return sql.SQL(
        "select {name} as mart, m.period, m.county_code, row({key})::text as row_key, "
        "md5(m::text) as content from {mart} as m where m.period = any(%s)"
    ).format(
        name=sql.Literal(mart),
        key=sql.SQL(", ").join(sql.Identifier("m", column) for column in key),
        mart=sql.Identifier("marts", mart),
    )

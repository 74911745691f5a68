"""``demo``: the main job, whole and real, on a small municipality."""

from __future__ import annotations

import getpass
import json
import time
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from include.airflow_api import Task

FIRST, LAST = "2026-01", "2026-03"
_LABELS = {
    "county_name": "县市区",
    "households": "户数",
    "monitored_households": "监测\n户",
    "monitored_unstable_households": "脱贫\n不稳",
    "monitored_marginal_households": "边缘\n易致",
    "monitored_sudden_hardship_households": "突发\n困难",
    "new_monitored_households": "新\n识别",
    "relapsed_monitored_households": "返贫",
    "cleared_monitored_households": "消除",
    "net_income_pp": "人均\n纯收入",
    "households_below_line": "低于\n监测线",
    "insured_share": "参保率",
    "high_burden_households": "医疗\n负担重",
}


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print scorecard, steps and seconds as JSON.")
    ] = False,
) -> None:
    """Run three months of a simulated municipality through Airflow and show the scorecard.

    Starts all services, generates the three sources (profile tiny, January to March 2026), lets
    Airflow's scheduler extract, build, audit and publish, and leaves everything running
    (./warehouse down stops it). Running it again publishes the same rows.
    """
    from include.airflow_api import Airflow
    from include.backfill.record import open_record
    from include.backfill.request import Request
    from include.cli.months import start_months, watch_months
    from include.cli.services import start_with_progress
    from include.cli.simulate import simulate_sources
    from include.database import connect

    console = Console(stderr=as_json)
    seconds: dict[str, float] = {}
    began = time.monotonic()

    def lap(step: str) -> None:
        nonlocal began
        seconds[step], began = time.monotonic() - began, time.monotonic()

    start_with_progress(None, console)
    lap("start the services")
    simulate_sources("tiny", FIRST, LAST, console)
    lap("simulate the sources")
    with Airflow() as airflow:
        request = Request(FIRST, LAST, "demo")
        with connect() as connection:
            backfill_id = open_record(connection, request, getpass.getuser())
        tasks = watch_months(airflow, start_months(airflow, request, backfill_id), console)
    lap("three months through Airflow")
    write_pages(console)
    lap("dbt documentation")
    scorecard = read_scorecard()
    if as_json:
        print(json.dumps(_figures(scorecard, tasks, seconds), ensure_ascii=False, indent=1))
        return
    console.print(scorecard_table(scorecard))
    console.print(_steps_table(tasks, seconds))
    _print_addresses(console)


def write_pages(console: Console) -> None:
    """The dbt documentation, for the service ``pages``."""
    from include import build

    with console.status("Writing the dbt documentation"):
        build.docs()


def read_scorecard() -> list[dict[str, Any]]:
    """marts.county_scorecard, as the read-only BI account sees it over TCP."""
    import psycopg
    from psycopg.rows import dict_row

    from include.database import dsn_of

    with psycopg.connect(dsn_of("bi_city"), row_factory=dict_row) as connection:
        return connection.execute(
            "select * from marts.county_scorecard where period between %s and %s "
            "order by period, county_code",
            [FIRST, LAST],
        ).fetchall()


def scorecard_table(rows: list[dict[str, Any]]) -> Table:
    """The scorecard with the bureau's words, a block per month, within 80 columns."""
    table = Table(
        title="县市区记分卡  marts.county_scorecard",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    for column, label in _LABELS.items():
        is_name = column == "county_name"
        table.add_column(label, justify="left" if is_name else "right", no_wrap=True)
    for period, counties in groupby(rows, key=lambda row: str(row["period"])):
        table.add_section()
        table.add_row(Text(period, "bold"))
        for row in counties:
            table.add_row(*(_cell(column, row) for column in _LABELS))
    return table


def _cell(column: str, row: dict[str, Any]) -> str:
    value = row[column]
    if row["data_status"] == "held_back" and column == "households":
        return "暂缓"  # a county held back shows that, and no number
    match column:
        case _ if value is None:
            return "—"
        case "insured_share":
            return f"{value:.1%}"
        case "net_income_pp":
            return f"{value:,.0f}"
        case _:
            return str(value)


def _steps_table(tasks: list[Task], seconds: dict[str, float]) -> Table:
    from include.cli.months import seconds_per_step

    table = Table(title="Time per step", title_justify="left")
    for heading in ("step", "tasks", "seconds"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for step, spent in seconds.items():
        table.add_row(step, "", f"{spent:.1f}")
    table.add_section()
    for (dag_id, step), (count, spent) in seconds_per_step(tasks).items():
        table.add_row(f"{dag_id}: {step}", str(count), f"{spent:.1f}")
    return table


def _figures(
    scorecard: list[dict[str, Any]], tasks: list[Task], seconds: dict[str, float]
) -> dict[str, Any]:
    from include.cli.months import seconds_per_step

    return {
        "scorecard": [
            {
                key: float(value) if type(value).__name__ == "Decimal" else value
                for key, value in row.items()
            }
            for row in scorecard
        ],
        "seconds": {step: round(spent, 1) for step, spent in seconds.items()},
        "airflow_steps": [
            {"dag": dag_id, "step": step, "tasks": count, "seconds": round(spent, 1)}
            for (dag_id, step), (count, spent) in seconds_per_step(tasks).items()
        ],
    }


def _print_addresses(console: Console) -> None:
    from include.cli.services import print_addresses

    print_addresses(console)
    console.print("Stop everything with ./warehouse down; run it again with ./warehouse up.")

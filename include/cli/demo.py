"""``demo``: the main job, whole and real, on a small municipality."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from include.airflow_api import Task

FIRST, LAST = "2026-01", "2026-03"
_LABELS = {
    "period": "月份",
    "county_name": "县市区",
    "data_status": "数据状态",
    "households": "户数",
    "monitored_households": "监测户",
    "monitored_unstable_households": "脱贫不稳定",
    "monitored_marginal_households": "边缘易致贫",
    "monitored_sudden_hardship_households": "突发严重困难",
    "new_monitored_households": "新识别",
    "relapsed_monitored_households": "返贫",
    "cleared_monitored_households": "消除",
    "net_income_pp": "人均纯收入",
    "households_below_line": "低于监测线",
    "insured_share": "参保率",
    "high_burden_households": "医疗负担重",
}
_STATUS = {"published": "已发布", "held_back": "暂缓发布"}


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
    from include.cli.months import start_months, watch_months
    from include.cli.services import start_with_progress
    from include.cli.simulate import simulate_sources

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
        tasks = watch_months(airflow, start_months(airflow, FIRST, LAST), console)
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

    from include.settings import settings

    with psycopg.connect(settings().bi_dsn, row_factory=dict_row) as connection:
        return connection.execute(
            "select * from marts.county_scorecard where period between %s and %s "
            "order by period, county_code",
            [FIRST, LAST],
        ).fetchall()


def scorecard_table(rows: list[dict[str, Any]]) -> Table:
    """The scorecard with the bureau's words."""
    table = Table(
        title="县市区记分卡 (marts.county_scorecard)", title_justify="left", padding=(0, 1)
    )
    for column, label in _LABELS.items():
        is_text = column in ("period", "county_name", "data_status")
        table.add_column(label, justify="left" if is_text else "right")
    last = None
    for row in rows:
        if last not in (None, row["period"]):
            table.add_section()
        last = row["period"]
        table.add_row(*(_cell(column, row[column]) for column in _LABELS))
    return table


def _cell(column: str, value: Any) -> str:
    match column:
        case "data_status":
            return _STATUS.get(value, str(value))
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

"""``bench``: what our own steps cost beside the bare ones they are built on, in one run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from include.benchmarks.history import Growth
    from include.benchmarks.load import Figures
    from include.benchmarks.month import Figures as MonthFigures


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Compare our own steps with the bare ones they are built on."
    )
    commands.callback()(_commands)
    commands.command()(load)
    commands.command()(month)
    commands.command()(history)
    commands.command()(access)
    app.add_typer(commands, name="bench")


def _commands() -> None:
    """Compare our own steps with the bare ones they are built on."""


def load(
    rows: Annotated[int, typer.Option(min=1, help="Rows of the file.")] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Load one GB18030 csv of 25 columns with the loader, and with a bare COPY into a like table.

    Starts PostgreSQL and works in a database of its own, dropped at the end; WAREHOUSE_DSN may name
    another server, with an account that creates databases. Landing the file, and keying a person
    and a household per row, are shown apart.
    """
    from include.access.enforce import enforce
    from include.benchmarks.load import measure, scratch_database, steps
    from include.database import migrate
    from include.raw import ensure_raw_tables
    from include.services import embedded, supervisor
    from include.settings import settings

    console = Console(stderr=as_json)
    if embedded.is_given("WAREHOUSE_DSN"):
        server = settings().dsn
    else:
        supervisor.start(["postgres"])
        server = embedded.dsn("postgres", "postgres")
    with (
        scratch_database(server) as dsn,
        _progress(console) as progress,
    ):
        embedded.use_warehouse(dsn)
        migrate()
        ensure_raw_tables()
        enforce()
        task = progress.add_task(f"a file of {rows:,} rows", total=steps())
        figures = measure(rows, lambda done: progress.update(task, advance=1, description=done))
    if as_json:
        print(json.dumps(asdict(figures), indent=1))
    else:
        console.print(_table(figures))


def _table(figures: Figures) -> Table:
    table = Table(
        title=f"{figures.rows:,} rows × {figures.columns} columns, {figures.megabytes:,.0f} MB "
        "of GB18030 csv",
        title_justify="left",
    )
    for heading in ("", "seconds", "× bare COPY"):
        table.add_column(heading, justify="right" if heading else "left")
    for label, seconds in (
        ("bare COPY into a like table", figures.bare_copy_s),
        ("load", figures.load_s),
        ("load, and key 2 identifiers a row", figures.load_with_keys_s),
        ("write the file and land it", figures.landing_s),
    ):
        table.add_row(label, f"{seconds:.2f}", f"{seconds / figures.bare_copy_s:.2f}")
    return table


def month(
    profile: Annotated[str, typer.Option(help="tiny, dev, pilot or full.")] = "dev",
    period: Annotated[str, typer.Option(help="The month measured, YYYY-MM.")] = "2026-02",
    keep: Annotated[
        Path | None, typer.Option(help="Keep the scratch municipality in this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Bring a month from delivered files to published marts; seconds and memory of each step.

    Simulates a municipality of its own, runs the month before (a month reads the one before it),
    and then measures the month without Airflow: each step in a process of its own, the three
    sources at the same time.
    """
    from include.benchmarks.month import measure
    from include.evaluation.history import STEPS, municipality, run_months
    from include.simulator.months import month as number
    from include.simulator.months import period as spelled

    console = Console(stderr=as_json)
    before = spelled(number(period) - 1)
    with municipality(profile, before, period, console, keep) as home:
        run_months([before], console)
        with _progress(console) as progress:
            task = progress.add_task(f"{period}", total=len(STEPS))
            figures = measure(
                profile,
                period,
                home,
                lambda done: progress.update(task, advance=1, description=f"{period} {done}"),
            )
    if as_json:
        print(json.dumps(asdict(figures), indent=1))
    else:
        console.print(_month_table(figures))


def history(
    profile: Annotated[str, typer.Option(help="tiny, dev, pilot or full.")] = "dev",
    first: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")] = "2024-03",
    last: Annotated[str, typer.Option("--to", help="Last month, YYYY-MM.")] = "2026-02",
    times: Annotated[int, typer.Option(min=1, help="How often each is rebuilt.")] = 3,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the scratch municipality in this folder.")
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option("--in", help="Measure in a municipality that was kept, on its own months."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Rebuild the second month and the last in turns: what a month costs as history grows.

    Simulates a municipality and publishes all its months first, without Airflow. Prints the
    medians of each step, and their ratio.
    """
    from include.benchmarks.history import measure
    from include.evaluation.history import (
        kept_municipality,
        municipality,
        published_months,
        run_months,
    )
    from include.simulator.months import spell

    console = Console(stderr=True)

    def told(period: str, seconds: float) -> None:
        console.print(f"{period} rebuilt in {seconds:.1f} s")

    with (
        kept_municipality(kept, console)
        if kept
        else municipality(profile, first, last, console, keep)
    ):
        if not kept:
            run_months(spell(first, last), console)
        growth = measure(published_months(), times, console, told)
    if as_json:
        print(json.dumps(asdict(growth) | {"ratio": growth.ratio}, indent=1))
    else:
        Console().print(_growth_table(growth))


def _growth_table(growth: Growth) -> Table:
    table = Table(title="Rebuilding a month, seconds", title_justify="left")
    table.add_column("step")
    for one in (growth.short, growth.long):
        table.add_column(f"{one.period}, {one.history} months", justify="right")
    table.add_column("ratio", justify="right")
    for step, seconds in growth.short.steps.items():
        later = growth.long.steps[step]
        table.add_row(step, f"{seconds:.1f}", f"{later:.1f}", f"{later / seconds:.2f}")
    table.add_section()
    table.add_row(
        "all", f"{growth.short.seconds:.1f}", f"{growth.long.seconds:.1f}", f"{growth.ratio:.2f}"
    )
    return table


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _month_table(figures: MonthFigures) -> Table:
    table = Table(
        title=f"{figures.profile}, {figures.period}: {figures.rows_delivered:,} rows delivered",
        title_justify="left",
    )
    table.add_column("step or model")
    table.add_column("seconds", justify="right")
    table.add_column("peak MB", justify="right")
    for step in figures.steps:
        table.add_row(step.name, f"{step.seconds:.1f}", f"{step.peak_mb:,.0f}")
    table.add_section()
    table.add_row("from begin to end", f"{figures.seconds:.1f}", f"{figures.peak_mb:,.0f}")
    table.add_section()
    for name, seconds in figures.slowest:
        table.add_row(f"dbt: {name}", f"{seconds:.1f}", "")
    return table


def access(
    runs: Annotated[int, typer.Option(min=1, help="How often each query is run.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """What row-level security costs analysts: ten queries with policies and without, in turns.

    On what is published here, as bi_city and as the largest county. For each run without, security
    is switched off in a transaction that is rolled back; readers of the marts wait meanwhile.
    """
    from include.benchmarks.access import measure, overall
    from include.database import OWNER, connect

    console = Console(stderr=as_json)
    with connect(OWNER) as connection, console.status("Ten queries") as status:
        costs = measure(connection, runs, status.update)
    if as_json:
        listed = [asdict(cost) | {"ratio": round(cost.ratio, 3)} for cost in costs]
        print(json.dumps({"overall": round(overall(costs), 3), "queries": listed}, indent=1))
        return
    table = Table("query", "as", "rows", "with, ms", "without, ms", "times")
    for cost in costs:
        table.add_row(
            cost.query, cost.role, f"{cost.rows:,}", f"{cost.with_ms:.2f}",
            f"{cost.without_ms:.2f}", f"{cost.ratio:.2f}",
        )  # fmt: skip
    table.add_row("all", "", "", "", "", f"{overall(costs):.2f}")
    console.print(table)

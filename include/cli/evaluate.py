"""``evaluate``: how well the warehouse finds what the simulator knows to be true."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Measure the warehouse against the simulator's truth."
    )
    commands.callback()(_commands)
    commands.command()(order)
    app.add_typer(commands, name="evaluate")


def _commands() -> None:
    """Measure the warehouse against the simulator's truth."""


def order(
    profile: Annotated[str, typer.Option(help="tiny, dev, pilot or full.")] = "tiny",
    first: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")] = "2026-01",
    last: Annotated[str, typer.Option("--to", help="Last month, YYYY-MM.")] = "2026-03",
    seed: Annotated[int, typer.Option(help="Of the order of the second builds.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Build the months in order, build them again in a random order, and compare all marts.

    In a scratch municipality, without Airflow. Compares by ordered hash. Exit code 1 where a mart
    differs.
    """
    from include.evaluation.history import municipality
    from include.evaluation.order import compare
    from include.simulator.months import spell

    console = Console(stderr=as_json)
    with municipality(profile, first, last, console):
        verdict = compare(spell(first, last), seed, console)
    if as_json:
        print(json.dumps(asdict(verdict), indent=1))
    else:
        console.print(
            f"{len(verdict.periods)} months, {len(verdict.marts)} marts, {verdict.rows:,} rows; "
            f"built again as {', '.join(verdict.order)}: {len(verdict.differing)} differ."
        )
        for period, mart in verdict.differing:
            console.print(f"[red]{period} {mart}[/]")
    raise typer.Exit(1 if verdict.differing else 0)

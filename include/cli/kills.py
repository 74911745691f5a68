"""``evaluate kills``: processes killed in the middle of their work."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from include.evaluation.kills.matrix import Result

_STATES = {True: "[green]right[/]", False: "[red]wrong[/]"}


def kills(
    profile: Annotated[str, typer.Option(help="tiny, dev, pilot or full.")] = "tiny",
    only: Annotated[str, typer.Option(help="Points whose name fits this pattern.")] = "",
    keep: Annotated[Path | None, typer.Option(help="Keep the municipality in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Kill each task of each DAG at named points, and PostgreSQL too; the next run has to mend it.

    In a scratch municipality, without Airflow: what its tasks call, each in a process of its own,
    ended by SIGKILL. A reader asks for all marts all the time and must see the old month or the
    new one. In the end all tables have to be as if nobody had been killed. Exit code 1 otherwise.
    """
    from include.evaluation.history import municipality
    from include.evaluation.kills.matrix import Matrix
    from include.evaluation.kills.points import PERIOD, points

    console = Console(stderr=as_json)
    chosen = [point for point in points() if re.search(only, point.name)]
    # A server's crash empties what is unlogged: what needs the candidate of before comes first.
    chosen.sort(key=lambda point: point.victim in ("postgres", "postmaster"))
    results: list[Result] = []
    with municipality(profile, PERIOD, PERIOD, console, keep) as home, console.status("") as status:
        matrix = Matrix(home, status.update)
        matrix.prepare()
        for result in matrix.strike(chosen):
            results.append(result)
            _show(console, result, len(results), len(chosen))
    figures = _figures(results)
    if as_json:
        print(json.dumps(figures, indent=1))
    else:
        console.print(
            f"{figures['points']} points, {figures['right']} right in the end; the reader looked"
            f" {figures['looks']:,} times and saw nothing mixed."
            if figures["right"] == figures["points"]
            else f"{figures['points']} points, {figures['right']} right in the end."
        )
    raise typer.Exit(0 if figures["right"] == figures["points"] else 1)


def _show(console: Console, result: Result, number: int, count: int) -> None:
    point = result.point
    console.print(
        f"{number:3}/{count} {_STATES[not result.faults]} {point.moment:6} {point.victim:10}"
        f" {point.name} ({result.seconds:.0f} s, {result.looks} looks)",
        highlight=False,
        soft_wrap=True,
    )
    for fault in result.faults:
        console.print(f"        [red]{fault}[/]", highlight=False, soft_wrap=True)


def _figures(results: list[Result]) -> dict[str, object]:
    return {
        "points": len(results),
        "right": sum(not result.faults for result in results),
        "looks": sum(result.looks for result in results),
        "unanswered_looks": sum(result.unanswered for result in results),
        "by_task": dict(Counter(result.point.task for result in results)),
        "by_moment": dict(Counter(result.point.moment for result in results)),
        "by_victim": dict(Counter(result.point.victim for result in results)),
        "seconds": round(sum(result.seconds for result in results)),
        "each": [
            {
                "point": result.point.name,
                "moment": result.point.moment,
                "victim": result.point.victim,
                "faults": list(result.faults),
                "looks": result.looks,
                "seconds": round(result.seconds, 1),
            }
            for result in results
        ],
    }

"""``evaluate fuzz``: damaged files through the door of deliveries."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

if TYPE_CHECKING:
    from include.evaluation.fuzz import Result


def fuzz(
    files: Annotated[int, typer.Option(help="How many damaged files to deliver.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of what is damaged, and how.")] = 1,
    profile: Annotated[str, typer.Option(help="tiny, dev, pilot or full.")] = "tiny",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Deliver damaged files: each has to end accepted, quarantined or rejected, with all its rows.

    The files are those of a scratch municipality, of every kind and form. The same seed damages
    the same files in the same way. Exit code 1 after an error, a hang or a lost row.
    """
    from include.evaluation import fuzz as fuzzing
    from include.evaluation.history import municipality

    console, period = Console(stderr=as_json), "2026-01"
    logging.getLogger("include.acceptance").setLevel(logging.ERROR)  # thousands of rejections
    with municipality(profile, period, period, console) as home:
        found = fuzzing.originals(home, period)
        steps = iter(track(range(files), "damaged files", console=console))
        result = fuzzing.run(found, period, files, seed, lambda: next(steps, None))
    if as_json:
        print(json.dumps(result.figures(), indent=1))
    else:
        console.print(_fuzz_table(result))
        console.print(
            f"{result.files:,} files, {result.rows:,} rows loaded; another reader counted those of "
            f"{result.compared:,} files; {len(result.faults)} faults; at most {result.peak_mb} MB."
        )
        for mutation, number, what in result.faults:
            console.print(f"[red]{mutation} (file {number}): {what}[/]")
    raise typer.Exit(0 if result.is_sound else 1)


def _fuzz_table(result: Result) -> Table:
    from include.evaluation.fuzz import ENDINGS

    table = Table(title="Damaged files", title_justify="left", box=None, pad_edge=False)
    table.add_column("damage", no_wrap=True)
    for heading in ENDINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name in sorted({mutation for mutation, _ in result.endings}):
        counts = (result.endings[name, e] for e in ENDINGS)
        table.add_row(name.replace("_", " "), *(f"{count:,}" for count in counts))
    return table

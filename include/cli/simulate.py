"""``simulate``: make the three source systems' data."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def register(app: typer.Typer) -> None:
    app.command()(simulate)


def simulate(
    profile: Annotated[str, typer.Option(help="tiny, dev, pilot or full.")] = "tiny",
    first: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")] = "2026-01",
    last: Annotated[str, typer.Option("--to", help="Last month, YYYY-MM.")] = "2026-03",
) -> None:
    """Generate the simulated sources and load the civil-affairs database.

    Replaces what was simulated before: county files, the health-insurance records, the
    civil-affairs tables, and the truth that tests compare with. Needs ./warehouse up.
    """
    simulate_sources(profile, first, last, Console())


def simulate_sources(profile: str, first: str, last: str, console: Console) -> None:
    """Generate with a progress bar and load; ``demo`` uses it too."""
    from include.services import embedded
    from include.settings import settings
    from include.simulator.civil_affairs import load_civil_affairs
    from include.simulator.generate import generate
    from include.simulator.months import spell

    home = embedded.home()
    with Progress(
        TextColumn("Simulating {task.fields[what]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("villages"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=None, what=f"{profile}, {first} to {last}")
        generate(
            home,
            profile,
            settings().seed,
            spell(first, last),
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    load_civil_affairs(home, embedded.civil_affairs_admin_dsn())

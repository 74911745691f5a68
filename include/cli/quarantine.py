"""``quarantine``: which rows wait for a correction, and since when."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def register(app: typer.Typer) -> None:
    app.command()(quarantine)


def quarantine(
    period: Annotated[
        str | None, typer.Option(help="Month, YYYY-MM; the last published one unless given.")
    ] = None,
    county: Annotated[
        str | None, typer.Option(help="County code; 431000 for the city's own systems.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Show the rows that a published month left out for a defect: how many, where, since when.

    Which rows they are is in each delivery's receipt.
    """
    from include.contracts import contracts
    from include.quarantine import backlog

    found = backlog(period, county)
    if as_json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
        return
    console = Console()
    if not found:
        console.print("No row waits for a correction.")
        return
    table = Table(title=f"Quarantine of {found[0].period}", title_justify="left", box=None,
                  pad_edge=False)  # fmt: skip
    # Within 80 columns the defect's name gives way, not a figure.
    for heading, width in (("county", 6), ("kind", 12), ("defect", 24)):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=width)
    for heading, width in (("open", 5), ("new", 5), ("released", 8), ("since", 7)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    for one in found:
        table.add_row(
            one.county_code,
            contracts()[one.kind].title_zh,
            f"{one.defect_code} {one.defect_name}",
            f"{one.open_rows:,}",
            f"{one.new_rows:,}",
            f"{one.released_rows:,}",
            one.oldest_period or "–",
        )
    console.print(table)

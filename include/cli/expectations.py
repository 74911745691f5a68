"""``expectations``: what is expected of deliveries and marts, and when it last failed."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def register(app: typer.Typer) -> None:
    app.command()(expectations)


def expectations(
    suite: Annotated[
        str | None, typer.Argument(help="Only of this suite, such as county_household.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that have ever failed.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Machine-readable, on standard output.")
    ] = False,
) -> None:
    """List every expectation: severity, why it exists, how often and when it last failed.

    Writes the same as a page beside Data Docs.
    """
    from expectations.catalogue import catalogue, write_page

    page = write_page()
    entries = [
        entry
        for entry in catalogue()
        if (not suite or suite in (entry.suite, entry.suite.partition(".")[2]))
        and (not failed or entry.failed)
    ]
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "suite": entry.suite,
                        "expectation": entry.check.id,
                        "severity": entry.check.severity,
                        "defect": entry.check.defect,
                        "label_zh": entry.check.label_zh,
                        "description": entry.check.description,
                        "reason": entry.check.reason,
                        "remedy": entry.check.remedy,
                        "evaluated": entry.evaluated,
                        "failed": entry.failed,
                        "last_failed_at": entry.last_failed_at and entry.last_failed_at.isoformat(),
                        "last_failed": entry.last_failed,
                    }
                    for entry in entries
                ],
                ensure_ascii=False,
                indent=1,
            )
        )
        return
    table = Table(box=None, pad_edge=False)
    for heading in (
        "suite",
        "expectation",
        "severity",
        "what is expected",
        "failed",
        "last failed",
    ):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(
            entry.suite,
            entry.check.id,
            entry.check.severity,
            f"{entry.check.label_zh} · {entry.check.description}",
            f"{entry.failed}/{entry.evaluated}",
            f"{entry.last_failed_at:%Y-%m-%d %H:%M} {entry.last_failed}"
            if entry.last_failed_at
            else "",
        )
    console = Console()
    console.print(table)
    Console(soft_wrap=True).print(str(page))

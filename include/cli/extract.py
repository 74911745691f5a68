"""``extract``: figures for outside the bureau."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def register(app: typer.Typer) -> None:
    app.command()(extract)


def extract(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Which extract; all are listed without.")
    ] = None,
    period: Annotated[
        str | None, typer.Argument(metavar="[MONTH]", help="The published month, YYYY-MM.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, and for whom; it is kept on record.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder; extracts/MONTH in WAREHOUSE_HOME by default.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Who does it; your account by default.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Machine-readable, on standard output.")
    ] = False,
) -> None:
    """Write a public extract of a published month: CSV, workbook, page and manifest.

    Counts below the limit (seed ref_small_cell) are hidden, and others with them, so that none
    follows from sums, other extracts, months or versions: proven before anything is written.
    """
    from include.release import ExtractRefused, declared
    from include.release import extract as make

    console = Console(stderr=as_json, soft_wrap=True)
    if name is None:
        listed = {each.name: each.title_zh for each in declared().extracts}
        if as_json:
            print(json.dumps(listed, ensure_ascii=False, indent=1))
            return
        table = Table(box=None, pad_edge=False)
        table.add_column("extract")
        table.add_column("内容")
        for each, title in listed.items():
            table.add_row(each, title)
        console.print(table)
        return
    if period is None:
        raise ExtractRefused("no month is given.", remedy=f"./warehouse extract {name} 2026-01 …")
    with console.status("Looking for what has to be hidden"):
        made = make(name, period, reason=reason, by=actor or getpass.getuser(), out=out)
    if as_json:
        said = {k: v for k, v in asdict(made).items() if k not in ("sheet", "folder")} | {
            "folder": str(made.folder),
            "lines": len(made.sheet.lines),
            "hidden_figures": made.sheet.hidden,
            "anonymity": [asdict(each) for each in made.sheet.anonymity],
        }
        print(json.dumps(said, ensure_ascii=False, indent=1))
        return
    console.print(
        f"{made.name} of {made.period}, version {made.version}: {len(made.sheet.lines):,} lines,"
        f" {made.sheet.hidden:,} figures hidden. On record as extract {made.extract_id}."
    )
    for one in made.sheet.anonymity:
        console.print(
            f"{one.of} by {', '.join(one.quasi) or 'nothing'}: k = {one.k}, {one.groups:,} groups,"
            f" {one.unique:,} of one row; fewest values: "
            + (", ".join(f"{column} {n}" for column, n in one.diversity.items()) or "–")
        )
    for file in made.files:
        console.print(str(made.folder / file))

"""``ingest``: files that came by another way than the drops."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

_QUESTIONS = {
    "kind": "Of which kind is {}? (such as county_household)",
    "county": "Of which county is {}? (its code, such as 431026)",
    "period": "Of which month is {}? (such as 2026-01)",
}
_Source = Annotated[
    str | None, typer.Option(help="county, civil_affairs or health_insurance, if only one.")
]


def register(app: typer.Typer) -> None:
    app.command()(ingest)


def ingest(
    path: Annotated[Path, typer.Argument(help="A file, or a folder with files.")],
    source: _Source = None,
    county: Annotated[str | None, typer.Option(help="The county's code.")] = None,
    period: Annotated[str | None, typer.Option(help="The month, YYYY-MM.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Machine-readable, on standard output.")
    ] = False,
) -> None:
    """Take in any file or folder through the same door as deliveries: land, load, judge, receipt.

    Kind, county and month are read from folder, name, title, headings and rows; what they leave
    open is asked for, and where they differ the file is refused. Ends with the receipt. Exit code
    0 if all was accepted, 3 if something was rejected or refused.
    """
    from include import ingest as door
    from include.cli.receipt import as_data
    from include.errors import WarehouseError
    from include.landing import Landed

    if source not in (None, "county", "civil_affairs", "health_insurance"):
        raise door.IngestRefused(
            f"there is no source {source!r}.",
            remedy="choose among county, civil_affairs and health_insurance.",
        )
    console = Console(stderr=as_json)
    stated = door.Stated(source, county, period)  # type: ignore[arg-type]  # checked above
    landed: list[Landed] = []
    refused: list[WarehouseError] = []
    files = door.candidates(path)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=len(files) < 2) as progress:
        task = progress.add_task("looking at the files", total=len(files))
        for file in files:
            try:
                landed.append(door.land(file, stated, _ask if len(files) == 1 else _no_answer))
            except door.IngestRefused as refusal:
                refused.append(refusal)
            progress.advance(task)
    receipts = []
    with Progress(*columns, console=console, transient=True, disable=len(files) < 2) as progress:
        task = progress.add_task("loading and judging", total=len(landed))
        for batch in _batches(landed):
            receipts += door.take_in(batch)
            progress.advance(task, len(batch))
    due = _due()
    if as_json:
        data: dict[str, Any] = {
            "receipts": [as_data(each) for each in receipts],
            "refused": [
                {"file": each.file, "what": each.what, "remedy": each.remedy} for each in refused
            ],
            "months_to_rebuild": due,
        }
        print(json.dumps(data, ensure_ascii=False, indent=1))
    else:
        _print(console, receipts, refused, due)
    if refused or any(each.outcome != "accepted" for each in receipts):
        raise typer.Exit(3)


def _print(console: Console, receipts: list[Any], refused: list[Any], due: list[str]) -> None:
    from include.cli.receipt import listing, show
    from include.receipts import files

    if len(receipts) == 1:
        show(console, receipts[0])
    elif receipts:
        console.print(listing(receipts))
    wide = Console(soft_wrap=True)
    for each in receipts:
        for path in files(each):
            wide.print(str(path), highlight=False)
    for refusal in refused:
        wide.print(f"[red]{escape(str(refusal.file))}:[/] {escape(refusal.what)}")
        wide.print(f"  What to do: {escape(refusal.remedy)}")
    if due:
        wide.print(f"Months that will be built again: {', '.join(due)}.")
    else:
        wide.print("No published month is built again.")


def _due() -> list[str]:
    from include.database import connect
    from include.stale import due

    with connect() as connection:
        return [changed.period for changed in due(connection)]


def _batches(landed: list[Any], size: int = 50) -> list[list[Any]]:
    return [landed[start : start + size] for start in range(0, len(landed), size)]


def _ask(asked: str, name: str) -> str | None:
    if not sys.stdin.isatty():
        return None
    return str(typer.prompt(_QUESTIONS[asked].format(name))).strip() or None


def _no_answer(asked: str, name: str) -> str | None:
    return None

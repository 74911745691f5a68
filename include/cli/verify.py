"""``verify``: published versions built again from the log, and compared row by row."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from include.beside import MartDifference, Version
    from include.verify import Verified


def register(app: typer.Typer) -> None:
    app.command()(verify)


def verify(
    period: Annotated[str | None, typer.Argument(help="The month, YYYY-MM.")] = None,
    version: Annotated[
        int | None, typer.Option(help="A version of it; default: the one that is shown.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every published version of every month.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Build published versions again from their log entries and compare them row by row.

    Beside the live warehouse: marts, log and builds in progress are not touched, also when this is
    interrupted. Exit code 1 where anything differs, but by the erasure of a person, or a version
    cannot be rebuilt.
    """
    from include import verify as proof

    if everything == bool(period) or (version and not period):
        raise typer.BadParameter("name a month (and a --version of it), or say --all.")
    console = Console(stderr=as_json)
    chosen = proof.versions(period, version)
    outcomes: list[Verified] = []
    with console.status("") as status:

        def begins(one: Version) -> None:
            status.update(
                f"{one.period} version {one.version} is built again"
                f" ({len(outcomes) + 1} of {len(chosen)})"
            )

        for outcome in proof.verify(chosen, begins):
            outcomes.append(outcome)
            if not as_json:
                _print(console, outcome)
    proven = sum(outcome.is_proven for outcome in outcomes)
    explained = sum(outcome.is_explained for outcome in outcomes) - proven
    differences = sum(outcome.differences for outcome in outcomes)
    if as_json:
        print(json.dumps(summary(outcomes), default=str, ensure_ascii=False, indent=1))
    else:
        console.print(
            f"{len(outcomes)} versions built again, {proven} proven, {differences:,} rows differ."
            + (f" {explained} versions differ by erasures alone." if explained else "")
        )
    raise typer.Exit(0 if proven + explained == len(outcomes) else 1)


def summary(outcomes: list[Verified]) -> dict[str, object]:
    """The figures of ``--json``."""
    return {
        "versions": len(outcomes),
        "proven": sum(outcome.is_proven for outcome in outcomes),
        "explained": sum(outcome.is_explained for outcome in outcomes),
        "differences": sum(outcome.differences for outcome in outcomes),
        "outcomes": [
            asdict(outcome)
            | {
                "is_proven": outcome.is_proven,
                "is_explained": outcome.is_explained,
                "differences": outcome.differences,
            }
            for outcome in outcomes
        ],
    }


def differences_table(marts: tuple[MartDifference, ...], title: str) -> Table:
    """The marts that differ, for the terminal."""
    table = Table(title=title, title_justify="left")
    for heading in ("mart", "rebuilt", "stored", "only rebuilt", "only stored", "changed"):
        table.add_column(heading, justify="left" if heading == "mart" else "right")
    table.add_column("by column")
    for one in marts:
        if not one.is_equal:
            table.add_row(
                one.mart,
                *(
                    f"{count:,}"
                    for count in (
                        one.rebuilt, one.stored, one.only_rebuilt, one.only_stored, one.changed,
                    )
                ),
                "only the hash is left"
                if one.by_hash
                else ", ".join(f"{name} {count:,}" for name, count in one.columns.items()),
            )  # fmt: skip
    return table


def _print(console: Console, outcome: Verified) -> None:
    rows = sum(one.rebuilt for one in outcome.marts)
    name = f"{outcome.period} version {outcome.version}"
    if outcome.is_proven:
        console.print(
            f"[green]{name}[/]: {rows:,} rows of {len(outcome.marts)} marts, all equal"
            f" ({outcome.seconds:.0f} s)"
        )
    elif outcome.failure:
        console.print(f"[red]{name} cannot be built again[/]: {escape(outcome.failure)}")
    elif outcome.is_explained:
        numbers = ", ".join(map(str, outcome.erasures))
        title = f"[yellow]{name} differs by the erasure of a person ({numbers})[/]"
        console.print(differences_table(outcome.marts, title))
    else:
        console.print(differences_table(outcome.marts, f"[red]{name} differs[/]"))
        for one in outcome.marts:
            for key in one.keys:
                console.print(f"  {one.mart} {key}", highlight=False)
        if outcome.lost:
            console.print(f"Log and register disagree on deliveries {outcome.lost}.")
    for note in outcome.notes:
        console.print(f"  {note}")

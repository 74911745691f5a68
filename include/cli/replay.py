"""``replay``: a month as it would have been published on the knowledge of some time."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from include.cli.verify import differences_table

if TYPE_CHECKING:
    from include.replay import Beside, Kept, Replayed


def register(app: typer.Typer) -> None:
    app.command()(replay)


def replay(
    period: Annotated[str | None, typer.Argument(help="The month, YYYY-MM.")] = None,
    known_at: Annotated[
        str | None,
        typer.Option(
            "--as-known-at",
            help="A day (its end in Beijing) or a time: 2026-04-10, 2026-04-10T17:30.",
        ),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the replays that stand.")] = False,
    dropped: Annotated[str | None, typer.Option("--drop", help="Drop this replay.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Build a month as it would have been published on what was known at a time.

    It stands in a schema of its own, such as replay_2026_03_20260410, beside the live marts; read
    it with ./warehouse psql --as transformer. Says what it was made from, what was in fact
    published at that time, and how it differs from that and from what is published now.
    """
    from include import replay as replays

    if sum((bool(period and known_at), listed, bool(dropped))) != 1 or bool(period) != bool(
        known_at
    ):
        raise typer.BadParameter("name a month and --as-known-at, or say --list, or --drop one.")
    console = Console(stderr=as_json)
    if dropped:
        replays.drop(dropped)
        console.print(f"{dropped} is dropped.")
    elif listed:
        standing = replays.kept_replays()
        if as_json:
            print(json.dumps([asdict(one) for one in standing], default=str, indent=1))
        else:
            console.print(_list_table(standing))
    else:
        assert period
        assert known_at
        with console.status("") as status:
            made = replays.replay(period, known_at, status.update)
        if as_json:
            print(json.dumps(_figures(made), default=str, ensure_ascii=False, indent=1))
        else:
            _print(console, made)


def _figures(made: Replayed) -> dict[str, object]:
    figures: dict[str, object] = asdict(made)
    for name, beside in (("then", made.then), ("now", made.now)):
        if beside:
            figures[name] = asdict(beside) | {"is_equal": beside.is_equal}
    return figures


def _print(console: Console, made: Replayed) -> None:
    from include.replay import BEIJING

    console.print(
        f"{made.period} as known at {made.known_at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S} Beijing"
        f" time stands in schema [bold]{made.schema}[/]:"
        f" {sum(made.rows.values()):,} rows of {len(made.rows)} marts."
    )
    console.print(
        f"It was made from {len(made.deliveries):,} accepted deliveries (the last is number"
        f" {made.deliveries[-1]}), seeds {made.seeds_sha256[:12]} and code"
        f" {made.code_sha256[:12]} ({made.ran})."
    )
    _print_beside(console, made.then, "At that time", "was published")
    _print_beside(console, made.now, "Now", "is published")


def _print_beside(console: Console, beside: Beside | None, when: str, verb: str) -> None:
    if beside is None:
        console.print(f"{when} nothing {verb} of the month.")
    elif beside.is_equal:
        console.print(f"{when} version {beside.version} {verb}: the replay equals it.")
    else:
        title = f"{when} version {beside.version} {verb}; the replay differs from it"
        console.print(differences_table(beside.marts, title))


def _list_table(standing: list[Kept]) -> Table:
    from include.replay import BEIJING

    title = "Replays" if standing else "Replays: none"
    table = Table(title=title, title_justify="left")
    for heading in ("schema", "month", "as known at", "rows", "made by", "made at"):
        table.add_column(heading)
    for one in standing:
        table.add_row(
            one.schema,
            one.period,
            f"{one.known_at.astimezone(BEIJING):%Y-%m-%d %H:%M}",
            f"{one.rows:,}",
            one.requested_by,
            f"{one.replayed_at.astimezone(BEIJING):%Y-%m-%d %H:%M}",
        )
    return table

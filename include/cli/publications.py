"""``publications``, ``rollback``, ``release``: what is published, and taking it back."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from include.difference import Change
    from include.publications import Line

_BEIJING = ZoneInfo("Asia/Shanghai")
_Month = Annotated[str, typer.Argument(metavar="MONTH", help="The month, YYYY-MM.")]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]
_Reason = Annotated[str, typer.Option(help="Why; it is kept on record.")]
_Actor = Annotated[str | None, typer.Option(help="Who does it; your account by default.")]


def register(app: typer.Typer) -> None:
    app.command()(publications)
    app.command()(rollback)
    app.command()(release)


def publications(
    period: Annotated[
        str | None, typer.Argument(metavar="[MONTH]", help="The month, YYYY-MM; all by default.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Show what this version of the month changed.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show what is published of each month, or all versions of one, or what one of them changed.

    Counts are rows of all marts against the version it replaced; with --version by mart and county,
    and by column.
    """
    from include.database import connect
    from include.publications import NoSuchPublication, changes, lines

    if version and not period:
        raise NoSuchPublication("no month is named.", remedy="give MONTH before --version.")
    with connect() as connection:
        if period and version:
            line, found = changes(connection, period, version)
            if as_json:
                print(_dumped({**asdict(line), "changes": [asdict(each) for each in found]}))
                return
            _print_changes(Console(), line, found)
            return
        listed = lines(connection, period)
    if as_json:
        print(_dumped([asdict(line) for line in listed]))
        return
    console = Console()
    console.print(_lines(listed) if listed else "Nothing is published.")


def rollback(
    period: _Month,
    reason: _Reason,
    to: Annotated[
        int | None,
        typer.Option(min=1, help="The version to show again; the one before by default."),
    ] = None,
    actor: _Actor = None,
    as_json: _Json = False,
) -> None:
    """Show an earlier version of a month again, and hold the month.

    The earlier rows are published as a new version, in one transaction. Until ./warehouse release
    nothing is published over it, whatever comes.
    """
    from include.database import connect
    from include.publications import changes
    from include.rollback import rollback as take_back

    take_back(period, to, reason=reason, by=actor or getpass.getuser())
    with connect() as connection:
        line, found = changes(connection, period)
    if as_json:
        print(_dumped({**asdict(line), "changes": [asdict(each) for each in found]}))
        return
    console = Console()
    _print_changes(console, line, found)
    console.print(
        f"{period} shows version {line.restores_version} again, as version {line.version}. It is"
        f" held until ./warehouse release {period}.",
        soft_wrap=True,
    )


def release(period: _Month, reason: _Reason, actor: _Actor = None, as_json: _Json = False) -> None:
    """Let a month go that was rolled back: the next look at the drops has it built again."""
    from include.database import connect
    from include.holds import let_go

    by = actor or getpass.getuser()
    with connect() as connection:
        let_go(connection, period, reason, by)
    if as_json:
        print(_dumped({"period": period, "released_by": by, "reason": reason.strip()}))
        return
    Console().print(f"{period} is no longer held; it is built again within minutes.")


def _lines(listed: list[Line]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for heading in ("month ", "v ", "state ", "when "):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "+", "-", "~"):
        table.add_column(f" {heading}", justify="right", no_wrap=True)
    table.add_column(" who and why", overflow="fold")
    for line in listed:
        words = [
            "" if line.by is None else f"{line.by}: ",
            line.reason or "",
            f" [restores {line.restores_version}]" if line.restores_version else "",
            " [held]" if line.is_held else "",
            " [rows dropped]" if line.is_dropped else "",
            f" [not filled: {', '.join(line.not_filled)}]" if line.not_filled else "",
        ]
        table.add_row(
            f"{line.period} ",
            f"{line.version} ",
            f"{'shown' if line.is_shown else line.state} ",
            f"{line.published_at.astimezone(_BEIJING):%m-%d %H:%M} ",
            *(f" {count:,}" for count in (line.rows, line.added, line.removed, line.changed)),
            " " + "".join(words).replace("[", r"\[").strip(),
        )
    return table


def _print_changes(console: Console, line: Line, found: list[Change]) -> None:
    title = f"What version {line.version} of {line.period} changed"
    if not found:
        console.print(f"{title}: nothing.")
        return
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("mart", "county", "column"):
        table.add_column(heading)
    for heading in ("added", "removed", "changed"):
        table.add_column(heading, justify="right")
    for change in found:
        table.add_row(
            change.mart,
            change.county_code or "–",
            change.column_name or "",
            *(f"{count:,}" if count else "" for count in
              (change.added, change.removed, change.changed)),
        )  # fmt: skip
    console.print(table)


def _dumped(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1, default=str)

"""``audit``: what is on record about looks at persons and what was done to their data."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Who looked at whom, and why: the chain.")
    commands.callback()(_commands)
    commands.command("list")(list_)
    commands.command()(verify)
    app.add_typer(commands, name="audit")


def _commands() -> None:
    """Who looked at whom and why, in a chain that shows when a row is changed or gone."""


def list_(
    limit: Annotated[int, typer.Option(min=1, help="Events shown.")] = 50,
    subject: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only this person's or household's.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show the latest events, newest first."""
    from include.audit import events

    found = events(limit, subject)
    if as_json:
        print(json.dumps([asdict(e) for e in found], default=str, ensure_ascii=False, indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("no.", "at", "account", "person", "action", "subject", "purpose", "reason"):
        table.add_column(heading, overflow="fold")
    for each in found:
        table.add_row(
            str(each.seq),
            f"{each.at.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M:%S}",
            each.account,
            each.operator or "",
            each.action,
            (each.subject or "")[:8],
            each.purpose or "",
            each.reason or "",
        )
    Console().print(table if found else "Nothing is on record.")


def verify(as_json: _Json = False) -> None:
    """Prove that no row was changed, removed or put in; exit code 1 names the first bad one."""
    from include import audit

    verdict = audit.verify()
    if as_json:
        print(json.dumps(asdict(verdict) | {"is_whole": verdict.is_whole}))
    elif verdict.is_whole:
        Console().print(f"{verdict.rows} rows, whole; {verdict.heads} copied heads agree.")
    else:
        Console().print(
            f"[bold red]Row {verdict.bad} {verdict.why}.[/] {verdict.rows} rows before it are as"
            " they were written.\n[bold]What to do:[/] keep the server's logs and"
            f" {audit.heads_file()}, and find out who had a superuser's account."
        )
    raise typer.Exit(0 if verdict.is_whole else 1)

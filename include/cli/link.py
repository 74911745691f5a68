"""``link``: judge by hand whom a row is about, and take a judgement back."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

Reason = Annotated[str, typer.Option(help="Why; it is kept on record.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Judge by hand whom rows without a usable ID are about."
    )
    commands.callback()(_commands)
    for command in (review, aliases, decide, undo, merge, unmerge):
        commands.command()(command)
    app.add_typer(commands, name="link")


def _commands() -> None:
    """Judge by hand whom rows without a usable ID are about. The next build follows."""


def review(limit: Annotated[int, typer.Option(min=1, help="Rows shown.")] = 50) -> None:
    """Show the pairs that wait for a judgement, the likeliest first. Keys, no names."""
    from include.linkage.decisions import pending

    table = Table(box=None, pad_edge=False)
    for heading in ("row's key", "person key", "score", "rows", "evidence"):
        table.add_column(heading, no_wrap=heading != "evidence")
    for subject, candidate, score, evidence, rows in pending(limit):
        table.add_row(subject[:16], candidate[:16], f"{score:.4f}", str(rows), evidence)
    Console().print(table)


def aliases(limit: Annotated[int, typer.Option(min=1, help="Pairs shown.")] = 50) -> None:
    """Show pairs of numbers that may be one person's: for `link merge`. Keys, no names."""
    from include.linkage.decisions import possible_aliases

    table = Table(box=None, pad_edge=False)
    for heading in ("number in the list", "number insured", "county", "evidence"):
        table.add_column(heading, no_wrap=heading != "evidence")
    for alias, person, county, evidence in possible_aliases(limit):
        table.add_row(alias[:16], person[:16], county, evidence)
    Console().print(table)


def decide(
    subject: Annotated[str, typer.Argument(help="The row's key, or its first characters.")],
    candidate: Annotated[str, typer.Argument(help="The person key, or its first characters.")],
    reason: Reason,
    is_same: Annotated[bool, typer.Option("--same/--different", help="The judgement.")],
) -> None:
    """Judge one pair."""
    from include.linkage import decisions

    verdict = "same" if is_same else "different"
    number = decisions.decide(subject, candidate, verdict, reason, getpass.getuser())
    Console().print(f"Decision {number}: {verdict}. Months built from now on follow it.")


def undo(decision: Annotated[int, typer.Argument(help="The decision's number.")]) -> None:
    """Take a judgement back."""
    from include.linkage import decisions

    decisions.undo(decision, getpass.getuser())
    Console().print(f"Decision {decision} is undone for months built from now on.")


def merge(
    alias: Annotated[str, typer.Argument(help="The person key given up.")],
    person: Annotated[str, typer.Argument(help="The person key kept.")],
    reason: Reason,
) -> None:
    """Make two keys one person: a number that was corrected, or issued twice."""
    from include.linkage import decisions

    number = decisions.merge(alias, person, reason, getpass.getuser())
    Console().print(f"Alias {number}. Months built from now on follow it.")


def unmerge(alias: Annotated[int, typer.Argument(help="The alias's number.")]) -> None:
    """Take a merge back."""
    from include.linkage import decisions

    decisions.unmerge(alias, getpass.getuser())
    Console().print(f"Alias {alias} is undone for months built from now on.")

"""``subject``: what a person may ask of us: a copy of all, a correction, to be erased."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

if TYPE_CHECKING:
    from include.subject.erasure import Erasure

_Person = Annotated[
    str,
    typer.Argument(
        metavar="KEY|-",
        help="A person key, 12 characters at least; - to be asked for the resident ID.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]
_Reason = Annotated[str, typer.Option(help="Why; it is kept on record.")]


class _Group(TyperGroup):
    """A first word that is no command is the person to show."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        cls=_Group, no_args_is_help=True, help="What a person may ask of us: copy, correct, erase."
    )
    commands.callback()(_commands)
    for command in (show, correct, answer, corrections, erase, erasures):
        commands.command()(command)
    app.add_typer(commands, name="subject")


def _commands() -> None:
    """What a person may ask of us: `subject KEY|-` shows all that is held on one."""


def show(
    person: _Person,
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the copy for the person here: a workbook.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show all that is held on one person, with its sources. The look is on record."""
    from include.subject.copy import write_copy
    from include.subject.holdings import holdings
    from include.subject.look import given

    held = holdings(given(person), reason)
    if out:
        write_copy(out, held)
    if as_json:
        print(json.dumps(held, ensure_ascii=False, indent=1, default=str))
        return
    console = Console()
    console.print(
        f"{len(held['person_keys'])} keys, {len(held['resident_ids'])} numbers,"
        f" {len(held['rows'])} delivered rows in {len(held['deliveries'])} deliveries,"
        f" {len(held['looks'])} events on record." + (f" The copy lies in {out}." if out else "")
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("delivery", "what", "county", "period", "file", "outcome", "rows", "receipt"):
        table.add_column(heading, overflow="fold")
    for each in held["deliveries"]:
        table.add_row(
            *(
                str(each[name] or "")
                for name in (
                    "delivery_id", "title_zh", "county_code", "period", "file_name", "outcome",
                    "rows", "receipt",
                )
            )
        )  # fmt: skip
    console.print(table)
    places = Table(box=None, pad_edge=False)
    places.add_column("where else")
    places.add_column("rows", justify="right")
    for name, rows in (
        *((f"vault.{t}", len(r)) for t, r in held["vault"].items() if r),
        *held["working_tables"].items(),
        *((f"marts.{t}", len(r)) for t, r in held["marts"].items()),
        *((f"archive.{t}", len(r)) for t, r in held["archived_versions"].items()),
        ("alert steps", len(held["alert_steps"])),
        ("corrections", len(held["corrections"])),
    ):
        if rows:
            places.add_row(name, str(rows))
    console.print(places)


def correct(
    person: _Person,
    delivery: Annotated[int, typer.Option(help="The delivery's number, from `subject`.")],
    row: Annotated[int, typer.Option(help="The row of the sender's file.")],
    column: Annotated[str, typer.Option(help="The column, as we or the sender call it.")],
    what: Annotated[str, typer.Option(help="What is wrong, in words without numbers.")],
) -> None:
    """Ask the sender to check a cell: his receipt names it, and people are told of the deadline."""
    from include.subject import correction
    from include.subject.look import given

    number = correction.request(given(person), delivery, row, column, what)
    (made,) = correction.listed(number)
    Console().print(f"Correction {number}: {made.state}, due {made.due_on}.")


def answer(
    number: Annotated[int, typer.Argument(help="The correction's number.")],
    reason: _Reason,
    is_corrected: Annotated[
        bool, typer.Option("--corrected/--refused", help="What the sender said.")
    ],
) -> None:
    """Put on record what the sender of a disputed row answered."""
    from include.subject import correction

    correction.answer(number, "corrected" if is_corrected else "refused", reason)
    Console().print(f"Correction {number} is answered.")


def corrections(as_json: _Json = False) -> None:
    """List the corrections that persons asked for, and where they stand."""
    from include.subject.correction import listed

    found = listed()
    if as_json:
        print(json.dumps([asdict(c) for c in found], ensure_ascii=False, indent=1, default=str))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("no.", "state", "due", "delivery", "kind", "county", "period", "row", "column"):
        table.add_column(heading)
    for each in found:
        table.add_row(
            *map(
                str,
                (
                    each.correction_id, each.state, each.due_on, each.delivery_id, each.kind,
                    each.county_code, each.period, each.row_no, each.column_name,
                ),
            )
        )  # fmt: skip
    Console().print(table if found else "Nobody has asked for a correction.")


def erase(
    person: Annotated[
        str | None,
        typer.Argument(
            metavar="KEY|-", help="A person key, 12 characters at least; - for the resident ID."
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept on record.")] = "",
    basis: Annotated[str, typer.Option(help="The legal ground: ref_erasure_basis.")] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the order that is not done.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    as_json: _Json = False,
) -> None:
    """Erase a person from all of the warehouse, search for what is left, and leave a proof.

    It cannot be taken back. What is published of others stays as it is, to the byte.
    """
    from include.subject import erasure
    from include.subject.look import given

    number = erasure.unfinished() if resume else None
    if resume and number is None:
        raise erasure.ErasureRefused(
            "every erasure is done.", remedy="name a person, with --reason and --basis."
        )
    if number is None:
        if person is None:
            raise erasure.ErasureRefused(
                "nobody is named.", remedy="give a key, or - to be asked for the number."
            )
        wanted = given(person)
        if not yes:
            typer.confirm("Erase this person for good?", abort=True)
        number = erasure.order(wanted, basis, reason)
    console = Console(stderr=True)
    done = erasure.carry_out(number, lambda step: console.print(f"[dim]{step}[/]"))
    if as_json:
        print(json.dumps(asdict(done), ensure_ascii=False, indent=1, default=str))
        return
    _print_proof(Console(), done)


def erasures(as_json: _Json = False) -> None:
    """List the erasures and their proofs."""
    from include.subject import erasure

    found = [erasure.described(number) for number in erasure.numbers()]
    if as_json:
        print(json.dumps([asdict(e) for e in found], ensure_ascii=False, indent=1, default=str))
        return
    for each in found:
        _print_proof(Console(), each)
    if not found:
        Console().print("Nobody has been erased.")


def _print_proof(console: Console, of: Erasure) -> None:
    console.print(f"Erasure {of.erasure_id}: {of.state}; {of.basis}; ordered by {of.ordered_by}.")
    table = Table(box=None, pad_edge=False)
    table.add_column("where")
    table.add_column("removed", justify="right")
    table.add_column("cells emptied", justify="right")
    for place, (removed, blanked) in of.places.items():
        table.add_row(place, str(removed), str(blanked))
    console.print(table)
    if of.proof:
        console.print(
            f"Searched {of.proof['tables']} tables and {of.proof['files']} files for"
            f" {of.proof['looked_for']} values: found {of.proof['found']}."
            f" {of.proof['closed_files']} files cannot be looked into."
        )

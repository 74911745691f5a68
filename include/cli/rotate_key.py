"""``rotate-key``: give every person and household a new key."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

if TYPE_CHECKING:
    from include.vault.rotation import Rotation, Status

_BEIJING = ZoneInfo("Asia/Shanghai")
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Give every person and household a new key, from a new secret."
    )
    commands.callback()(_commands)
    commands.command()(status)
    commands.command()(start)
    commands.command()(resume)
    app.add_typer(commands, name="rotate-key")


def _commands() -> None:
    """Give every person and household a new key, from a new secret."""


def status(as_json: _Json = False) -> None:
    """Which version of the keys is in force, and how the last rotation stands."""
    from include.vault.rotation import status as ask

    found = ask()
    if as_json:
        print(_dumped(asdict(found)))
        return
    console = Console()
    known = ", ".join(map(str, found.versions_known)) or "none"
    console.print(f"Keys are of version {found.version}; secrets known here: {known}.")
    if found.rotation:
        console.print(_in_words(found.rotation), soft_wrap=True)
    if found.is_at_work:
        console.print("It is at work.")
    elif found.is_interrupted:
        console.print("[yellow]It was interrupted[/]: ./warehouse rotate-key resume.")


def start(
    reason: Annotated[str, typer.Option(help="Why; it is kept on record.")],
    actor: Annotated[str | None, typer.Option(help="Who does it; your account by default.")] = None,
    as_json: _Json = False,
) -> None:
    """Begin a rotation, and bring it to its end.

    The new secret is given beside the old one (WAREHOUSE_PERSON_KEY_NEXT_SECRET, another line in
    the file or in Airflow's variable); with embedded services it is made. Builds, publications and
    loads wait meanwhile. Killed, it goes on with resume.
    """
    from include.vault.rotation import start as begin

    by = actor or getpass.getuser()
    _run(lambda tell: begin(by, reason, tell), as_json)


def resume(as_json: _Json = False) -> None:
    """Bring an interrupted rotation to its end."""
    from include.vault.rotation import resume as go_on

    _run(go_on, as_json)


def _run(what: Callable[[Callable[[str], None]], Rotation], as_json: bool) -> None:
    console = Console(stderr=as_json)
    with _progress(console) as tell:
        done = what(tell)
    if as_json:
        print(_dumped(asdict(done)))
    else:
        console.print(_in_words(done), soft_wrap=True)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from include.vault.rotation import PHASES
    from include.vault.rotation import status as ask

    found: Status = ask()
    done = 0
    if found.is_interrupted and found.rotation:
        phase = PHASES.index(found.rotation.phase)
        done = found.rotation.months + sum(phase > at for at in (0, 2, 3))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("", total=found.steps, completed=done)

        def tell(step: str) -> None:
            if step:
                bar.update(task, description=step)
            else:
                bar.advance(task)

        yield tell


def _in_words(one: Rotation) -> str:
    begun = f"{one.begun_at.astimezone(_BEIJING):%Y-%m-%d %H:%M}"
    what = (
        f"Rotation {one.rotation_id} from version {one.from_version} to {one.to_version}, begun"
        f" {begun} by {one.requested_by} ({one.reason}): {one.months} of {one.of_months} months,"
        f" {one.rows:,} rows"
    )
    if one.ended_at is None:
        return f"{what}; at its step {one.phase}."
    return f"{what}; ended {one.ended_at.astimezone(_BEIJING):%Y-%m-%d %H:%M}."


def _dumped(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1, default=str)

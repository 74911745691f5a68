"""``backup`` and ``restore``: the whole warehouse, into a folder and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


def register(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that is new or empty.")],
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets", help="Put secrets.json into it, with the secret of the person keys."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Back up both databases, landing, what builds ran, receipts and Data Docs.

    The secret of the person keys is not in it unless you say --with-secrets: keep
    WAREHOUSE_PERSON_KEY_SECRET safe elsewhere. Without it a restored warehouse shows its months,
    but cannot key the persons of new deliveries as before. The simulated sources are not in it.
    """
    from include import backup as backups

    console = Console(stderr=as_json)
    _start(console)
    with console.status("") as status:
        made = backups.backup(folder.absolute(), with_secrets, status.update)
    if as_json:
        figures = asdict(made) | {"files": len(made.files)}
        print(json.dumps(figures, indent=1))
        return
    console.print(
        f"{folder}: {len(made.files):,} files, {made.bytes / 1e6:,.1f} MB; {made.deliveries:,}"
        f" deliveries, {made.publications:,} entries of the log, databases"
        f" {' and '.join(made.databases)}."
    )
    if not with_secrets:
        console.print(
            "The secret of the person keys is [bold]not[/] in it (secrets.json, or"
            " WAREHOUSE_PERSON_KEY_SECRET): keep it safe elsewhere."
        )


def restore(
    folder: Annotated[Path, typer.Argument(help="What ./warehouse backup wrote.")],
    replace: Annotated[
        bool,
        typer.Option("--replace-everything", help="Give up what is in this warehouse."),
    ] = False,
    other_key: Annotated[
        bool,
        typer.Option("--other-key", help="Go on with another secret of the person keys."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into this warehouse, which has to be empty.

    All sums are checked before anything is touched, and what is published is compared with what was
    backed up. Airflow has to be down (./warehouse down).
    """
    from include import restore as restores

    console = Console(stderr=as_json)
    _start(console)
    with console.status("") as status:
        done = restores.restore(folder.absolute(), replace, other_key, status.update)
    if as_json:
        print(json.dumps(asdict(done), indent=1))
        return
    console.print(
        f"The backup of {done.made_at} is restored: {done.deliveries:,} deliveries,"
        f" {done.publications:,} entries of the log; {done.marts:,} published tables of months are"
        " equal to what was backed up."
    )
    if done.erased:
        console.print(f"Erased again, for they were after the backup: {len(done.erased)} persons.")
    if done.applied:
        console.print(f"Newer migrations were applied: {', '.join(done.applied)}.")
    console.print("./warehouse up goes on from here.")


def _start(console: Console) -> None:
    """Bring the embedded PostgreSQL up, unless the databases are somebody else's."""
    from include.cli.services import start_with_progress
    from include.services import embedded

    if "postgres" not in embedded.external_services():
        start_with_progress(["postgres"], console)
        embedded.apply()

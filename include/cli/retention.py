"""``retention``: drop what is kept longer than the policy says."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console


def register(app: typer.Typer) -> None:
    app.command()(retention)


def retention(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be dropped.")
    ] = False,
    actor: Annotated[str | None, typer.Option(help="Who does it; your account by default.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Machine-readable, on standard output.")
    ] = False,
) -> None:
    """Drop archived versions and delivered files whose time is over (seed ref_retention).

    A file stays as long as a version that is kept reads it. What was dropped stays on record:
    versions with their hashes and differences, deliveries with their rows.
    """
    from include.retention import drop, plan

    console = Console(stderr=as_json)
    with console.status("Looking for what is over its time"):
        found = plan() if dry_run else drop(actor or getpass.getuser())
    if as_json:
        print(json.dumps({"dry_run": dry_run, **asdict(found)}, indent=1))
        return
    for version in found.versions:
        console.print(f"{version.period} version {version.version}: {version.rows:,} rows")
    size = sum(file.bytes for file in found.files)
    console.print(
        f"{len(found.versions):,} archived versions and {len(found.files):,} files"
        f" ({size:,} bytes) {'would be' if dry_run else 'were'} dropped.",
        soft_wrap=True,
    )

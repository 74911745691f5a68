"""``landing``: whether delivered files are encrypted where they lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Delivered files: whether they are encrypted.")
    group.command()(status)
    group.command()(encrypt)
    group.command("new-key")(make_key)
    app.add_typer(group, name="landing")


def status(as_json: _Json = False) -> None:
    """How many delivered files are plain, and how many are encrypted with which key."""
    from include.sealed_landing import kept_with
    from include.sealing import key_name, keys

    own, counted = list(map(key_name, keys())), kept_with()
    if as_json:
        sealed = {name: count for name, count in sorted(counted.items()) if name}
        print(json.dumps({"plain": counted[""], "encrypted": sealed, "keys": own}, indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("key", "files", ""):
        table.add_column(heading)
    for name in dict.fromkeys(("", *own, *sorted(counted))):
        what = "seals" if own[:1] == [name] else "opens" if name in own else "not here"
        table.add_row(name or "plain", str(counted[name]), what if name else "")
    Console().print(table)


def encrypt(as_json: _Json = False) -> None:
    """Encrypt what lies plain or under another key with the first key of the settings.

    It can be broken off and called again; deliveries are read and taken in meanwhile.
    """
    from include.errors import SealingKeyMissing
    from include.sealed_landing import seal_kept
    from include.sealing import keys

    if not keys():
        raise SealingKeyMissing(
            "no key is set to encrypt with.",
            remedy="./warehouse landing new-key FILE, then set WAREHOUSE_LANDING_KEY_FILE=FILE.",
        )
    console = Console(stderr=as_json)
    with console.status("Encrypting"):
        done = list(seal_kept())
    figures = {"encrypted": sum(done), "were": len(done) - sum(done)}
    if as_json:
        print(json.dumps(figures))
    else:
        console.print(f"{figures['encrypted']} files encrypted; {figures['were']} were already.")


def make_key(
    file: Annotated[Path, typer.Argument(help="A file that is not there, or that gets one more.")],
) -> None:
    """Make a key and put it first into FILE, readable by its owner alone.

    Keys that stand there already go on opening what they sealed. Keep a copy apart from backups:
    without its key a file of landing is lost.
    """
    from include.sealing import new_key
    from include.services.credentials import write_private

    older = file.read_text(encoding="utf-8") if file.exists() else ""
    write_private(file, f"{new_key()}\n{older}")
    Console().print(f"Set WAREHOUSE_LANDING_KEY_FILE={file.absolute()}", soft_wrap=True)

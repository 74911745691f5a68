"""``docs``: write docs/domain.md from the code."""

from __future__ import annotations

import typer
from rich.console import Console


def register(app: typer.Typer) -> None:
    app.command()(docs)


def docs() -> None:
    """Write docs/domain.md: each mart column's definition, formula, sources and rule rows.

    Needs no services. Run it after a change of a model, a seed or a description; a test compares.
    """
    from include.dictionary.page import PAGE, write

    write()
    Console().print(f"{PAGE.relative_to(PAGE.parent.parent)} is written.")

"""``evaluate``: how well the warehouse finds what the simulator knows to be true."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Measure the warehouse against the simulator's truth."
    )
    commands.callback()(_commands)
    app.add_typer(commands, name="evaluate")


def _commands() -> None:
    """Measure the warehouse against the simulator's truth."""

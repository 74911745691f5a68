"""``./warehouse``: the one entry point. Each command group is a module with ``register(app)``."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from include.errors import WarehouseError
from include.services import embedded
from include.transport import distrust

COMMAND_MODULES = (
    "demo", "services", "build", "backfill", "publications", "approval", "retention", "replay",
    "landing", "verify", "backup", "extract", "readiness", "ingest", "receipt", "quarantine",
    "expectations", "alert", "link", "look_up", "subject", "audit", "access", "rotate_key",
    "psql", "simulate", "bench", "evaluate", "docs", "supply", "test",
)  # fmt: skip
"""In the order in which ``--help`` lists them. They import what is heavy inside their functions."""
WITHOUT_SERVICES = ("docs", "supply", "sbom", "test")
"""Commands that must not know the embedded services' addresses: tests never touch real data."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def prepare(context: typer.Context) -> None:
    """From county files, civil affairs and health insurance to published marts, month by month.

    All state lives in .state/, or where WAREHOUSE_HOME says.
    """
    asks_for_help = bool({"--help", "-h"} & set(sys.argv))
    if context.invoked_subcommand not in WITHOUT_SERVICES and not asks_for_help:
        embedded.apply()


for _name in COMMAND_MODULES:
    import_module(f"include.cli.{_name}").register(app)


def main() -> None:
    """Run a command. A refusal is one red sentence and exit code 2; anything else is a defect."""
    try:
        app(prog_name="warehouse")
    except WarehouseError as refusal:
        place = "" if refusal.file is None else f"{refusal.file}: "
        if refusal.row is not None:
            place = f"{refusal.file}, row {refusal.row}: "
        console = Console(stderr=True, soft_wrap=True)
        console.print(f"[bold red]{escape(place + refusal.what)}[/]")
        console.print(f"[bold]What to do:[/] {escape(refusal.remedy)}")
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted. The next call goes on from here.")
        sys.exit(130)
    except Exception as defect:  # noqa: BLE001  # the last line of defence
        console = Console(stderr=True, soft_wrap=True)
        if why := distrust(defect):
            console.print(f"[bold red]A server is not believed: {why}.[/]")
            console.print("[bold]What to do:[/] see docs/privacy.md, Transport and rest.")
            sys.exit(2)
        console.print(f"[bold red]Unexpected {type(defect).__name__}: a defect of this program.[/]")
        console.print(
            f"[bold]What to do:[/] send {escape(str(_record(defect)))} to the maintainers."
        )
        sys.exit(1)


def _record(defect: Exception) -> Path:
    """Write where it happened. Messages of database errors may quote a row, so none is written."""
    path = embedded.home() / "logs" / "defect.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    chain: list[str] = []
    error: BaseException | None = defect
    while error is not None:
        state = getattr(error, "sqlstate", None)
        chain.append(
            f"{type(error).__module__}.{type(error).__name__}{f' {state}' if state else ''}"
        )
        chain.extend(traceback.format_tb(error.__traceback__))
        error = error.__cause__ or error.__context__
    path.write_text("\n".join(chain), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()

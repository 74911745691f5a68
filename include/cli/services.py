"""``up``, ``down``, ``status`` and ``run``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from include.errors import ServiceFailed

_STYLES = {
    "running": "green",
    "done": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "failed": "bold red",
    "died": "bold red",
    "stopped": "dim",
    "external": "cyan",
}
_Names = Annotated[
    list[str] | None, typer.Argument(help="Services, with what they need; all by default.")
]
_Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(run)


@dataclass
class Progress:
    """A live table of services on a terminal; plain lines where output is a file or a pipe."""

    console: Console
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __call__(self, service: str, state: str, detail: str) -> None:
        if state == "note":
            self.notes.append(detail)
        else:
            self.rows[service] = (state, detail)
        if not self.console.is_terminal and state != "starting":
            self.console.print(
                detail if state == "note" else f"{service}: {state} {detail}".rstrip()
            )

    def __rich__(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, (state, detail) in self.rows.items():
            moving = state in ("starting", "stopping")
            mark = Spinner("dots", style="yellow") if moving else Text("●", _STYLES[state])
            table.add_row(mark, name, Text(state, _STYLES[state]), Text(detail, "dim"))
        for note in self.notes:
            table.add_row(Text("!", "yellow"), Text(note, "yellow"))
        return table


def start_with_progress(names: list[str] | None, console: Console) -> None:
    """Start services with the live table; used by ``demo`` too."""
    from include.services import supervisor

    progress = Progress(console)
    if not console.is_terminal:
        supervisor.start(names, progress)
        return
    with Live(get_renderable=progress.__rich__, console=console, refresh_per_second=8):
        supervisor.start(names, progress)


def up(names: _Names = None) -> None:
    """Start PostgreSQL, the simulated sources and Airflow, and wait until each does its work."""
    _check_names(names)
    console = Console()
    start_with_progress(names, console)
    if names is None:
        print_addresses(console)


def down(names: _Names = None) -> None:
    """Stop what `up` started, last first; all data stay."""
    from include.services import supervisor

    _check_names(names)
    console = Console()
    progress = Progress(console)
    if console.is_terminal:
        with Live(get_renderable=progress.__rich__, console=console, refresh_per_second=8):
            stopped = supervisor.stop(names, progress)
    else:
        stopped = supervisor.stop(names, progress)
    if not stopped:
        console.print("Nothing was running.")


def status(as_json: _Json = False) -> None:
    """Show each service: whether it does its work, process, uptime, address, log.

    Exit code 0 if all run, 3 if not.
    """
    from include.services import supervisor

    lines = supervisor.status()
    if as_json:
        print(json.dumps([line.as_dict() for line in lines], indent=1))
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("service", "state", "pid", "up", "address"):
            table.add_column(heading, no_wrap=True)
        for line in lines:
            table.add_row(
                line.name,
                Text(line.state, _STYLES[line.state]),
                str(line.pid or ""),
                _duration(line.uptime_s),
                line.address,
            )
        console = Console()
        console.print(table)
        print_addresses(console)
    if any(line.state not in ("running", "external") for line in lines):
        raise typer.Exit(3)


def run(
    name: Annotated[str, typer.Argument(help="A service, or a preparation such as schemas.")],
) -> None:
    """Become one service, in the foreground and without a supervisor (for containers, systemd)."""
    from include.services import embedded, postgres
    from include.services.catalogue import SECRETS, catalogue
    from include.services.exposure import refuse_open

    if name != SECRETS.name:
        _check_names([name])
    home = embedded.home()
    postgres.open_home(home)
    service = SECRETS if name == SECRETS.name else catalogue()[name]
    refuse_open([service])
    argv, environment = service.command(), dict(service.environment())
    os.chdir(home)
    os.execvpe(argv[0], argv, environment)


def _check_names(names: list[str] | None) -> None:
    from include.services.catalogue import catalogue

    known = list(catalogue())
    for name in names or []:
        if name not in known:
            raise ServiceFailed(
                f"There is no service {name!r}.", remedy=f"choose among {', '.join(known)}."
            )


def print_addresses(console: Console) -> None:
    from include.services import embedded
    from include.services.airflow_environment import ROLES, api_url, pages_url, password_file

    home, pages = embedded.home(), pages_url()
    console.print()
    console.print(
        f"Airflow    {api_url()} (users {', '.join(ROLES)}; passwords in {password_file(home)})",
        soft_wrap=True,
    )
    console.print(f"Data Docs  {pages}/data_docs/index.html")
    console.print(f"dbt docs   {pages}/dbt/index.html")
    console.print("SQL        ./warehouse psql (the read-only BI account)")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"

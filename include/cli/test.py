"""``test``: lint, types, supply chain and all tests, in a state folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import typer
from rich.console import Console

CHECKS = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy": ("mypy",),
    "sqlfluff": (
        "sqlfluff",
        "lint",
        "--processes",
        "2",
        "dbt_project/models",
        "include/migrations",
    ),
    "supply chain": ("include.supply",),
}
_NOT_CHECKED = 3
"""Exit code of a check that could not look at all it should."""


def register(app: typer.Typer) -> None:
    app.command(
        context_settings={
            "allow_extra_args": True,
            "ignore_unknown_options": True,
            "allow_interspersed_args": False,
        }
    )(test)


def test(context: typer.Context) -> None:
    """Run ruff, mypy, sqlfluff and the checks of the supply chain, then pytest; ARGS go to pytest.

    With ARGS (one file, -k …) only pytest runs. All happens in a temporary state folder; the
    services and data of `up` are not touched.
    The exit code is pytest's, or 1 if only a check failed.
    """
    from include.settings import PROJECT_ROOT

    console = Console()
    with tempfile.TemporaryDirectory(prefix="warehouse-test-") as folder:
        Path(folder).chmod(0o711)  # as root, PostgreSQL's own account passes through
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("WAREHOUSE_", "AIRFLOW"))
        }
        executables = str(Path(sys.executable).parent)
        environment |= {
            "WAREHOUSE_HOME": str(Path(folder) / "home"),
            "PYTHONPATH": str(PROJECT_ROOT),
            "PATH": os.pathsep.join([executables, os.environ.get("PATH", os.defpath)]),
        }
        failed = []
        for name, argv in {} if context.args else CHECKS.items():
            command = [sys.executable, "-m", *argv]
            outcome = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, check=False)
            if outcome.returncode == _NOT_CHECKED:
                console.print(f"{name}: [bold yellow]NOT CHECKED in full, see above[/]")
                continue
            console.print(
                f"{name}: [green]clean[/]" if outcome.returncode == 0 else f"[red]{name} failed[/]"
            )
            if outcome.returncode != 0:
                failed.append(name)
        if failed:
            console.print(f"[red]Not clean: {', '.join(failed)}. The tests follow.[/]")
        pytest = [sys.executable, "-m", "pytest", *context.args]
        tests = subprocess.run(pytest, cwd=PROJECT_ROOT, env=environment, check=False)
    raise typer.Exit(tests.returncode or (1 if failed else 0))

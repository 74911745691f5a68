"""``supply`` and ``sbom``: what this project is made of, and whether that is sound."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from include.supply.report import Report

_COLOURS = {"passed": "green", "failed": "red", "not_checked": "bold yellow"}
_WORDS = {"passed": "passed", "failed": "FAILED", "not_checked": "NOT CHECKED"}


def register(app: typer.Typer) -> None:
    app.command()(supply)
    app.command()(sbom)


def supply(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    osv_url: Annotated[
        str | None, typer.Option(help="Query address of an OSV database of your own.")
    ] = None,
) -> None:
    """Check the lock, the packages' known vulnerabilities, and files and history for secrets.

    What could not be checked is said, and is no success: exit code 3. What is found ends with 1.
    Exceptions, with a reason and a last day, are in .ci/exceptions.yml.
    """
    reports = checks(osv_url)
    if as_json:
        print(json.dumps([asdict(report) for report in reports], ensure_ascii=False, indent=1))
    else:
        shown(reports)
    states = {report.state for report in reports}
    if states != {"passed"}:
        raise typer.Exit(1 if "failed" in states else 3)


def sbom(
    out: Annotated[
        Path | None, typer.Option(help="File to write; sbom.json in WAREHOUSE_HOME by default.")
    ] = None,
) -> None:
    """Write the list of components as CycloneDX JSON: packages, versions, licences, what needs
    what."""
    from include.settings import settings
    from include.supply.sbom import write

    path = out or settings().home / "sbom.json"
    write(path)
    Console().print(f"{path} is written.", soft_wrap=True)


def checks(osv_url: str | None = None) -> list[Report]:
    """The report of each check."""
    from include.supply import lock, secrets, vulnerabilities

    return [lock.check(), vulnerabilities.check(osv_url=osv_url), secrets.check()]


def shown(reports: list[Report]) -> None:
    """Show reports to a person."""
    console = Console(soft_wrap=True)
    for report in reports:
        console.print(
            f"{report.check}: [{_COLOURS[report.state]}]{_WORDS[report.state]}[/]"
            f" – {escape(report.looked_at)}"
        )
        for finding in report.findings:
            console.print(f"  {escape(finding)}")

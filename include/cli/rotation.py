"""``evaluate rotation``: whether a rotation of the person keys changes a figure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from include.evaluation.rotation import Difference, Verdict


def rotation(
    profile: Annotated[str, typer.Option(help="tiny, dev, pilot or full.")] = "tiny",
    first: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")] = "2026-01",
    last: Annotated[str, typer.Option("--to", help="Last month, YYYY-MM.")] = "2026-03",
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Keep the municipality in this folder; one that is there is rotated as it is."
        ),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option(help="Build all months under the new keys as well.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Rotate the keys of published months, build them again, and compare every figure of all marts.

    Rows are compared by what their keys are keys of. Months that other code published are built
    again first. Exit code 1 where a figure differs.
    """
    from include.evaluation.history import BUILD, run_months
    from include.evaluation.rotation import evaluate
    from include.simulator.months import spell

    console = Console(stderr=as_json)
    periods = spell(first, last)
    with _municipality(profile, first, last, keep, console):
        found = evaluate(
            periods,
            lambda months: run_months(months, console, BUILD),
            rebuild,
            lambda step: console.print(step) if step else None,
        )
    if as_json:
        print(json.dumps(asdict(found) | {"is_equal": found.is_equal}, indent=1))
    else:
        _print(console, found)
    raise typer.Exit(0 if found.is_equal else 1)


@contextmanager
def _municipality(
    profile: str, first: str, last: str, keep: Path | None, console: Console
) -> Iterator[None]:
    from include.evaluation.history import kept_municipality, municipality, run_months
    from include.simulator.months import spell

    if keep and (keep / "secrets.json").exists():
        # Sources made anew would know other numbers of alerts than those they were told.
        with kept_municipality(keep, console):
            yield
        return
    with municipality(profile, first, last, console, keep):
        run_months(spell(first, last), console)
        yield


def _print(console: Console, found: Verdict) -> None:
    console.print(
        f"{len(found.periods)} months, {found.versions} versions of them, {found.marts} marts,"
        f" {found.rows:,} rows; {found.rekeyed_rows:,} rows rekeyed in {found.rotation_s:.0f} s:"
        f" {len(found.rotated)} marts differ after it, {len(found.rebuilt)} after building anew."
    )
    if found.brought_up:
        console.print(f"Built again before, since other code had: {', '.join(found.brought_up)}.")
    for title, differing in (("rotated", found.rotated), ("rebuilt", found.rebuilt)):
        for one in differing:
            console.print(f"[red]{title} {_in_words(one)}[/]", soft_wrap=True)
    for period in found.republished:
        console.print(f"[red]{period} was published anew[/]")


def _in_words(one: Difference) -> str:
    version = f" (archived as {one.publication_id})" if one.publication_id else ""
    return (
        f"{one.period} {one.mart}{version}: {one.rows_before:,} and {one.rows_after:,} rows,"
        f" differing in {', '.join(one.columns)}"
    )

"""The tables that ``evaluate`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from include.evaluation.comparison import Comparison
    from include.evaluation.corrected import History
    from include.evaluation.defects import CodeFigures
    from include.evaluation.households import KindFigures
    from include.evaluation.linkage import Quality, Result
    from include.evaluation.public_linkage import PublicResult
    from include.evaluation.training import Trained

_SHORT = 6
"""Longest code that leaves room for a name beside it."""


def history_table(found: History, what: str) -> Table:
    """What a history with corrections came to."""
    differences = sum(version.differences for version in found.versions)
    proven = sum(version.is_proven for version in found.versions)
    by_right = [one for one in found.differing if one.is_by_right]
    wrong = [one for one in found.differing if not one.is_by_right]
    columns = sorted({f"{one.mart}.{name}" for one in by_right for name in one.columns})
    table = Table(title=f"{what}", title_justify="left", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("")
    for name, value in (
        ("corrections", f"{len(found.corrections)}"),
        ("builds", f"{found.builds} in {found.build_s:.0f} s"),
        ("versions proven", f"{proven} of {len(found.versions)}, {differences:,} rows differ"),
        ("rows at the end", f"{found.rows:,}"),
        ("their ordered hash", found.sha256[:16]),
        ("right from the start", found.expected[:16]),
        ("differs by right", ", ".join(columns) or "nothing"),
        *(
            (f"{one.period} {one.mart}", f"{one.rows:,} rows differ: {', '.join(one.columns)}")
            for one in wrong
        ),
    ):
        table.add_row(name, value)
    return table


def public_table(result: PublicResult) -> Table:
    table = Table(title="FEBRL 4", title_justify="left", box=None, pad_edge=False)
    table.add_column("links", no_wrap=True)
    for heading in ("rows", "linked", "right", "precision", "recall"):
        table.add_column(heading, justify="right", no_wrap=True)
    named = {"as a build links": result.sure} | {
        f"{name} {least:g}": one for name, (least, one) in result.at.items()
    }
    for name, one in named.items():
        shares = (one.precision, one.recall)
        table.add_row(
            name,
            *(f"{count:,}" for count in (one.rows, one.linked, one.right)),
            *("–" if share is None else f"{share:.4f}" for share in shares),
        )
    return table


def training_table(found: Trained) -> Table:
    table = Table(
        title=f"Parameters from {found.left:,} and {found.right:,} rows",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("level", no_wrap=True)
    for heading in ("m shipped", "m", "change", "u shipped", "u", "change"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found.parameters:
        table.add_row(
            f"{one.comparison}={one.level}",
            *(f"{value:.2g}" for value in (one.shipped_m, one.m)),
            f"{one.m - one.shipped_m:+.1g}",
            *(f"{value:.2g}" for value in (one.shipped_u, one.u)),
            f"{one.u - one.shipped_u:+.1g}",
        )
    return table


def linkage_table(result: Result, what: str) -> Table:
    table = Table(
        title=f"Links against the truth: {what}", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("source", no_wrap=True)
    for heading in ("rows", "no usable ID", "false", "precision", "recall", "recall without ID"):
        table.add_column(heading, justify="right", no_wrap=True)

    def add(name: str, quality: Quality) -> None:
        without = quality.recall_unusable
        table.add_row(
            name,
            *(f"{n:,}" for n in (quality.rows, quality.unusable, quality.false_links)),
            f"{quality.precision:.4f}",
            f"{quality.recall:.4f}",
            "–" if without is None else f"{without:.4f}",
        )

    for kind, quality in result.by_kind.items():
        add(kind, quality)
    add("all", result.overall)
    return table


def households_table(found: list[KindFigures]) -> Table:
    table = Table(title="Households over time", title_justify="left", box=None, pad_edge=False)
    table.add_column("change", no_wrap=True)
    for heading in ("expected", "found", "missed", "extra"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        counts = (one.expected, one.found, one.missed, one.extra)
        table.add_row(one.kind, *(f"{count:,}" for count in counts))
    return table


def defects_table(found: list[CodeFigures], what: str) -> Table:
    table = Table(title=f"Planted defects: {what}", title_justify="left", box=None, pad_edge=False)
    table.add_column("code", no_wrap=True)
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=36)
    for heading in ("planted", "found", "missed", "false"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        counts = (one.planted, one.found, one.missed, one.false)
        is_good = one.planted and not one.missed and not one.false
        table.add_row(
            one.code, one.name_zh, *(f"{n:,}" for n in counts), style="" if is_good else "red"
        )
    return table


def comparison_table(found: list[Comparison], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    # Within 80 columns names and long codes give way, not the figures.
    has_names = all(len(one.code) <= _SHORT for one in found)
    table.add_column("code", no_wrap=True, min_width=4, overflow="ellipsis", max_width=26)
    if has_names:
        table.add_column("", no_wrap=True, overflow="ellipsis", max_width=20)
    for heading in ("due", "near", "found", "missed", "extra", "precision", "recall"):
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    for one in found:
        counts = (one.expected, one.near_misses, one.found, one.missed, one.extra)
        shares = (one.precision, one.recall)
        table.add_row(
            one.code,
            *([one.name_zh] if has_names else []),
            *("–" if count is None else f"{count:,}" for count in counts),
            *("–" if share is None else f"{share:.4f}" for share in shares),
            style="" if one.is_exact else "red",
        )
    return table

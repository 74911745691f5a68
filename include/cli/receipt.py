"""``receipt``: what senders are told about their deliveries."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from include.receipts import Receipt

_STYLES = {"accepted": "green", "rejected": "bold red", "undecided": "yellow"}


def register(app: typer.Typer) -> None:
    app.command()(receipt)


def receipt(
    delivery_id: Annotated[
        int | None, typer.Argument(help="A delivery's number; all of a month without it.")
    ] = None,
    period: Annotated[str | None, typer.Option(help="Only of this month, YYYY-MM.")] = None,
    county: Annotated[str | None, typer.Option(help="Only of this county, by code.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Machine-readable, on standard output.")
    ] = False,
) -> None:
    """List what was delivered and decided; with a number, show and write that delivery's receipt.

    The receipt is a workbook and a page to print, in Chinese, for the sender. It names sheet, row,
    column and what to do, and holds no cell's value.
    """
    from include import receipts

    if delivery_id is None:
        found = receipts.receipts(receipts.numbers(period, county))
        if as_json:
            print(json.dumps([_plain(each) for each in found], ensure_ascii=False, indent=1))
        else:
            Console().print(listing(found))
        return
    one = receipts.receipt(delivery_id)
    receipts.write(one)
    if as_json:
        print(json.dumps(as_data(one), ensure_ascii=False, indent=1))
    else:
        show(Console(), one)
        Console(soft_wrap=True).print("\n".join(str(path) for path in receipts.files(one)))


def as_data(one: Receipt) -> dict[str, Any]:
    """A receipt with every line of its list and where its files lie."""
    from include import receipts

    return {
        **_plain(one),
        "lines": [asdict(line) for line in receipts.all_lines(one)],
        "files": [str(path) for path in receipts.files(one)],
    }


def listing(found: list[Receipt]) -> Table:
    """Deliveries, one a line."""
    table = Table(box=None, pad_edge=False)
    for heading in ("no.", "month", "sender", "delivery", "outcome"):
        table.add_column(heading, overflow="fold")
    for heading in ("rows", "used", "quarantined", "flagged", "repaired"):
        table.add_column(heading, justify="right", overflow="fold")
    for each in found:
        table.add_row(
            str(each.delivery_id),
            each.period,
            each.sender,
            each.title_zh,
            f"[{_STYLES[each.outcome]}]{each.outcome}[/]",
            *(
                f"{count:,}"
                for count in (
                    each.rows, each.used, each.quarantined, each.flagged, each.repaired
                )
            ),
        )  # fmt: skip
    return table


def show(console: Console, one: Receipt) -> None:
    """The receipt on the terminal, as its sender reads it."""
    from include.receipts.model import OUTCOMES, facts, rows_in_words, treated

    console.print(f"[{_STYLES[one.outcome]}]{OUTCOMES[one.outcome]}[/]")
    about = Table(box=None, pad_edge=False, show_header=False)
    for label, value in facts(one):
        about.add_row(label, escape(value))
    console.print(about)
    if one.judgements:
        table = _table("结果", "要求", "实际", "怎么办")
        for judged in one.judgements:
            table.add_row(
                "[red]未通过[/]" if judged.rejects else "提醒",
                judged.label_zh,
                escape(judged.observed),
                judged.remedy_zh,
            )
        console.print(table)
    if one.findings:
        table = _table("处理", "问题", "列", "行", "怎么办")
        for each in one.findings:
            table.add_row(
                treated(one.outcome, each.treatment),
                f"{each.defect} {each.name_zh}",
                escape(each.place.text),
                rows_in_words(each),
                each.remedy_zh,
            )
        console.print(table)


def _table(*headings: str) -> Table:
    """A table that folds Chinese text, which has no blanks to break at, and cuts nothing off."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _plain(one: Receipt) -> dict[str, Any]:
    return asdict(one) | {
        "received_at": one.received_at.isoformat(),
        "decided_at": one.decided_at.isoformat() if one.decided_at else None,
    }

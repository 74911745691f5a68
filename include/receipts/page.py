"""The receipt as a page to print on A4: one file that needs nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.receipts.model import OUTCOMES, Receipt, facts, rows_in_words, treated

MOST_FINDINGS = 200
"""Kinds of findings the page lists; the workbook has all."""

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)


def page(receipt: Receipt) -> str:
    """The page of a receipt as HTML."""
    return _TEMPLATES.get_template("receipt.html").render(
        receipt=receipt,
        outcome=OUTCOMES[receipt.outcome],
        facts=facts(receipt),
        treated=treated,
        rows_in_words=rows_in_words,
        most=MOST_FINDINGS,
    )

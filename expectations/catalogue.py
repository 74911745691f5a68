"""Every expectation of every suite: what it is for, and when it last failed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row

from expectations import data_docs
from expectations.check import Check
from include.contracts import contracts
from include.database import connect

_CHINA = ZoneInfo("Asia/Shanghai")
_MARTS = Path(__file__).parent / "marts"
_ANY_MONTH = ("2026-01", datetime(2026, 2, 1, tzinfo=UTC))
"""Suites of marts are made for a month; what they say does not depend on it."""


@dataclass(frozen=True)
class Entry:
    """An expectation and its record: how often it was evaluated, failed, and failed last.

    ``last_failed_at`` is in China's time; ``last_failed`` names the month, and the county of a
    delivery.
    """

    suite: str
    check: Check
    evaluated: int = 0
    failed: int = 0
    last_failed_at: datetime | None = None
    last_failed: str | None = None


def suites() -> dict[str, tuple[Check, ...]]:
    """All suites by name, deliveries first, as Data Docs name them."""
    found: dict[str, tuple[Check, ...]] = {}
    for kind in contracts():
        found[f"deliveries.{kind}"] = importlib.import_module(
            f"expectations.deliveries.{kind}"
        ).suite()
    for path in sorted(_MARTS.glob("[a-z]*.py")):
        module = importlib.import_module(f"expectations.marts.{path.stem}")
        if hasattr(module, "TABLE"):
            found[f"marts.{path.stem}"] = module.suite(*_ANY_MONTH)
    return found


def catalogue() -> list[Entry]:
    """Every expectation with its record in this warehouse, in the order of the suites."""
    records = {(row["suite"], row["expectation"]): row for row in _records()}
    return [
        Entry(suite, check, **_record(records.get((suite, check.id))))
        for suite, checks in suites().items()
        for check in checks
    ]


def write_page() -> Path:
    """Write the catalogue beside Data Docs; returns the page."""
    entries: dict[str, list[Entry]] = {}
    for entry in catalogue():
        entries.setdefault(entry.suite, []).append(entry)
    titles = {f"deliveries.{kind}": each.title_zh for kind, each in contracts().items()}
    return data_docs.write_page(
        "expectations.html", "catalogue.html", entries=entries, titles=titles
    )


def _record(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {}
    at = row["last_failed_at"]
    return {
        "evaluated": row["evaluated"],
        "failed": row["failed"],
        "last_failed_at": at and at.astimezone(_CHINA),
        "last_failed": row["last_failed"],
    }


def _records() -> Iterator[dict[str, Any]]:
    with connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        evaluated = {
            row["suite"]: row["evaluated"]
            for row in cursor.execute(
                "select 'deliveries.' || kind as suite, count(*) as evaluated from ops.acceptance"
                " inner join ops.delivery using (delivery_id) group by kind"
            )
        }
        failures = cursor.execute(
            "select 'deliveries.' || d.kind as suite, failure ->> 'expectation' as expectation,"
            " count(*) as failed, max(a.decided_at) as last_failed_at,"
            " (array_agg(d.period || ' ' || d.county_code order by a.decided_at desc,"
            " d.delivery_id desc))[1] as last_failed"
            " from ops.acceptance as a inner join ops.delivery as d using (delivery_id)"
            " cross join lateral jsonb_array_elements(a.reasons || a.warnings) as failure"
            " group by 1, 2"
        ).fetchall()
        failed = {(row["suite"], row["expectation"]): row for row in failures}
        of_marts = cursor.execute(
            "select suite, expectation, count(*) as evaluated,"
            " count(*) filter (where not success) as failed,"
            " max(checked_at) filter (where not success) as last_failed_at,"
            " (array_agg(period order by checked_at desc, gate_result_id desc)"
            " filter (where not success))[1] as last_failed"
            " from ops.gate_result inner join ops.build using (build_id) group by 1, 2"
        ).fetchall()
    for suite, checks in suites().items():
        for check in checks:
            if suite in evaluated:
                none = {"failed": 0, "last_failed_at": None, "last_failed": None}
                yield {
                    **failed.get((suite, check.id), none),
                    "suite": suite,
                    "expectation": check.id,
                    "evaluated": evaluated[suite],
                }
    yield from of_marts

"""What is wrong with a delivered file as a whole, apart from its cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from include.errors import UnreadableDelivery


def record_form(
    connection: psycopg.Connection[Any],
    delivery_id: int,
    respelt: Iterable[str],
    has_form: bool,
    refusal: UnreadableDelivery | None,
) -> None:
    """Write a file's defects: columns under another heading, rows around the table, or why it was
    refused. Runs in the load's transaction."""
    found: list[tuple[str | None, str, str]] = [(name, "D17", "repaired") for name in respelt]
    if has_form:
        found.append((None, "D16", "repaired"))
    if refusal:
        found.append((None, refusal.code, "rejected"))
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.delivery_defect (delivery_id, column_name, defect_code, treatment) "
            "values (%s, %s, %s, %s)",
            [(delivery_id, *defect) for defect in found],
        )

"""A month as people, DAG runs and tables name it, YYYY-MM; and what is none.

Models have the month in their statements and sources have it in their addresses, so each entry by
which one comes in asks here, before anything is done with it.
"""

from __future__ import annotations

import re

from include.errors import WarehouseError

_MONTH = re.compile(r"[1-9][0-9]{3}-(0[1-9]|1[0-2])")


class NotAMonth(WarehouseError):
    """A parameter, partition key or argument that is no month; nothing was done with it."""


def is_month(text: object) -> bool:
    """Whether it is a month, and nothing else besides."""
    return isinstance(text, str) and _MONTH.fullmatch(text) is not None


def demand_month(text: object) -> None:
    """Raises NotAMonth, which does not repeat what was given: it ends in logs and notices."""
    if not is_month(text):
        raise NotAMonth(
            "what was given as the month is none.",
            remedy="write it as 2026-01; a DAG's run has it as its partition key.",
        )
